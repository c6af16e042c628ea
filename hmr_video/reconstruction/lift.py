"""One person's track through the shipped model: keypoints in, a first 3D estimate with past and future out."""

from dataclasses import dataclass

import torch
from torch import Tensor

from hmr_video.body import Body
from hmr_video.features.keypoints import (
    MODEL_FRAME_RATE,
    bracket,
    camera_translation,
    fill_gaps,
    frame_positions,
    keypoint_features,
    mirror_features,
    pixels_to_rays,
    resample,
    with_points,
)
from hmr_video.geometry.rotations import mirror_rotations, slerp
from hmr_video.geometry.skeleton import BODY_LANDMARKS, COCO_FACE, USABLE_CONFIDENCE
from hmr_video.model.hmmr import HMMR
from hmr_video.reconstruction.person import Estimate

_ENOUGH = 4  # visible keypoints from which a frame says where the person is
_CHUNK = 1024  # model frames at once, so that memory does not grow with the track
OUTLIER_METRES = 0.2  # from which a keypoint's say in where the body stands falls off
REWEIGHTINGS = 4  # of the keypoints, by how far they are off
FACE = 0.2  # what nose, eyes and ears count against limbs


@dataclass(frozen=True)
class Lifted:
    """What the model says of a track of T frames.

    Attributes:
        estimate: the present.
        to_past, to_future: (T, 24, 3, 3) what each joint's present rotation is followed by (on the right) to give the past's.
    """

    estimate: Estimate
    to_past: Tensor
    to_future: Tensor


@torch.inference_mode()
def lift(
    model: HMMR, keypoints: Tensor, timestamps: Tensor, camera_matrix: Tensor, body: Body, hallucinate: bool = False
) -> Lifted:
    """Keypoints (T, 17 or 29, 3) in pixels with confidence at ``timestamps`` (T,) seconds -> the model's estimate of the frames.

    The model runs at its own frame rate: keypoints are resampled to it, rotations brought back by slerp. With ``hallucinate``
    each frame is a photograph, which knows nothing of the others.
    """
    features, box = model_input(with_points(keypoints, model.config.keypoints), timestamps, camera_matrix)
    keypoints = keypoints[:, BODY_LANDMARKS]
    present, past, future, camera, betas = _run(model, features, hallucinate)

    last = features.shape[1] - 1
    back = ((timestamps - timestamps[0]).double() * MODEL_FRAME_RATE).float().clamp_max(last)
    before = back.floor().long()
    after = (before + 1).clamp_max(last)
    weight = back - before

    def at_frames(rotations: Tensor) -> Tensor:
        return slerp(rotations[before], rotations[after], weight[:, None])

    points_seen = (keypoints[..., 2] > USABLE_CONFIDENCE).sum(-1)
    known = points_seen >= _ENOUGH
    shape = (betas[before] * points_seen[:, None]).sum(0) / points_seen.sum().clamp_min(1)
    placed = camera_translation(camera, box[0])
    placed = torch.lerp(placed[before], placed[after], weight[:, None])
    rotations = _bridge_rotations(at_frames(present), known)
    trans = _translation(placed, rotations, shape, keypoints, camera_matrix, body)
    estimate = Estimate(rotations, shape, fill_gaps(trans[None], known[None])[0])
    return Lifted(estimate, at_frames(present.mT @ past), at_frames(present.mT @ future))


def model_input(keypoints: Tensor, timestamps: Tensor, camera_matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Features (1, G, F) and boxes in rays (1, G, 3) of a track of T frames, see :func:`lift`, at the model's own frame rate."""
    rays = torch.cat([pixels_to_rays(keypoints[..., :2], camera_matrix), keypoints[..., 2:]], -1)
    time = (timestamps - timestamps[0]).double()
    grid = torch.arange(int(time[-1] * MODEL_FRAME_RATE + 1e-3) + 1) / MODEL_FRAME_RATE
    return keypoint_features(resample(rays[None], frame_positions(grid, time)[None]))


def _bridge_rotations(rotations: Tensor, known: Tensor) -> Tensor:
    """(T, 24, 3, 3), slerped over the frames that are not ``known`` (T,): of what it cannot see the model tells stories."""
    before, after, weight = (value[0] for value in bracket(known[None]))
    return slerp(rotations[before], rotations[after], weight[:, None])


def _run(model: HMMR, features: Tensor, hallucinate: bool) -> tuple[Tensor, ...]:
    """Features (1, G, F) -> rotations of present, past, future (G, 24, 3, 3), camera (G, 3), betas (G, 10), computed where the
    model's weights lie.

    Before the first and after the last frame the model sees those frames again, so that a photograph is somebody who stands
    still. In chunks, which changes nothing: each frame's statistics are its own.
    """
    margin, count, device = context_frames(model), features.shape[1], next(model.parameters()).device
    parts = []
    for start in range(0, count, _CHUNK):
        frames = torch.arange(start - margin, min(start + _CHUNK, count) + margin).clamp(0, count - 1)
        parts.append([value[0].cpu() for value in predict(model, features[:, frames].to(device), hallucinate)])
    return tuple(torch.cat(column) for column in zip(*parts, strict=True))


def context_frames(model: HMMR) -> int:
    """How many frames to either side the temporal encoder sees."""
    return 2 * model.config.blocks


def predict(model: HMMR, features: Tensor, hallucinate: bool = False) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Features (B, N, F) -> what the model says of all frames that have :func:`context_frames` to both sides (M frames of N):
    rotations of present, past, future (B, M, 24, 3, 3), camera (B, M, 3), betas (B, M, 10).

    The mean of what it says of the track and of its mirror image.
    """
    phi = model.encode(torch.cat([features, mirror_features(features)]))
    strip = model.hallucinate(phi) if hallucinate else model.temporal(phi)
    output = model.regress(strip[:, context_frames(model) : -context_frames(model)])
    moments = [moment.rotations.chunk(2) for moment in (output.present, output.past, output.future)]
    present, past, future = (slerp(plain, mirror_rotations(mirrored), plain.new_tensor(0.5)) for plain, mirrored in moments)
    camera, mirrored_camera = output.present.camera.chunk(2)
    camera = (camera + mirrored_camera * mirrored_camera.new_tensor([1.0, -1.0, 1.0])) / 2
    return present, past, future, camera, torch.stack(output.present.betas.chunk(2)).mean(0)


def _translation(
    placed: Tensor, rotations: Tensor, betas: Tensor, keypoints: Tensor, camera_matrix: Tensor, body: Body
) -> Tensor:
    """trans (T, 3) from the model's pelvis positions (T, 3), corrected by the keypoints."""
    shape = betas.expand(len(rotations), -1)
    joints, turned = body.joints(rotations, shape)
    points = body.coco_from_joints(joints, turned, shape)
    return initial_translation(points, keypoints, camera_matrix, placed - joints[:, 0], depth_deviation=0.1)


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
