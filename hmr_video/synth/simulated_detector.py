"""A synthetic keypoint detector: what a real one would say of a body seen by a camera, its mistakes included.

Works on whole windows, because a detector's mistakes last: noise drifts, limbs stay swapped, occluders stay for a while.
Points are rays (image points over the focal length); sizes of errors are fractions of the person's size on the image.
"""

from dataclasses import dataclass, field

import torch
from torch import Generator, Tensor

from hmr_video.features.keypoints import MODEL_FRAME_RATE, resample
from hmr_video.geometry.skeleton import BODY_LANDMARKS, COCO_FACE, COCO_SIGMAS, MIRRORED_COCO
from hmr_video.synth import detector_fit as fit
from hmr_video.synth.augment import aside, chance, drift, log_uniform, uniform
from hmr_video.synth.detector_errors import BIAS_FRAMES, kinds
from hmr_video.synth.limb_ends import LimbEndsConfig, imagined_ends, reported_ends

ARMS = (5, 6, 7, 8, 9, 10)
LEGS = (11, 12, 13, 14, 15, 16)
SHOULDERS, HIPS = [5, 6], [11, 12]
_LIMBS = ((7, 9), (8, 10), (13, 15), (14, 16), LEGS, COCO_FACE)  # keypoints that go missing together

# Body parts as capsules (joint, joint, radius in metres), and the keypoints that lie on each and are not hidden by it.
_CAPSULES = (
    (0, 12, 0.13, (5, 6, 11, 12)),
    (9, 12, 0.13, ()),  # the chest hides the far shoulder
    (12, 15, 0.09, (5, 6)),
    (1, 4, 0.08, (11, 13)),
    (2, 5, 0.08, (12, 14)),
    (4, 7, 0.055, (13, 15, 17, 18, 19)),
    (5, 8, 0.055, (14, 16, 20, 21, 22)),
    (16, 18, 0.05, (5, 7)),
    (17, 19, 0.05, (6, 8)),
    (18, 20, 0.04, (7, 9, 23, 24, 25)),
    (19, 21, 0.04, (8, 10, 26, 27, 28)),
)
_SIGMAS = torch.tensor(COCO_SIGMAS)
_HEAD_RADIUS, _HEAD_FLESH = 0.10, 0.02  # metres
NEVER = (0.0, 0.0)  # a range of errors that switches them off
_VISIBLE_COPIES = 0.1  # how often a visible limb is copied, against a hidden one
_FUSED_ERRORS, _FUSED_CONFUSIONS = 0.65, 0.4  # of fused evidence, against a detector's alone


@dataclass(frozen=True)
class DetectorConfig:
    """How the synthetic detector errs. Shares are probabilities per window unless said otherwise."""

    noise: tuple[float, float] = (0.2, 1.8)  # range of the error level; 1 is the fitted detector's
    definition: tuple[float, float] = (0.0, 1.2)  # how much of the fitted detector's idea of the keypoints, see imagined()
    definition_bias: float = 0.008  # metres by which ideas differ beside that, a constant per window
    low_hips: tuple[float, float] = (-0.015, 0.04)  # metres, down the trunk: where photographs' labels have the hips
    high_shoulders: tuple[float, float] = (-0.01, 0.035)  # the same, up the trunk
    outlier: float = 0.003  # share of single wrong points
    swap: float = 0.1  # left and right exchanged for some frames
    copied_limb: float = 0.25  # a hidden limb (each by itself, if there is one) reported at its mirror's place for some frames
    occluder: float = 0.2  # a thing before the person
    truncated: float = 0.22  # an image border through the person
    lost: float = 0.1  # some frames without any detection
    silent: float = 0.35  # a detector that does not report what it doubts
    missing: float = 0.05  # a limb (each by itself), or a keypoint, unreported for some frames without a reason
    other_scale: float = 0.5  # confidences on another scale than the fitted detector's, whose surest ones reach
    quality: tuple[float, float] = (0.7, 1.0)
    slow_source: float = 0.4  # videos of fewer frames a second than the model's
    slowest_rate: float = 8.0
    fused: float = 0.4  # evidence of two networks, detector and crop: nearer to the truth by a third, and seldom confused
    limb_ends: LimbEndsConfig = field(default_factory=LimbEndsConfig)


def observe(points: Tensor, joints: Tensor, turned: Tensor, config: DetectorConfig, generator: Generator) -> Tensor:
    """Detections of keypoints ``points`` (B, T, 17 or 29, 3) on bodies with ``joints`` (B, T, 24, 3) metres, ``turned`` by
    (B, T, 24, 3, 3), all in camera space.

    Returns (B, T, 17 or 29, 3): rays x, y and confidence, on the model's frames. COCO's points are the same with and without
    those of feet and hands.
    """
    batch, frames = points.shape[:2]
    ends, beside = points[:, :, len(COCO_SIGMAS) :], aside(generator)
    rays = imagined(points[:, :, BODY_LANDMARKS], turned, config, generator)
    if ends.shape[2]:
        rays = torch.cat([rays, imagined_ends(ends, turned, config.limb_ends, beside)], 2)
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
    offsets, more or less of them, in the frames ``turned`` (B, T, 24, 3, 3) of the limbs, and an own idea of each window.

    Detectors that learnt from photographs see real people's torsos a tenth longer against their legs than rendered ones'."""
    batch = len(points)
    share = uniform(generator, *config.definition, batch, 1, 1, 1)
    offset = (turned[:, :, list(BIAS_FRAMES)] @ fit.DEFINITION[..., None]).squeeze(-1) * share
    biased = points + offset + config.definition_bias * torch.randn(batch, 1, 17, 3, generator=generator)
    trunk = points[:, :, SHOULDERS].mean(2, keepdim=True) - points[:, :, HIPS].mean(2, keepdim=True)
    trunk = torch.nn.functional.normalize(trunk, dim=-1)
    biased[:, :, HIPS] -= uniform(generator, *config.low_hips, batch, 1, 1, 1) * trunk
    biased[:, :, SHOULDERS] += uniform(generator, *config.high_shoulders, batch, 1, 1, 1) * trunk
    return biased[..., :2] / biased[..., 2:].clamp_min(0.2)


def self_occluded(points: Tensor, joints: Tensor) -> Tensor:
    """Which keypoints (B, T, 17 or 29) the person's own body hides: those behind a capsule of another part."""
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
        behind[..., [point for point in own if point < points.shape[-2]]] = False
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


def _runs(generator: Generator, batch: int, frames: int, share: float, threshold: float, spacing: int = 6) -> Tensor:
    """(B, T) booleans, true in runs of about ``spacing`` frames in about ``share`` of the windows."""
    return chance(generator, share, batch)[:, None] & (drift(generator, batch, frames, spacing=spacing) > threshold)


def detect(rays: Tensor, hidden: Tensor, config: DetectorConfig, generator: Generator) -> Tensor:
    """What is said of every source frame, with occluders and borders: rays (B, T, 17 or 29, 2), hidden (B, T, 17 or 29) ->
    (B, T, 17 or 29, 3).

    Points at a border have confidence 0, as the model is given them: so doubt is always about what is inside the picture."""
    body = rays[:, :, BODY_LANDMARKS]
    low, high = body.amin(2), body.amax(2)  # (B, T, 2)
    covered = _covered(rays, low, high, config, generator)
    beyond = _truncated(rays, low, high, config, generator)
    detections = mistakes(rays, hidden, covered, beyond, config, generator)
    inside = (beyond == 0).all(-1, keepdim=True)
    return torch.where(inside, detections, detections * torch.tensor([1.0, 1.0, 0.0]))


def mistakes(
    rays: Tensor, hidden: Tensor, covered: Tensor, beyond: Tensor, config: DetectorConfig, generator: Generator
) -> Tensor:
    """Errors and confidences -> detections (B, T, 17 or 29, 3).

    rays (B, T, 17 or 29, 2); hidden by the person's own body and covered by a thing (B, T, 17 or 29); beyond (B, T, 17 or 29, 2)
    how far outside the picture, whose border such points are reported at.
    """
    batch, frames, beside = *hidden.shape[:2], aside(generator)
    kind = kinds(hidden, covered, (beyond != 0).any(-1))
    at_border = rays - beyond
    rays, beyond = rays[:, :, BODY_LANDMARKS], beyond[:, :, BODY_LANDMARKS]
    kind, kind_of_ends = kind.split([len(COCO_SIGMAS), kind.shape[2] - len(COCO_SIGMAS)], 2)
    fused = chance(beside, config.fused, batch, 1, 1)
    keypoint = torch.arange(17)
    heavy = (fit.HEAVY[kind, keypoint] * torch.randn(batch, 1, 17, generator=generator)).exp()
    lasting = fit.LASTING * together(torch.randn(batch, 1, 17 + len(fit.SHARED), 2, generator=generator))
    slow = fit.SLOW * together(drift(generator, batch, frames, 17 + len(fit.SHARED), 2, spacing=12))
    quick = fit.QUICK * torch.randn(batch, frames, 17, 2, generator=generator)
    spread = fit.SPREAD[kind, keypoint]
    error = (lasting + slow) * (heavy * spread)[..., None] + quick * spread.clamp_max(0.4)[..., None]
    size = (rays.amax(2) - rays.amin(2)).amax(-1)[..., None, None]  # (B, T, 1, 1)
    away = (error + beyond / size / _SIGMAS[:, None]).norm(dim=-1)
    surprise = (away / spread).clamp_min(0.05).log()
    level = log_uniform(generator, *config.noise, batch)[:, None, None] * torch.where(fused, _FUSED_ERRORS, 1.0)
    error = error * level[..., None] * _SIGMAS[:, None]
    outlier = chance(generator, config.outlier, batch, frames, 17)
    error = error + torch.where(outlier, 0.25, 0.0)[..., None] * quick
    exchanged = _exchanged(hidden[:, :, BODY_LANDMARKS], config, generator)
    exchanged &= ~fused | chance(beside, _FUSED_CONFUSIONS, batch, 1, 17)
    places = torch.where(exchanged[..., None], at_border[:, :, list(MIRRORED_COCO)], at_border[:, :, BODY_LANDMARKS])
    confidence = reported(_confidence(kind, surprise, generator), config, generator)
    detections = torch.cat([places + error * size, confidence[..., None]], -1)
    if not kind_of_ends.shape[2]:
        return detections
    ends = reported_ends(at_border, exchanged, error, confidence, kind_of_ends, level, size, config.limb_ends, beside)
    return torch.cat([detections, ends], 2)


def together(noise: Tensor) -> Tensor:
    """Independent errors (B, T, 17 + S, 2), the last S shared -> errors (B, T, 17, 2) of the same size that go together."""
    own, shared = noise.split([17, len(fit.SHARED)], 2)
    return own * fit.OWN + torch.einsum("btsc,skc->btkc", shared, fit.SHARED)


def _confidence(kind: Tensor, surprise: Tensor, generator: Generator) -> Tensor:
    """Confidences (B, T, 17) of keypoints of a ``kind`` whose errors' logarithms are ``surprise`` (B, T, 17).

    A mood of unit variance, mostly of the window and of the keypoint, picks a quantile of the kind's logits.
    """
    batch, frames = kind.shape[:2]
    mood = fit.MOOD[0] * torch.randn(batch, 1, 1, generator=generator)
    mood = mood + fit.MOOD[1] * torch.randn(batch, 1, 17, generator=generator)
    mood = mood + fit.MOOD[2] * drift(generator, batch, frames, 17, spacing=9)
    mood = mood + fit.MOOD[3] * torch.randn(batch, frames, 17, generator=generator)
    foresight = fit.FORESIGHT[kind]
    mood = mood * (1 - foresight**2).sqrt() - foresight * (surprise - fit.SURPRISE[kind]) / 0.85
    place = (mood + 2).clamp(0, 3.999)
    below, keypoint = place.long(), torch.arange(17)
    logit = torch.lerp(fit.LOGITS[kind, keypoint, below], fit.LOGITS[kind, keypoint, below + 1], place - below)
    return logit.sigmoid().clamp_min(0.003)


def reported(confidence: Tensor, config: DetectorConfig, generator: Generator) -> Tensor:
    """Confidences (B, T, 17) as other detectors would tell them: on another scale, and 0 for what they do not report."""
    quality = uniform(generator, *config.quality, len(confidence), 1, 1)
    confidence = confidence * torch.where(chance(generator, config.other_scale, len(confidence), 1, 1), quality, torch.ones(1))
    return torch.where(_unreported(confidence, config, generator), 0.0, confidence)


def _unreported(confidence: Tensor, config: DetectorConfig, generator: Generator) -> Tensor:
    """Which keypoints (B, T, 17) are not reported: the doubted, limbs and points without a reason, all in lost frames."""
    batch, frames = confidence.shape[:2]
    doubt = uniform(generator, 0.15, 0.75, batch) * chance(generator, config.silent, batch)
    missing = confidence < doubt[:, None, None]
    missing |= chance(generator, config.missing, batch, 1, 17) & (drift(generator, batch, frames, 17) > 0.3)
    for limb in _LIMBS:
        missing[..., list(limb)] |= _runs(generator, batch, frames, config.missing, 0.3, spacing=12)[..., None]
    return missing | _runs(generator, batch, frames, config.lost, 1.0)[..., None]


def _exchanged(hidden: Tensor, config: DetectorConfig, generator: Generator) -> Tensor:
    """Which keypoints (B, T, 17) are reported at their mirror's place: left and right exchanged, or hidden limbs copied, in runs
    of frames."""
    batch, frames = hidden.shape[:2]
    exchanged = torch.zeros_like(hidden)
    for part, share in ((ARMS, 0.3), (LEGS, 1.0), (tuple(range(17)), 0.2)):
        member = torch.zeros(17, dtype=torch.bool)
        member[list(part)] = True
        exchanged |= _runs(generator, batch, frames, config.swap * share, 1.0, spacing=3)[..., None] & member
    limb = torch.ones(17)
    limb[list(COCO_FACE)] = 0
    often = config.copied_limb * limb * torch.where(hidden, 1.0, _VISIBLE_COPIES)
    copied = torch.rand(batch, 1, 17, generator=generator) < often
    copied &= drift(generator, batch, frames, 17) > 0.3
    return exchanged | copied


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
    """How far points (B, T, 17, 2) lie beyond an image border across the person: mostly the lower one, which stands still."""
    batch = len(rays)
    middle = rays.shape[1] // 2
    low, high = low[:, middle, None, None], high[:, middle, None, None]  # (B, 1, 1, 2)
    cut = uniform(generator, 0.3, 0.97, batch, 1, 1, 1)
    draw = torch.rand(batch, generator=generator)[:, None, None, None] / max(config.truncated, 1e-9)
    across, down = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    right, left = (draw >= 0.6) & (draw < 0.75), (draw >= 0.75) & (draw < 0.9)
    below, above = draw < 0.6, (draw >= 0.9) & (draw < 1)
    past = (rays - low - cut * (high - low)).clamp_min(0) * (below * down + right * across)
    before = (rays - low - (1 - cut) * (high - low) * (across + 0.5 * down)).clamp_max(0) * (above * down + left * across)
    return past + before
