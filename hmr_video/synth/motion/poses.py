"""Anatomical joint angles, their limits, and the SMPL rotations that they stand for.

A pose is three tensors of radians: trunk (..., 8), legs (..., 2, 7), arms (..., 2, 8), left before right, columns as ``TRUNK``,
``LEG`` and ``ARM`` name them. Positive is what the name says: flexion bends forward (elbows and knees: closes), side bends to the
left, twist turns to the left, abduction leaves the midline, rotation of the hip and of the arm turns outward, dorsal lifts foot
and hand. The arm's plane is 0 sideways, 90 forward, negative backward; its elevation is 0 hanging, 90 level.

Limits: American Academy of Orthopaedic Surgeons, Joint Motion: Method of Measuring and Recording (1965). Where deep squats and
sitting on the heels go further than that table's active motion, the passive ranges of Hemmerich et al., Hip, knee, and ankle
kinematics of high range of motion activities of daily living (J. Orthop. Res., 2006): knee flexion about 155 degrees. The hip's
include some degrees of pelvic motion, which SMPL has no joint for. The pelvis itself is as free as the body's place in the room.
"""

from typing import NamedTuple

import torch
from torch import Generator, Tensor

from hmr_video.geometry.rotations import axis_angle_to_matrix

Limits = dict[str, tuple[float, float]]

# Degrees, least and most.
TRUNK: Limits = {
    "pitch": (-360, 360),  # of the pelvis in the room: forward, to its left side, about the vertical
    "roll": (-360, 360),
    "spine_flexion": (-30, 80),
    "spine_side": (-35, 35),
    "spine_twist": (-45, 45),
    "neck_flexion": (-45, 45),
    "neck_side": (-45, 45),
    "neck_twist": (-60, 60),
}
LEG: Limits = {
    "hip_flexion": (-30, 125),
    "hip_abduction": (-30, 45),
    "hip_rotation": (-45, 60),
    "knee_flexion": (0, 155),
    "ankle_dorsal": (-50, 25),
    "ankle_inversion": (-15, 35),
    "toes_dorsal": (-20, 65),
}
ARM: Limits = {
    "plane": (-90, 130),
    "elevation": (0, 175),
    "rotation": (-95, 90),
    "elbow_flexion": (0, 148),
    "pronation": (-80, 80),
    "wrist_dorsal": (-80, 70),
    "wrist_ulnar": (-20, 30),
    "shrug": (-10, 20),  # of the collar, beside what raising the arm takes with it
}
_SPINE, _SPINE_SHARE = (3, 6, 9), (0.4, 0.3, 0.3)
_NECK, _NECK_SHARE = (12, 15), (0.5, 0.5)
_SHOULDER_RHYTHM = (
    0.22  # of the arm's elevation above 30 degrees happens in the collar (Inman et al., 1944: a third, less SMPL's)
)
_SIDES = torch.tensor([1.0, -1.0])  # what turns about y and z changes its sign on the right


class Angles(NamedTuple):
    """trunk (..., 8), legs (..., 2, 7) and arms (..., 2, 8), radians."""

    trunk: Tensor
    legs: Tensor
    arms: Tensor


def limits(part: Limits) -> tuple[Tensor, Tensor]:
    """The least and the most of a part's angles in radians, (A,) each."""
    low, high = torch.tensor(list(part.values()), dtype=torch.float32).deg2rad().unbind(-1)
    return low, high


def clamp(angles: Angles) -> Angles:
    """The nearest angles within the limits."""
    return Angles(*(torch.clamp(values, *limits(part)) for values, part in zip(angles, (TRUNK, LEG, ARM), strict=True)))


def _turn(axis: int, angle: Tensor) -> Tensor:
    """(...) -> (..., 3, 3) about x, y or z."""
    cosine, sine, matrix = angle.cos(), angle.sin(), torch.zeros(*angle.shape, 3, 3)
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix[..., axis, axis] = 1
    matrix[..., first, first] = matrix[..., second, second] = cosine
    matrix[..., first, second], matrix[..., second, first] = -sine, sine
    return matrix


def _along_y(flexion: Tensor, side: Tensor, twist: Tensor) -> Tensor:
    """Rotations of bones that run along y: twisted about themselves, then swung sideways, then about x."""
    return _turn(0, flexion) @ _turn(2, side) @ _turn(1, twist)


def to_rotations(angles: Angles) -> Tensor:
    """Local joint rotations (..., 24, 3, 3), the root facing +z."""
    trunk, legs, arms = angles
    shape = trunk.shape[:-1]
    rotations = torch.eye(3).repeat(*shape, 24, 1, 1)
    rotations[..., 0, :, :] = _turn(0, trunk[..., 0]) @ _turn(2, -trunk[..., 1])
    for joints, shares, first in ((_SPINE, _SPINE_SHARE, 2), (_NECK, _NECK_SHARE, 5)):
        share = torch.tensor(shares)
        flexion, side, twist = (trunk[..., first + k, None] * share for k in range(3))
        rotations[..., joints, :, :] = _along_y(flexion, -side, twist)

    hip_flexion, abduction, rotation, knee, dorsal, inversion, toes = legs.unbind(-1)  # (..., 2)
    rotations[..., (1, 2), :, :] = _along_y(-hip_flexion, _SIDES * abduction, _SIDES * rotation)
    rotations[..., (4, 5), :, :] = _turn(0, knee)
    rotations[..., (7, 8), :, :] = _along_y(-dorsal, -_SIDES * inversion, torch.zeros_like(dorsal))
    rotations[..., (10, 11), :, :] = _turn(0, -toes)

    plane, elevation, rotation, elbow, pronation, wrist, ulnar, shrug = arms.unbind(-1)
    lift = shrug + _SHOULDER_RHYTHM * torch.relu(elevation - torch.pi / 6)
    collar = _turn(1, -_SIDES * 0.12 * plane) @ _turn(2, _SIDES * lift)
    rotations[..., (13, 14), :, :] = collar
    rotations[..., (16, 17), :, :] = collar.transpose(-1, -2) @ _swing(plane, elevation) @ _turn(0, -rotation)
    rotations[..., (18, 19), :, :] = _turn(1, -_SIDES * elbow) @ _turn(0, pronation / 2)
    rotations[..., (20, 21), :, :] = _turn(0, pronation / 2) @ _turn(2, _SIDES * wrist) @ _turn(1, _SIDES * ulnar)
    return rotations


def _swing(plane: Tensor, elevation: Tensor) -> Tensor:
    """The shortest turns that take arms (..., 2) from the T-pose to where they point: (..., 2, 3, 3)."""
    up, out, forward = -elevation.cos(), elevation.sin() * plane.cos(), elevation.sin() * plane.sin()
    axis = torch.stack(
        [torch.zeros_like(up), -_SIDES * forward, _SIDES * up], -1
    )  # x cross direction, x = (1, 0, 0) or (-1, 0, 0)
    angle = torch.atan2(axis.norm(dim=-1), out)
    return axis_angle_to_matrix(torch.nn.functional.normalize(axis, dim=-1) * angle[..., None])


def draw_within_limits(shape: tuple[int, ...], generator: Generator) -> Angles:
    """Angles anywhere within the limits, the pelvis upright: denser around the middle between rest and limit.

    Each is neutral (arms a little away from the body) plus part of the way to one of its two limits, short ways more often.
    """
    parts = []
    for part, sides in ((TRUNK, ()), (LEG, (2,)), (ARM, (2,))):
        low, high = limits(part)
        neutral = torch.zeros(len(part))
        if part is ARM:
            neutral[:2] = torch.tensor([0.6, 0.5])
        way = (
            torch.rand(*shape, *sides, len(part), generator=generator)
            * torch.rand(*shape, *sides, len(part), generator=generator).sqrt()
        )
        up = torch.rand(*shape, *sides, len(part), generator=generator) < (high - neutral) / (high - low)
        parts.append(neutral + way * torch.where(up, high - neutral, low - neutral))
    parts[0][..., :2] = 0
    return Angles(*parts)
