"""The default features: keypoints of a frame, normalised by the person's box, with the box against the focal length.

COCO's 17, or all 29 landmarks, of which feet, hands or both may be absent, that is, without confidence.

Everything here works on *rays*: image points divided by the focal length after subtracting the principal point, (x - c) / f.
That makes the features the same for every image size and focal length.
"""

import torch
from torch import Tensor

from hmr_video.geometry.skeleton import (
    BODY_LANDMARKS,
    COCO_NAMES,
    LIMBS_OF_ENDS,
    MIRRORED_COCO,
    MIRRORED_LANDMARKS,
    USABLE_CONFIDENCE,
)

MODEL_FRAME_RATE = 30.0  # the shipped model's frames per second, whatever the video's

TRUSTED = 0.3  # confidence from which a keypoint shapes the box, where at least three reach it
_SMOOTHING = 5  # frames of the box's moving average
_BODY_POINTS = len(COCO_NAMES)
_BODY_FEATURES = [2 * _BODY_POINTS, _BODY_POINTS, 2, 1]  # x and y, confidences, centre of the box, log size
_ENLARGED = 6.0  # feet and hands are small against the box
_FURTHEST = 3.0  # no coordinate is larger
_TYPICAL_SIZE = 0.3  # half side of a typical box in rays; centres the log size at zero


def pixels_to_rays(points: Tensor, camera_matrix: Tensor) -> Tensor:
    """Pixels (..., 2) to rays (..., 2) for intrinsics (3, 3)."""
    focal = torch.stack([camera_matrix[0, 0], camera_matrix[1, 1]])
    return (points - camera_matrix[:2, 2]) / focal


def resample(keypoints: Tensor, positions: Tensor) -> Tensor:
    """Keypoints between frames: (B, N, K, 3) at fractional frame ``positions`` (B, M) -> (B, M, K, 3).

    Linear in time, each neighbour weighted by its confidence too, so that a missing point (confidence 0) never pulls.
    """
    last = keypoints.shape[1] - 1
    positions = positions.clamp(0, last)
    before = positions.floor().long().clamp(0, max(last - 1, 0))
    after = (before + 1).clamp_max(last)
    weight = (positions - before)[..., None, None]
    batch = torch.arange(len(keypoints), device=keypoints.device)[:, None]
    start, end = keypoints[batch, before], keypoints[batch, after]  # (B, M, K, 3)
    trust_start, trust_end = (1 - weight) * start[..., 2:], weight * end[..., 2:]
    confidence = trust_start + trust_end
    points = (trust_start * start[..., :2] + trust_end * end[..., :2]) / confidence.clamp_min(1e-9)
    return torch.cat([points, confidence], -1)


def frame_positions(grid: Tensor, time: Tensor) -> Tensor:
    """Where the ``grid`` times (G,) lie among the frames at ``time`` (T,), as fractional frame numbers (G,)."""
    if len(time) == 1:
        return torch.zeros(len(grid))
    after = torch.searchsorted(time, grid.double(), right=True).clamp(1, len(time) - 1)
    step = (time[after] - time[after - 1]).clamp_min(1e-6)
    return (after - 1 + (grid - time[after - 1]) / step).float()


def bracket(valid: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """For each frame of (B, T) the nearest ``valid`` ones before and after it, and the weight of the latter (0 at valid frames).

    Beyond the first and last valid frame both are that frame. Where none is valid, each frame is its own.
    """
    frames = torch.arange(valid.shape[1], device=valid.device).expand_as(valid)
    last = valid.shape[1] - 1
    before = torch.where(valid, frames, -1).cummax(1).values
    after = last - torch.where(valid, last - frames, -1).flip(1).cummax(1).values.flip(1)
    nothing_after = after > last
    after = torch.where(nothing_after, before, after)
    before = torch.where(before < 0, after, before)
    nothing = ~valid.any(1, keepdim=True)
    before, after = torch.where(nothing, frames, before), torch.where(nothing, frames, after)
    return before, after, (frames - before) / (after - before).clamp_min(1)


def fill_gaps(values: Tensor, valid: Tensor) -> Tensor:
    """Values (B, T, C) linearly interpolated over the frames that are not ``valid`` (B, T); the ends are held.

    A sequence without any valid frame is returned as it is.
    """
    before, after, weight = bracket(valid)
    start = values.gather(1, before[..., None].expand_as(values))
    end = values.gather(1, after[..., None].expand_as(values))
    return torch.lerp(start, end, weight[..., None].clamp(0, 1))


def feature_size(points: int) -> int:
    """Length of the features of so many points: x, y and confidence of each; centre and log size of the box."""
    return points * 3 + 3


def with_points(keypoints: Tensor, count: int) -> Tensor:
    """Keypoints (..., 17 or 29, 3) as ``count`` of them: feet and hands left out, or added without confidence."""
    missing = count - keypoints.shape[-2]
    return torch.nn.functional.pad(keypoints, (0, 0, 0, missing)) if missing > 0 else keypoints[..., :count, :]


def keypoint_boxes(keypoints: Tensor) -> Tensor:
    """Square boxes around the body's keypoints (B, T, 17 or 29, 3) in rays -> (B, T, 3): centre x, y and half side; gaps filled,
    smoothed. Feet and hands do not shape them, so that they are the same whether those are found or not."""
    points, confidence = keypoints[..., BODY_LANDMARKS, :2], keypoints[..., BODY_LANDMARKS, 2]
    trusted = confidence > TRUSTED
    shaping = torch.where(trusted.sum(-1, keepdim=True) >= 3, trusted, confidence > USABLE_CONFIDENCE)
    lowest = torch.where(shaping[..., None], points, torch.inf).amin(-2)
    highest = torch.where(shaping[..., None], points, -torch.inf).amax(-2)
    valid = shaping.any(-1)
    box = torch.cat([(lowest + highest) / 2, ((highest - lowest) / 2).amax(-1, keepdim=True)], -1)
    nothing = torch.tensor([0.0, 0.0, _TYPICAL_SIZE], device=box.device)
    box = fill_gaps(torch.where(valid[..., None], box, nothing), valid)
    margin = _SMOOTHING // 2
    padded = torch.nn.functional.pad(box.transpose(1, 2), (margin, margin), mode="replicate")
    box = torch.nn.functional.avg_pool1d(padded, _SMOOTHING, 1).transpose(1, 2)
    return torch.cat([box[..., :2], box[..., 2:].clamp_min(1e-4)], -1)


def keypoint_features(keypoints: Tensor) -> tuple[Tensor, Tensor]:
    """Features (B, T, F) and boxes (B, T, 3) of keypoints (B, T, 17 or 29, 3) in rays and confidence; F as :func:`feature_size`.

    Unseen keypoints stand at the box's centre with confidence 0. Coordinates reach from -1 to 1 over the box. What tells of feet
    and hands comes last: enlarged, and seen from their ankle or wrist.
    """
    box = keypoint_boxes(keypoints)
    seen = (keypoints[..., 2:] > USABLE_CONFIDENCE).to(keypoints.dtype)
    points = (keypoints[..., :2] - box[..., None, :2]) / box[..., None, 2:]
    points = (points * seen).clamp(-_FURTHEST, _FURTHEST)
    confidence = (keypoints[..., 2:] * seen).squeeze(-1) * 2 - 1
    size = (box[..., 2:] / _TYPICAL_SIZE).log()
    parts = [points[..., BODY_LANDMARKS, :].flatten(-2), confidence[..., BODY_LANDMARKS], box[..., :2] * 2, size]
    if points.shape[-2] > _BODY_POINTS:
        ends = (points[..., _BODY_POINTS:, :] - points[..., list(LIMBS_OF_ENDS), :]) * _ENLARGED * seen[..., _BODY_POINTS:, :]
        parts += [ends.clamp(-_FURTHEST, _FURTHEST).flatten(-2), confidence[..., _BODY_POINTS:]]
    return torch.cat(parts, -1), box


def mirror_keypoints(keypoints: Tensor) -> Tensor:
    """Keypoints (..., 17 or 29, 3) in rays with confidence of the mirror image: x turned round, left and right exchanged."""
    order = MIRRORED_COCO if keypoints.shape[-2] == _BODY_POINTS else MIRRORED_LANDMARKS
    return keypoints[..., list(order), :] * torch.tensor([-1.0, 1.0, 1.0], device=keypoints.device)


def mirror_features(features: Tensor) -> Tensor:
    """Features (..., F) of the mirror image: x turned round, left and right keypoints exchanged."""
    others = (features.shape[-1] - feature_size(_BODY_POINTS)) // 3
    points, confidence, centre, size, other_points, other_confidence = features.split([*_BODY_FEATURES, 2 * others, others], -1)
    flip = torch.tensor([-1.0, 1.0], device=features.device)
    order = [place - _BODY_POINTS for place in MIRRORED_LANDMARKS[_BODY_POINTS:]][:others]
    swapped = points.unflatten(-1, (_BODY_POINTS, 2))[..., list(MIRRORED_COCO), :] * flip
    parts = [swapped.flatten(-2), confidence[..., list(MIRRORED_COCO)], centre * flip, size]
    if others:
        swapped = other_points.unflatten(-1, (others, 2))[..., order, :] * flip
        parts += [swapped.flatten(-2), other_confidence[..., order]]
    return torch.cat(parts, -1)


def camera_translation(camera: Tensor, box: Tensor) -> Tensor:
    """The metric translation that a weak camera in a box stands for: (..., 3), (..., 3) -> (..., 3) metres.

    camera = s, tx, ty as HMMR has it, in units of the box's half side per metre; box in rays. A body at depth z fills
    s = 1 / (z r) of a box of half side r, hence z = 1 / (s r), and the box's centre adds its own ray
    (Li et al., CLIFF, ECCV 2022, eq. 2).
    """
    depth = 1 / (camera[..., :1] * box[..., 2:]).clamp_min(1e-3)
    return torch.cat([camera[..., 1:] + box[..., :2] * depth, depth], -1)
