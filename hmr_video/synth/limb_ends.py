"""What a crop's landmark network would say of feet and hands: they go where it takes ankles and wrists to be, and err beside.

Made for `detector`, whose words it uses: rays, and errors as fractions of the person's size.
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from hmr_video.geometry.skeleton import COCO_SIGMAS, FOOT_LANDMARKS, LANDMARKS, LIMBS_OF_ENDS, MIRRORED_LANDMARKS
from hmr_video.synth import detector_fit as fit
from hmr_video.synth.augment import chance, drift, uniform

FIRST = FOOT_LANDMARKS.start
END_JOINTS = (7, 7, 7, 8, 8, 8, 20, 20, 20, 21, 21, 21)  # LIMBS_OF_ENDS as joints
_GROUPS = (slice(0, 6), slice(6, 12))
_SMALL_TOES = [LANDMARKS.index(f"{side}_small_toe") - FIRST for side in ("left", "right")]
_SIGMAS = torch.tensor(COCO_SIGMAS)[list(LIMBS_OF_ENDS)]
# Of the spread of ankle or wrist: what the three points of a foot or hand err by together, and each by itself. With what they
# take over of its error, their own median error is about 1.2 of its.
_TOGETHER, _ALONE = 0.7, 0.7


@dataclass(frozen=True)
class LimbEndsConfig:
    """How feet and hands are reported. Shares are probabilities per window."""

    none: float = 0.35  # a detector of COCO's points alone
    no_feet: float = 0.08
    no_hands: float = 0.25
    no_small_toes: float = 0.4  # of networks that give two points a foot
    lean: tuple[float, float] = (0.3, 1.0)  # share of the error of ankle or wrist that its points take over
    idea: float = 0.012  # metres by which networks differ in what they call a toe, a heel, a knuckle; constant in a window
    missing: float = 0.05  # a point (each by itself) unreported for some frames without a reason


def imagined_ends(points: Tensor, turned: Tensor, config: LimbEndsConfig, generator: Generator) -> Tensor:
    """Rays (B, T, 12, 2) of where a network takes ``points`` (B, T, 12, 3) of limbs ``turned`` (B, T, 24, 3, 3) to be."""
    offset = config.idea * torch.randn(len(points), 1, len(LIMBS_OF_ENDS), 3, generator=generator)
    moved = points + (turned[:, :, list(END_JOINTS)] @ offset[..., None]).squeeze(-1)
    return moved[..., :2] / moved[..., 2:].clamp_min(0.2)


def reported_ends(
    rays: Tensor,
    exchanged: Tensor,
    error: Tensor,
    confidence: Tensor,
    kind: Tensor,
    level: Tensor,
    size: Tensor,
    config: LimbEndsConfig,
    generator: Generator,
) -> Tensor:
    """Detections (B, T, 12, 3) of feet and hands, at ``rays`` (B, T, 29, 2) within the picture.

    Of COCO's points: ``exchanged`` (B, T, 17) left for right, with ``error`` (B, T, 17, 2) fractions of the person's ``size``
    (B, T, 1, 1) and ``confidence`` (B, T, 17). Of their own: ``kind`` (B, T, 12). ``level`` (B, 1, 1) of all errors.
    """
    batch, frames = kind.shape[:2]
    limbs = list(LIMBS_OF_ENDS)
    mirrored = rays[:, :, list(MIRRORED_LANDMARKS[FIRST:])]
    places = torch.where(exchanged[:, :, limbs, None], mirrored, rays[:, :, FIRST:])
    spread = fit.SPREAD[kind, torch.tensor(limbs)] * _SIGMAS * level
    limb = _lasting(batch, frames, len(_GROUPS) * 2, generator).repeat_interleave(3, 2)
    own = _TOGETHER * limb + _ALONE * _lasting(batch, frames, len(limbs), generator)
    lean = uniform(generator, *config.lean, batch, 1, 1, 1)
    places = places + (lean * error[:, :, limbs] + own * spread[..., None]) * size
    mood = 0.6 * torch.randn(batch, 1, len(limbs), generator=generator) + 0.3 * drift(generator, batch, frames, len(limbs))
    reported = (confidence[:, :, limbs].clamp(1e-3, 0.999).logit() + mood).sigmoid()
    silent = (confidence[:, :, limbs] == 0) | absent_ends(batch, config, generator)
    silent |= chance(generator, config.missing, batch, 1, len(limbs)) & (drift(generator, batch, frames, len(limbs)) > 0.3)
    return torch.cat([places, torch.where(silent, 0.0, reported)[..., None]], -1)


def _lasting(batch: int, frames: int, count: int, generator: Generator) -> Tensor:
    """Errors (B, T, count, 2) of unit size that last as the detector's do."""
    constant = fit.LASTING * torch.randn(batch, 1, count, 2, generator=generator)
    quick = fit.QUICK * torch.randn(batch, frames, count, 2, generator=generator)
    return constant + fit.SLOW * drift(generator, batch, frames, count, 2, spacing=12) + quick


def absent_ends(batch: int, config: LimbEndsConfig, generator: Generator) -> Tensor:
    """(B, 1, 12) what a network does not know at all."""
    absent = torch.zeros(batch, 1, len(LIMBS_OF_ENDS), dtype=torch.bool)
    none = chance(generator, config.none, batch, 1, 1)
    for group, share in zip(_GROUPS, (config.no_feet, config.no_hands), strict=True):
        absent[..., group] = none | chance(generator, share, batch, 1, 1)
    absent[..., _SMALL_TOES] |= chance(generator, config.no_small_toes, batch, 1, 1)
    return absent
