"""A synthetic keypoint detector: what a real one would say of a body seen by a camera, its mistakes included.

Works on whole windows, because a detector's mistakes last: noise drifts, limbs stay swapped, occluders stay for a while.
Points are rays (image points over the focal length); sizes of errors are fractions of the person's size on the image.
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from hmr_video.features.keypoints import MODEL_FRAME_RATE, resample
from hmr_video.geometry.skeleton import COCO_FACE, MIRRORED_COCO
from hmr_video.train.augment import chance, drift, log_uniform, uniform

# Spread of human annotators by keypoint, as a fraction of the person's scale (COCO keypoint evaluation).
COCO_SIGMAS = torch.tensor(
    [0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089, 0.089]
)
ARMS = (5, 6, 7, 8, 9, 10)
LEGS = (11, 12, 13, 14, 15, 16)

# Body parts as capsules (joint, joint, radius in metres), and the keypoints that lie on each and are not hidden by it.
_CAPSULES = (
    (0, 12, 0.13, (5, 6, 11, 12)),
    (12, 15, 0.09, (5, 6)),
    (1, 4, 0.08, (11, 13)),
    (2, 5, 0.08, (12, 14)),
    (4, 7, 0.055, (13, 15)),
    (5, 8, 0.055, (14, 16)),
    (16, 18, 0.05, (5, 7)),
    (17, 19, 0.05, (6, 8)),
    (18, 20, 0.04, (7, 9)),
    (19, 21, 0.04, (8, 10)),
)


@dataclass(frozen=True)
class DetectorConfig:
    """How the synthetic detector errs. Shares are probabilities per window unless said otherwise."""

    noise: tuple[float, float] = (0.05, 0.45)  # range of the error level, times the COCO sigma
    definition_bias: float = 0.012  # metres by which a detector's idea of a keypoint differs from ours, a constant per window
    outlier: float = 0.006  # share of single wrong points
    swap: float = 0.06  # left and right exchanged for some frames
    copied_limb: float = 0.04  # a hidden wrist or ankle reported at its mirror's place
    occluder: float = 0.2  # a thing before the person
    truncated: float = 0.22  # an image border through the person
    lost: float = 0.1  # some frames without any detection
    slow_source: float = 0.4  # videos of fewer frames a second than the model's
    slowest_rate: float = 8.0


def observe(points: Tensor, joints: Tensor, config: DetectorConfig, generator: Generator) -> Tensor:
    """Detections of keypoints ``points`` (B, T, 17, 3) on bodies with ``joints`` (B, T, 24, 3), camera space, metres.

    Returns (B, T, 17, 3): rays x, y and confidence, on the model's frames.
    """
    batch, frames = points.shape[:2]
    bias = config.definition_bias * torch.randn(batch, 1, 17, 3, generator=generator)
    biased = points + bias
    rays = biased[..., :2] / biased[..., 2:].clamp_min(0.2)
    hidden = self_occluded(points, joints)

    if frames == 1:
        return detect(rays, hidden, config, generator)
    step, phase = _source_frames(batch, config, generator)
    source_times = phase[:, None] + step[:, None] * torch.arange(frames)  # source frames in model frames
    source = resample(torch.cat([rays, torch.ones_like(rays[..., :1])], -1), source_times)[..., :2]
    nearest = source_times.round().long().clamp(0, frames - 1)
    hidden = hidden.gather(1, nearest[..., None].expand_as(hidden))
    detections = detect(source, hidden, config, generator)
    return resample(detections, (torch.arange(frames) - phase[:, None]) / step[:, None])


def self_occluded(points: Tensor, joints: Tensor) -> Tensor:
    """Which keypoints (B, T, 17) the person's own body hides: those behind a capsule of another part."""
    depth = points[..., 2].clamp_min(0.2)
    rays = points[..., :2] / depth[..., None]
    hidden = torch.zeros(points.shape[:-1], dtype=torch.bool)
    joint_rays = joints[..., :2] / joints[..., 2:].clamp_min(0.2)
    for start, end, radius, own in _CAPSULES:
        a, b = joint_rays[..., None, start, :], joint_rays[..., None, end, :]  # (B, T, 1, 2)
        along = ((rays - a) * (b - a)).sum(-1) / (b - a).square().sum(-1).clamp_min(1e-8)
        along = along.clamp(0, 1)
        part_depth = torch.lerp(joints[..., None, start, 2], joints[..., None, end, 2], along)
        distance = (rays - torch.lerp(a, b, along[..., None])).norm(dim=-1) * part_depth
        behind = (distance < radius) & (part_depth < depth - 0.6 * radius - 0.02)
        behind[..., list(own)] = False
        hidden |= behind
    return hidden


def _source_frames(batch: int, config: DetectorConfig, generator: Generator) -> tuple[Tensor, Tensor]:
    """Step (B,) between the source's frames and time (B,) of its first, both in model frames."""
    slowest = MODEL_FRAME_RATE / config.slowest_rate
    step = torch.where(
        chance(generator, config.slow_source, batch), log_uniform(generator, 1.0, slowest, batch), torch.ones(batch)
    )
    return step, torch.where(step > 1, -step * torch.rand(batch, generator=generator), torch.zeros(batch))


def _runs(generator: Generator, batch: int, frames: int, share: float, threshold: float) -> Tensor:
    """(B, T) booleans, true in runs of frames in about ``share`` of the windows."""
    return chance(generator, share, batch)[:, None] & (drift(generator, batch, frames) > threshold)


def detect(rays: Tensor, hidden: Tensor, config: DetectorConfig, generator: Generator) -> Tensor:
    """Errors and confidences on every source frame: rays (B, T, 17, 2), ``hidden`` points (B, T, 17) -> (B, T, 17, 3)."""
    batch, frames = hidden.shape[:2]
    low, high = rays.amin(2), rays.amax(2)  # (B, T, 2)
    size = (high - low).amax(-1)[..., None]  # (B, T, 1)
    face = torch.zeros(17, dtype=torch.bool)
    face[list(COCO_FACE)] = True

    covered = _covered(rays, low, high, config, generator)
    outside = _truncated(rays, low, high, config, generator)
    unseen = hidden | covered | outside

    swapped = rays[:, :, list(MIRRORED_COCO)]
    for part in (ARMS, LEGS, tuple(range(17))):
        member = torch.zeros(17, dtype=torch.bool)
        member[list(part)] = True
        now = _runs(generator, batch, frames, config.swap / 2, 1.0)[..., None] & member
        rays = torch.where(now[..., None], swapped, rays)
    copied = _runs(generator, batch, frames, config.copied_limb, 0.3)[..., None] & hidden & ~face
    rays = torch.where(copied[..., None], swapped, rays)

    level = log_uniform(generator, *config.noise, batch)[:, None, None]
    shape = (batch, frames, 17, 2)
    error = 0.55 * drift(generator, batch, frames, 17, 2) + 0.5 * torch.randn(shape, generator=generator)
    error = error + 0.45 * torch.randn(batch, 1, 17, 2, generator=generator)
    deviation = COCO_SIGMAS * level * torch.where(unseen, uniform(generator, 1.5, 4.0, batch, 1, 1), torch.ones(1))
    error = error * deviation[..., None]
    outlier = chance(generator, config.outlier, batch, frames, 17)
    error = error + torch.where(outlier, 0.12, 0.0)[..., None] * torch.randn(shape, generator=generator)
    points = rays + error * size[..., None]

    quality = uniform(generator, 0.65, 1.0, batch, 1, 1)
    confidence = quality - 2.0 * uniform(generator, 0.0, 1.0, batch, 1, 17) * error.norm(dim=-1)
    confidence = confidence - 0.05 * torch.randn(batch, frames, 17, generator=generator).abs()
    doubt = uniform(generator, 0.0, 1.0, batch, 1, 17)  # lasting: the same hidden point is believed or not for a while
    confidence = torch.where(hidden & ~face, confidence * (0.25 + 0.75 * doubt), confidence)
    confidence = torch.where((hidden & face) | covered, confidence * doubt * 0.6, confidence)
    confidence = torch.where(outside, confidence * doubt.square() * 0.4, confidence).clamp(0.01, 1)
    confidence = confidence * ~_runs(generator, batch, frames, config.lost, 1.0)[..., None]
    return torch.cat([points, confidence[..., None]], -1)


def _covered(rays: Tensor, low: Tensor, high: Tensor, config: DetectorConfig, generator: Generator) -> Tensor:
    """Points (B, T, 17) behind an upright rectangle before part of the person, for part of the window or all of it."""
    batch, frames = rays.shape[:2]
    centre = torch.rand(batch, 1, 2, generator=generator) + 0.1 * drift(generator, batch, frames, 2)
    half = uniform(generator, 0.06, 0.32, batch, 1, 2)
    place = (rays - low[:, :, None]) / (high - low).clamp_min(1e-6)[:, :, None]
    inside = ((place - centre[:, :, None]).abs() < half[:, :, None]).all(-1)
    while_there = (drift(generator, batch, frames, spacing=10) > 0) | chance(generator, 0.5, batch)[:, None]
    return inside & (chance(generator, config.occluder, batch)[:, None] & while_there)[..., None]


def _truncated(rays: Tensor, low: Tensor, high: Tensor, config: DetectorConfig, generator: Generator) -> Tensor:
    """Points (B, T, 17) beyond an image border that crosses the person: mostly the lower one, which stands still."""
    batch = len(rays)
    middle = rays.shape[1] // 2
    low, high = low[:, middle, None, None], high[:, middle, None, None]  # (B, 1, 1, 2)
    place = (rays - low) / (high - low).clamp_min(1e-6)
    cut = uniform(generator, 0.3, 0.97, batch, 1, 1)
    draw = torch.rand(batch, generator=generator)[:, None, None] / max(config.truncated, 1e-9)
    below = (draw < 0.6) & (place[..., 1] > cut)
    right = (draw >= 0.6) & (draw < 0.75) & (place[..., 0] > cut)
    left = (draw >= 0.75) & (draw < 0.9) & (place[..., 0] < 1 - cut)
    above = (draw >= 0.9) & (draw < 1) & (place[..., 1] < 0.5 * (1 - cut))
    return below | right | left | above
