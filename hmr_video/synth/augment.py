"""More poses from few: limbs and torsos mixed between clips, joints disturbed, bodies tilted and mirrored.

All of it on rotation matrices (B, T, 24, 3, 3) of windows in the world (y up) with root positions (B, T, 3).
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from hmr_video.geometry.rotations import axis_angle_to_matrix, mirror_rotations

UPPER_BODY = (3, 6, 9, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23)
LIMBS = ((1, 4, 7, 10), (2, 5, 8, 11), (13, 16, 18, 20, 22), (14, 17, 19, 21, 23), (3, 6, 9, 12, 15))

# Standard deviation in radians of a joint's disturbance about x, y, z: wide at hips and shoulders, hinges about their own axis.
_DISTURBANCE = torch.zeros(24, 3)
_DISTURBANCE[[1, 2, 16, 17]] = 0.35
_DISTURBANCE[[3, 6, 9, 12, 15]] = 0.14
_DISTURBANCE[[13, 14]] = 0.1
_DISTURBANCE[[7, 8, 20, 21]] = 0.2
_DISTURBANCE[[4, 5], 0] = 0.35
_DISTURBANCE[[18, 19], 0] = 0.15
_DISTURBANCE[[18, 19], 1] = 0.5


@dataclass(frozen=True)
class AugmentConfig:
    """How often each change happens, as a probability per window."""

    mix_upper_body: float = 0.25
    mix_limb: float = 0.2
    disturb: float = 0.5
    tilt: float = 0.25
    tumble: float = 0.06
    mirror: float = 0.5


def aside(generator: Generator) -> Generator:
    """A generator whose numbers depend on where the given one stands, and which takes none of its own from it."""
    seed = torch.randint(2**62, (1,), generator=generator.clone_state())
    return Generator().manual_seed(int(seed))


def chance(generator: Generator, probability: float, *shape: int) -> Tensor:
    """Booleans that are true with ``probability``."""
    return torch.rand(*shape, generator=generator) < probability


def uniform(generator: Generator, low: float, high: float, *shape: int) -> Tensor:
    """Numbers between ``low`` and ``high``."""
    return low + (high - low) * torch.rand(*shape, generator=generator)


def log_uniform(generator: Generator, low: float, high: float, *shape: int) -> Tensor:
    """Numbers between ``low`` and ``high`` whose logarithms are uniform."""
    return low * (high / low) ** torch.rand(*shape, generator=generator)


def drift(generator: Generator, batch: int, frames: int, *shape: int, spacing: int = 6) -> Tensor:
    """Slowly changing noise (B, T, *shape) of unit variance: linear between normal knots every ``spacing`` frames."""
    if frames == 1:
        return torch.randn(batch, 1, *shape, generator=generator)
    knots = torch.randn(batch, frames // spacing + 2, *shape, generator=generator)
    flat = knots.flatten(2) if shape else knots[..., None]
    smooth = torch.nn.functional.interpolate(flat.transpose(1, 2), size=frames, mode="linear", align_corners=True)
    return (smooth.transpose(1, 2) * 1.22).reshape(batch, frames, *shape)  # interpolation shrinks the variance by 2/3


def mirror(rotations: Tensor, trans: Tensor) -> tuple[Tensor, Tensor]:
    """Left and right exchanged: the reflection x -> -x of the world and of every joint's frame."""
    return mirror_rotations(rotations), trans * torch.tensor([-1.0, 1.0, 1.0])


def random_rotation(generator: Generator, count: int, angle: Tensor) -> Tensor:
    """Turns by ``angle`` (B,) about random axes: (B, 3, 3)."""
    axis = torch.nn.functional.normalize(torch.randn(count, 3, generator=generator), dim=-1)
    return axis_angle_to_matrix(axis * angle[:, None])


def augment(
    rotations: Tensor, trans: Tensor, donors: Tensor, config: AugmentConfig, generator: Generator
) -> tuple[Tensor, Tensor]:
    """One augmented copy. ``donors`` (D, B, T, 24, 3, 3), D = 6: other windows, to take the upper body and each limb from."""
    batch, frames = trans.shape[:2]
    rotations = rotations.clone()
    for part, donor, probability in zip(
        (UPPER_BODY, *LIMBS), donors, (config.mix_upper_body, *[config.mix_limb] * len(LIMBS)), strict=True
    ):
        chosen = chance(generator, probability, batch)[:, None, None, None, None]
        rotations[:, :, part] = torch.where(chosen, donor[:, :, part], rotations[:, :, part])

    strength = chance(generator, config.disturb, batch) * uniform(generator, 0.3, 1.5, batch)
    noise = torch.randn(batch, 1, 24, 3, generator=generator) + 0.4 * drift(generator, batch, frames, 24, 3)
    rotations = rotations @ axis_angle_to_matrix(noise * _DISTURBANCE * strength[:, None, None, None])

    draw = torch.rand(batch, generator=generator)
    tumble = draw < config.tumble
    tilted = (draw < config.tumble + config.tilt) & ~tumble
    angle = torch.where(tilted, 0.4 * torch.randn(batch, generator=generator), torch.zeros(batch))
    angle = torch.where(tumble, uniform(generator, 0.5, torch.pi, batch), angle)
    turn = random_rotation(generator, batch, angle)
    rotations[:, :, 0] = turn[:, None] @ rotations[:, :, 0]
    trans = (turn[:, None] @ (trans - trans[:, :1])[..., None]).squeeze(-1)

    swapped = chance(generator, config.mirror, batch)
    mirrored_rotations, mirrored_trans = mirror(rotations, trans)
    rotations = torch.where(swapped[:, None, None, None, None], mirrored_rotations, rotations)
    return rotations, torch.where(swapped[:, None, None], mirrored_trans, trans)
