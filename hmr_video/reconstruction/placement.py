"""Where a posed body stands so that it is seen where its keypoints are."""

import torch
from torch import Tensor

from hmr_video.geometry.skeleton import COCO_FACE, USABLE_CONFIDENCE

OUTLIER_METRES = 0.2  # from which a keypoint's say in where the body stands falls off
REWEIGHTINGS = 4  # of the keypoints, by how far they are off
FACE = 0.2  # what nose, eyes and ears count against limbs


def initial_translation(
    joints: Tensor, keypoints: Tensor, camera_matrix: Tensor, prior: Tensor, depth_deviation: float
) -> Tensor:
    """Where bodies stand so that their points fall on their keypoints: reweighted least squares per frame, (T, 3) metres.

    joints: (T, 17, 3) COCO points of bodies at trans 0; keypoints: (T, 17, 3) pixels and confidence; prior: (T, 3), what the
    model says, which decides where too little is seen. Minimises the distance of each point to its keypoint's ray as it appears,
    or else points that disagree would draw the body near, where metres are small; and by Geman and McClure's weights, so that a
    keypoint far off, of a limb out of the picture perhaps, does not decide alone.
    """
    rays = (keypoints[..., :2] - camera_matrix[:2, 2]) / torch.stack([camera_matrix[0, 0], camera_matrix[1, 1]])
    weight = torch.where(keypoints[..., 2] > USABLE_CONFIDENCE, keypoints[..., 2], 0.0).square()
    weight[..., list(COCO_FACE)] *= FACE
    one, zero = torch.ones_like(rays[..., 0]), torch.zeros_like(rays[..., 0])
    rows = torch.stack([torch.stack([one, zero, -rays[..., 0]], -1), torch.stack([zero, one, -rays[..., 1]], -1)], -2)
    wanted = rays * joints[..., 2:] - joints[..., :2]  # (T, 17, 2)
    depth = prior[:, 2].clamp_min(0.5)
    # The prior's strength: a few centimetres across, and a share of the distance along the view.
    trust = torch.stack(
        [torch.full_like(depth, 0.01), torch.full_like(depth, 0.01), (0.02 / (depth_deviation * depth)).square()], -1
    )
    solved = prior
    for _ in range(REWEIGHTINGS):
        nearer = depth[:, None] / (joints[..., 2] + solved[:, 2:]).clamp_min(0.3)
        missed = ((rows @ solved[:, None, :, None]).squeeze(-1) - wanted) * nearer[..., None]  # metres at the prior's distance
        pull = weight * nearer.square() / (1 + missed.square().sum(-1) / OUTLIER_METRES**2).square()
        normal = torch.einsum("tk,tkij,tkil->tjl", pull, rows, rows) + torch.diag_embed(trust)
        right = torch.einsum("tk,tkij,tki->tj", pull, rows, wanted) + trust * prior
        solved = torch.linalg.solve(normal, right)
        solved = torch.cat([solved[:, :2], solved[:, 2:].clamp_min(0.3)], -1)
    return solved
