"""The losses of HMMR (section 3.3), and three that its readers missed. Shapes: B sequences, T frames, J joints.

Weighted means run over the entries whose weight is not zero, and are 0 where there is none. The paper's factors are 60 for
keypoints, joints and SMPL, and 1 for the rest; those of the added three are a matter of the data, 0 to leave one out.
"""

import torch
from torch import Tensor

from hmr_video.geometry.weak_cameras import optimal_camera, weak_project

HIPS = (2, 3)  # right and left, of the 14 joints of the LSP order


def weighted_mean(values: Tensor, weights: Tensor) -> Tensor:
    """sum(w v) / #(w != 0), the weights broadcast over trailing dimensions of the values."""
    weights = weights.to(values.dtype).reshape(weights.shape + (1,) * (values.ndim - weights.ndim)).expand_as(values)
    return (values * weights).sum() / weights.ne(0).sum().clamp_min(1)


def keypoint_loss(projected: Tensor, targets: Tensor) -> Tensor:
    """L_2D = |x - y|_1 over visible points. projected (..., J, 2), targets (..., J, 3) x, y, visibility; crop units."""
    return weighted_mean((projected - targets[..., :2]).abs(), targets[..., 2])


def keypoint_loss_optimal_camera(points: Tensor, targets: Tensor) -> Tensor:
    """L_2D of past and future, min over s, t of |s (x + t) - y|_1: they have no camera, so that box jitter is no motion.

    points (..., J, 2 or 3) metres, orthographic; targets (..., J, 3). No gradient flows through the camera.
    """
    camera = optimal_camera(points, targets[..., :2], targets[..., 2])
    return keypoint_loss(weak_project(points, camera), targets)


def aligned_at_hips(joints: Tensor) -> Tensor:
    """Joints (..., 14, 3) of the LSP order relative to the midpoint of the hips."""
    return joints - joints[..., HIPS, :].mean(-2, keepdim=True)


def joint_loss(joints: Tensor, targets: Tensor, labelled: Tensor) -> Tensor:
    """L_3D = 1/2 |X - X*|^2, both (..., 14, 3) aligned at the hips; ``labelled`` (...) says which have a label."""
    return weighted_mean((aligned_at_hips(joints) - aligned_at_hips(targets)).square(), labelled) / 2


def smpl_loss(rotations: Tensor, betas: Tensor, target_rotations: Tensor, target_betas: Tensor, labelled: Tensor) -> Tensor:
    """L_SMPL = 1/2 |R - R*|^2 + 1/2 |beta - beta*|^2: rotations (..., 24, 3, 3), betas (..., 10), labelled (...)."""
    pose = weighted_mean((rotations - target_rotations).square(), labelled)
    shape = weighted_mean((betas - target_betas).square(), labelled)
    return (pose + shape) / 2


def constant_shape_loss(betas: Tensor) -> Tensor:
    """L_const = 1/2 |beta_t - beta_{t+1}|^2 of consecutive frames; betas (B, T, 10)."""
    return (betas[:, 1:] - betas[:, :-1]).square().mean() / 2


def shape_prior_loss(betas: Tensor) -> Tensor:
    """L_beta = |beta|^2, mean over all entries; betas (..., 10)."""
    return betas.square().mean()


def adversarial_loss(scores: Tensor) -> Tensor:
    """L_adv = E sum_i (D_i - 1)^2, for the encoder to look real; scores (..., 24) of predicted poses."""
    return (scores - 1).square().sum(-1).mean()


def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    """L_D = E sum_i (D_i(real) - 1)^2 + E sum_i D_i(fake)^2; scores (..., 24) each."""
    return (real - 1).square().sum(-1).mean() + fake.square().sum(-1).mean()


def hallucination_loss(strip: Tensor, hallucinated: Tensor) -> Tensor:
    """L_hal = |Phi - Phi~|^2: movie strip and hallucinated strip (..., C) draw each other near."""
    return (strip - hallucinated).square().mean()


# What the paper's readers found missing.


def shape_variance_loss(betas: Tensor) -> Tensor:
    """1/2 |beta_t - mean_t beta|^2 over the whole sequence, so that shape cannot drift in small steps; betas (B, T, 10)."""
    return (betas - betas.mean(1, keepdim=True)).square().mean() / 2


def acceleration_loss(joints: Tensor, targets: Tensor | None = None) -> Tensor:
    """|X_{t-1} - 2 X_t + X_{t+1}|, or its distance to that of the targets: smooth pose, not shape alone. (B, T, J, 3) metres."""
    motion = joints if targets is None else joints - targets
    return (motion[:, :-2] - 2 * motion[:, 1:-1] + motion[:, 2:]).norm(dim=-1).mean()


def bone_direction_loss(joints: Tensor, targets: Tensor, parents: tuple[int, ...]) -> Tensor:
    """1 - cos of the angle between the bones of two skeletons, whatever their lengths: (..., J, 2 or 3) each.

    Sees a bent back that joint distances overlook. A negative parent marks a root.
    """
    child = [joint for joint, parent in enumerate(parents) if parent >= 0]
    parent = [parents[joint] for joint in child]
    bones, wanted = joints[..., child, :] - joints[..., parent, :], targets[..., child, :] - targets[..., parent, :]
    return (1 - torch.cosine_similarity(bones, wanted, dim=-1, eps=1e-6)).mean()
