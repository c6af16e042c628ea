"""A synthetic keypoint detector: what a real one would say of a body seen by a camera, its mistakes included.

Works on whole windows, because a detector's mistakes last: noise drifts, limbs stay swapped, occluders stay for a while.
Points are rays (image points over the focal length); sizes of errors are fractions of the person's size on the image.
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from hmr_video.evaluate.detector_errors import BIAS_FRAMES, kinds
from hmr_video.features.keypoints import MODEL_FRAME_RATE, resample
from hmr_video.geometry.skeleton import COCO_FACE, COCO_SIGMAS, MIRRORED_COCO
from hmr_video.train.augment import chance, drift, log_uniform, uniform

ARMS = (5, 6, 7, 8, 9, 10)
LEGS = (11, 12, 13, 14, 15, 16)

# Body parts as capsules (joint, joint, radius in metres), and the keypoints that lie on each and are not hidden by it.
_CAPSULES = (
    (0, 12, 0.13, (5, 6, 11, 12)),
    (9, 12, 0.13, ()),  # the chest hides the far shoulder
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


_SIGMAS = torch.tensor(COCO_SIGMAS)
_GROUP = [0] * 5 + [group for group in range(1, 7) for _ in range(2)]  # of each keypoint: face, shoulders, ... ankles

# Fitted to YOLO11n-pose on bodies that we filmed: `python -m hmr_video.train.realism MOCAP` measures it again.
# Where the detector sees the nose and the left side's keypoints, eye to ankle, metres left, up and forward in the frame of the
# head, chest or limb that carries them; the right side mirrors the left.
_DEFINITION = torch.tensor(
    [[0.000, 0.024, -0.021], [-0.001, 0.013, -0.008], [-0.014, 0.009, 0.005], [-0.033, 0.007, -0.007], [-0.022, 0.013, 0.011],
     [0.005, 0.000, 0.007], [0.002, 0.029, 0.012], [-0.008, 0.037, 0.001], [0.000, 0.031, 0.017]]
)[[0] + [k for k in range(1, 9) for _ in range(2)]]  # fmt: skip
_DEFINITION[2::2, 0] *= -1
# Typical error in COCO's sigmas, beyond those offsets. Rows: visible, hidden, covered, outside; columns: face to ankles.
_SPREAD = torch.tensor(
    [[0.30, 0.22, 0.32, 0.29, 0.20, 0.29, 0.31],
     [0.90, 0.50, 0.75, 1.30, 0.32, 0.65, 0.75],
     [1.00, 0.70, 1.00, 1.60, 0.45, 0.90, 1.60],
     [4.00, 1.40, 2.00, 2.80, 0.50, 2.60, 2.80]]
)[:, _GROUP]  # fmt: skip
# Deviation of the logarithm of an error's size, constant over a window.
_HEAVY = torch.tensor([0.5, 0.5, 0.5, 0.4])[:, None] * torch.tensor([0.8, 0.8, 1.5, 1.8, 0.7, 1.0, 1.2])[_GROUP]
_LASTING, _SLOW, _QUICK = 0.8, 0.6, 0.45  # constant over a window, over half a second, and per frame
# Logits of the confidence at -2, -1, 0, 1 and 2 standard deviations.
_LOGITS = torch.tensor(
    [[[-1.5, 1.0, 2.8, 4.3, 5.5], [2.3, 4.0, 5.5, 5.8, 5.9], [-1.6, 1.2, 3.5, 4.9, 5.8], [-1.3, 1.0, 2.8, 4.3, 4.9],
      [1.3, 4.4, 5.8, 5.9, 6.0], [-0.4, 3.7, 5.7, 5.8, 5.9], [-1.5, 2.8, 3.8, 4.7, 5.5]],
     [[-5.8, -3.9, -2.2, 0.0, 2.2], [-1.8, 2.3, 3.3, 4.5, 5.6], [-0.6, 0.2, 1.1, 2.6, 3.8], [-1.6, -0.5, 0.6, 1.8, 3.4],
      [-0.5, 2.9, 4.9, 5.8, 5.9], [0.5, 3.5, 4.8, 5.8, 5.9], [-1.4, -0.5, 2.3, 3.6, 4.4]],
     [[-5.8, -4.0, -2.0, 0.5, 2.5], [-1.8, 1.0, 2.5, 4.0, 5.0], [-1.5, -0.5, 0.8, 2.4, 3.5], [-2.0, -0.8, 0.4, 1.6, 3.0],
      [-0.5, 2.5, 4.5, 5.5, 5.9], [0.5, 2.5, 3.8, 4.8, 5.7], [-1.4, 0.0, 2.0, 3.1, 4.8]],
     [[-5.8, -5.8, -5.8, -4.6, -1.6], [-5.8, -4.9, -3.1, 0.8, 2.4], [-5.0, -3.5, -1.7, -0.4, 1.5],
      [-4.6, -3.3, -1.9, -1.2, -0.5], [-1.5, -0.9, -0.3, 1.0, 2.8], [-4.2, -3.8, -1.9, 0.9, 2.7],
      [-5.8, -5.7, -2.8, 1.0, 2.8]]]
)[:, _GROUP]  # fmt: skip
_FORESIGHT = torch.tensor([0.12, 0.3, 0.3, 0.3])  # how far a low confidence tells a large error: their correlation

_HEAD_RADIUS, _HEAD_FLESH = 0.10, 0.02  # metres


@dataclass(frozen=True)
class DetectorConfig:
    """How the synthetic detector errs. Shares are probabilities per window unless said otherwise."""

    noise: tuple[float, float] = (0.4, 2.6)  # range of the error level; 1 is the fitted detector's
    definition: tuple[float, float] = (0.0, 1.2)  # how much of the fitted detector's idea of the keypoints, see `imagined`
    definition_bias: float = 0.008  # metres by which ideas differ beside that, a constant per window
    outlier: float = 0.003  # share of single wrong points
    swap: float = 0.1  # left and right exchanged for some frames
    copied_limb: float = 0.35  # a hidden limb, if there is one, reported at its mirror's place for some frames; each by itself
    occluder: float = 0.2  # a thing before the person
    truncated: float = 0.22  # an image border through the person
    lost: float = 0.1  # some frames without any detection
    other_scale: float = 0.5  # confidences on another scale than the fitted detector's, whose surest ones reach
    quality: tuple[float, float] = (0.7, 1.0)
    slow_source: float = 0.4  # videos of fewer frames a second than the model's
    slowest_rate: float = 8.0


def observe(points: Tensor, joints: Tensor, turned: Tensor, config: DetectorConfig, generator: Generator) -> Tensor:
    """Detections of keypoints ``points`` (B, T, 17, 3) on bodies with ``joints`` (B, T, 24, 3) metres, ``turned`` by
    (B, T, 24, 3, 3), all in camera space.

    Returns (B, T, 17, 3): rays x, y and confidence, on the model's frames.
    """
    batch, frames = points.shape[:2]
    rays = imagined(points, turned, config, generator)
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


def imagined(points: Tensor, turned: Tensor, config: DetectorConfig, generator: Generator) -> Tensor:
    """Rays (B, T, 17, 2) of where a detector takes the keypoints to be, which is not where the body's joints are: the fitted
    offsets, more or less of them, in the frames ``turned`` (B, T, 24, 3, 3) of the limbs, and an own idea of each window."""
    batch = len(points)
    share = uniform(generator, *config.definition, batch, 1, 1, 1)
    offset = (turned[:, :, list(BIAS_FRAMES)] @ _DEFINITION[..., None]).squeeze(-1) * share
    biased = points + offset + config.definition_bias * torch.randn(batch, 1, 17, 3, generator=generator)
    return biased[..., :2] / biased[..., 2:].clamp_min(0.2)


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
    return hidden | _behind_head(points, rays)


def _behind_head(points: Tensor, rays: Tensor) -> Tensor:
    """Which keypoints (B, T, 17) lie behind a ball between the ears: those of the face when it turns away, and others."""
    centre = points[..., 3:5, :].mean(2, keepdim=True)  # (B, T, 1, 3)
    depth = centre[..., 2].clamp_min(0.2)
    aside = (rays - centre[..., :2] / depth[..., None]).norm(dim=-1) * depth
    return (aside < _HEAD_RADIUS) & (depth < points[..., 2] - _HEAD_FLESH)


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
    """What is said of every source frame, with occluders and borders: rays (B, T, 17, 2), hidden (B, T, 17) -> (B, T, 17, 3)."""
    low, high = rays.amin(2), rays.amax(2)  # (B, T, 2)
    covered = _covered(rays, low, high, config, generator)
    outside = _truncated(rays, low, high, config, generator)
    return mistakes(rays, hidden, covered, outside, config, generator)


def mistakes(
    rays: Tensor, hidden: Tensor, covered: Tensor, outside: Tensor, config: DetectorConfig, generator: Generator
) -> Tensor:
    """Errors and confidences: rays (B, T, 17, 2) and three booleans (B, T, 17) of what cannot be seen, and why
    -> detections (B, T, 17, 3)."""
    batch, frames = hidden.shape[:2]
    kind = kinds(hidden, covered, outside)
    keypoint = torch.arange(17)
    heavy = (_HEAVY[kind, keypoint] * torch.randn(batch, 1, 17, generator=generator)).exp()
    lasting = _LASTING * torch.randn(batch, 1, 17, 2, generator=generator)
    slow = _SLOW * drift(generator, batch, frames, 17, 2, spacing=12)
    quick = _QUICK * torch.randn(batch, frames, 17, 2, generator=generator)
    spread = _SPREAD[kind, keypoint]
    error = (lasting + slow) * (heavy * spread)[..., None] + quick * spread.clamp_max(0.4)[..., None]
    surprise = (error.norm(dim=-1) / spread).clamp_min(0.05).log()
    error = error * log_uniform(generator, *config.noise, batch)[:, None, None, None] * _SIGMAS[:, None]
    outlier = chance(generator, config.outlier, batch, frames, 17)
    error = error + torch.where(outlier, 0.25, 0.0)[..., None] * quick
    size = (rays.amax(2) - rays.amin(2)).amax(-1)  # (B, T)
    points = _confused(rays, hidden, config, generator) + error * size[..., None, None]
    confidence = _confidence(kind, surprise, config, generator)
    confidence = confidence * ~_runs(generator, batch, frames, config.lost, 1.0)[..., None]
    return torch.cat([points, confidence[..., None]], -1)


def _confidence(kind: Tensor, surprise: Tensor, config: DetectorConfig, generator: Generator) -> Tensor:
    """Confidences (B, T, 17) of keypoints of a ``kind`` whose errors' logarithms are ``surprise`` (B, T, 17).

    A mood of unit variance, mostly of the window and of the keypoint, picks a quantile of the kind's logits.
    """
    batch, frames = kind.shape[:2]
    mood = 0.6 * torch.randn(batch, 1, 1, generator=generator) + 0.68 * torch.randn(batch, 1, 17, generator=generator)
    mood = mood + 0.37 * drift(generator, batch, frames, 17) + 0.2 * torch.randn(batch, frames, 17, generator=generator)
    foresight = _FORESIGHT[kind]
    mood = mood * (1 - foresight**2).sqrt() - foresight * (surprise - 0.2) / 0.85
    place = (mood + 2).clamp(0, 3.999)
    below, keypoint = place.long(), torch.arange(17)
    logit = torch.lerp(_LOGITS[kind, keypoint, below], _LOGITS[kind, keypoint, below + 1], place - below)
    quality = uniform(generator, *config.quality, batch, 1, 1)
    scale = torch.where(chance(generator, config.other_scale, batch, 1, 1), quality, torch.ones(1))
    return (logit.sigmoid() * scale).clamp_min(0.003)


def _confused(rays: Tensor, hidden: Tensor, config: DetectorConfig, generator: Generator) -> Tensor:
    """Rays (B, T, 17, 2) with left and right exchanged, or hidden limbs at their mirror's place, in runs of frames."""
    batch, frames = hidden.shape[:2]
    swapped = rays[:, :, list(MIRRORED_COCO)]
    for part in (ARMS, LEGS, tuple(range(17))):
        member = torch.zeros(17, dtype=torch.bool)
        member[list(part)] = True
        now = _runs(generator, batch, frames, config.swap / 2, 1.0)[..., None] & member
        rays = torch.where(now[..., None], swapped, rays)
    limb = torch.ones(17, dtype=torch.bool)
    limb[list(COCO_FACE)] = False
    some_frames = drift(generator, batch, frames, 17) > 0.3
    copied = chance(generator, config.copied_limb, batch, 1, 17) & some_frames & hidden & limb
    return torch.where(copied[..., None], swapped, rays)


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
