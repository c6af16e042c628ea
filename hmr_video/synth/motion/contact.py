"""Bodies that rest on something: where they touch, how they are turned so that they rest, how high they then are."""

import torch
from torch import Tensor

from hmr_video.body import Body
from hmr_video.geometry.rotations import axis_angle_to_matrix

# Name: joint, place in its frame at rest, radius; metres, of the open body's mean shape. Right ones are mirrored.
_SIDED: dict[str, tuple[tuple[int, int], tuple[float, float, float], float]] = {
    "seat": ((0, 0), (0.075, -0.03, -0.01), 0.095),
    "groin": ((0, 0), (0.06, -0.01, 0.045), 0.085),
    "hip": ((0, 0), (0.09, -0.05, 0.01), 0.085),
    "back": ((9, 9), (0.08, 0.05, 0.02), 0.11),
    "chest": ((9, 9), (0.07, 0.0, 0.03), 0.10),
    "ribs": ((9, 9), (0.09, 0.03, 0.02), 0.09),
    "shoulder": ((16, 17), (0.0, 0.0, 0.0), 0.06),
    "elbow": ((18, 19), (0.0, 0.0, 0.0), 0.04),
    "palm": ((20, 21), (0.0, 0.0, 0.0), 0.035),
    "fingers": ((22, 23), (0.08, -0.01, 0.0), 0.012),
    "knee": ((4, 5), (0.0, 0.0, 0.0), 0.055),
    "ankle": ((7, 8), (0.01, 0.0, 0.0), 0.04),
    "heel": ((7, 8), (0.0, -0.045, -0.025), 0.032),
    "ball": ((10, 11), (0.0, -0.007, 0.0), 0.02),
    "toes": ((10, 11), (0.0, -0.01, 0.045), 0.016),
}
_MIDDLE = {"head": (15, (0.0, 0.05, 0.02), 0.105)}
_MASSES = {  # of the whole, at joints (Winter, Biomechanics and Motor Control of Human Movement, table 4.1, spread over the ends)
    0: 0.15, 6: 0.17, 9: 0.175, 15: 0.081, 16: 0.014, 17: 0.014, 18: 0.022, 19: 0.022, 20: 0.014, 21: 0.014,
    1: 0.05, 2: 0.05, 4: 0.07, 5: 0.07, 7: 0.03, 8: 0.03, 10: 0.012, 11: 0.012,
}  # fmt: skip
_SOFTNESS = 0.012  # metres within which what touches the floor shares the contact
_ANKLE_HEIGHT = 0.077  # metres above the sole
_UP = torch.tensor([0.0, 1.0, 0.0])


def _points() -> dict[str, tuple[int, tuple[float, float, float], float]]:
    points = dict(_MIDDLE)
    for name, ((left, right), (x, y, z), radius) in _SIDED.items():
        points[f"left_{name}"] = (left, (x, y, z), radius)
        points[f"right_{name}"] = (right, (-x, y, z), radius)
    return points


POINTS = _points()
_JOINT = torch.tensor([joint for joint, _, _ in POINTS.values()])
_PLACE = torch.tensor([place for _, place, _ in POINTS.values()])
_RADIUS = torch.tensor([radius for _, _, radius in POINTS.values()])
_MASS = torch.zeros(24).index_put((torch.tensor(list(_MASSES)),), torch.tensor(list(_MASSES.values())))
_MASS /= _MASS.sum()


def middle_of(stance: Tensor) -> Tensor:
    """Of a stance (..., 3, P), what a body rests on as weights over the contact points, in rows of groups: (..., P) of all groups
    together. Rows of groups that are not there are zero."""
    total = stance.sum(-2)
    return total / total.sum(-1, keepdim=True).clamp_min(1e-6)


def contact_points(joints: Tensor, turned: Tensor) -> Tensor:
    """Centres (..., P, 3) of the contact spheres of what :meth:`Body.joints` gave."""
    return joints[..., _JOINT, :] + (turned[..., _JOINT, :, :] @ _PLACE[..., None]).squeeze(-1)


def centre_of_mass(joints: Tensor) -> Tensor:
    """(..., 24, 3) -> (..., 3)."""
    return (_MASS[:, None] * joints).sum(-2)


def turn_onto(direction: Tensor, target: Tensor, most: float = torch.pi) -> Tensor:
    """The shortest rotations that take ``direction`` (..., 3) to ``target`` (..., 3), of at most ``most`` radians."""
    axis = torch.linalg.cross(direction, target.expand_as(direction))
    angle = torch.atan2(axis.norm(dim=-1), (direction * target).sum(-1)).clamp_max(most)
    return axis_angle_to_matrix(torch.nn.functional.normalize(axis, dim=-1) * angle[..., None])


def level(joints: Tensor, points: Tensor, stance: Tensor) -> Tensor:
    """World rotations (..., 3, 3) that bring the lowest points of the stance's groups to one height.

    joints (..., 24, 3) and points (..., P, 3) of bodies that stand about right already.
    """
    absent = (stance.sum(-1) == 0)[..., 2, None]  # (..., 1): two groups, which say nothing about their own axis
    rotation = torch.eye(3).expand(*joints.shape[:-2], 3, 3)
    for _ in range(2):  # the lowest point of a sphere changes with the rotation
        lowest = (rotation @ points.transpose(-1, -2)).transpose(-1, -2) - _RADIUS[:, None] * _UP
        first, second, third = (stance @ lowest).unbind(-2)
        across = torch.where(absent, torch.linalg.cross(_UP.expand_as(first), second - first), third - first)
        normal = torch.linalg.cross(second - first, across)
        normal = torch.where(normal[..., 1:2] < 0, -normal, normal)
        rotation = turn_onto(normal, _UP) @ rotation
    return rotation


def balance(joints: Tensor, points: Tensor, stance: Tensor) -> Tensor:
    """World rotations (..., 3, 3) that bring the centre of mass above the middle of the stance."""
    base = (middle_of(stance)[..., None, :] @ points).squeeze(-2)
    return turn_onto(centre_of_mass(joints) - base, _UP)


def flatten(rotations: Tensor, turned: Tensor, root: Tensor, pair: tuple[int, int], most: float) -> Tensor:
    """Rotations (..., 2, 3, 3) of both ankles (7, 8) or wrists (20, 21) with level soles or palms, or turned that way by ``most``
    radians.

    rotations (..., 24, 3, 3) local; turned (..., 24, 3, 3) in the frame that ``root`` (..., 3, 3) takes to the world.
    """
    world = root[..., None, :, :] @ turned[..., pair, :, :]
    up = (world.transpose(-1, -2) @ _UP[:, None]).squeeze(-1)  # of the room, in the joint's frame
    return rotations[..., pair, :, :] @ turn_onto(_UP.expand_as(up), up, most)


def bend_knees(rotations: Tensor, turned: Tensor, root: Tensor, drop: Tensor, most: float = 1.0) -> Tensor:
    """Knee rotations (..., 2, 3, 3) turned by ``most`` radians or less, until the ankles lie ``drop`` (..., 2) below the knees.

    ``drop`` in lengths of the shin: 0 lays it down level, 1 lets it hang. The rest as in :func:`flatten`. A hinge turned by a
    moves the drop on a circle, c cos a + s sin a; of its two solutions the nearer one is taken.
    """
    world = root[..., None, :, :] @ turned[..., (4, 5), :, :]
    here, ahead = world[..., 1, 1], world[..., 1, 2]  # how far the ankle is below now, and a right angle on
    size = torch.hypot(here, ahead).clamp_min(1e-6)
    middle, half = torch.atan2(ahead, here), (drop / size).clamp(-1, 1).acos()
    angle = torch.where((middle - half).abs() < (middle + half).abs(), middle - half, middle + half).clamp(-most, most)
    return rotations[..., (4, 5), :, :] @ axis_angle_to_matrix(angle[..., None] * torch.tensor([1.0, 0.0, 0.0]))


def missing_drop(joints: Tensor, points: Tensor, root: Tensor, stance: Tensor) -> Tensor:
    """How far below the knees (..., 2), in lengths of the shin, the ankles of feet are that stand where the stance rests."""
    floor = ((root @ points.transpose(-1, -2))[..., 1, :] - _RADIUS).mul(middle_of(stance)).sum(-1, keepdim=True)
    knees = (root @ joints[..., (4, 5), :].transpose(-1, -2))[..., 1, :]
    shins = (joints[..., (7, 8), :] - joints[..., (4, 5), :]).norm(dim=-1)
    return (knees - floor - _ANKLE_HEIGHT) / shins


def settle(rotations: Tensor, body: Body) -> tuple[Tensor, Tensor, Tensor]:
    """Puts moving bodies onto the floor y = 0, where what bears them does not slide.

    rotations (B, T, 24, 3, 3) -> trans (B, T, 3), joints (B, T, 24, 3) without it, and the height of the contact points'
    lowest sides above the floor (B, T, P).
    """
    joints, turned = body.joints(rotations, torch.zeros(*rotations.shape[:2], 10))
    points = contact_points(joints, turned)
    bottoms = points[..., 1] - _RADIUS
    height = _SOFTNESS * torch.logsumexp(-bottoms / _SOFTNESS, -1)
    bearing = torch.softmax(-bottoms / _SOFTNESS, -1)[..., None]  # (B, T, P, 1)
    slide = (0.5 * (bearing[:, 1:] + bearing[:, :-1]) * (points[:, 1:] - points[:, :-1])).sum(-2)
    path = (
        torch.cat([torch.zeros_like(slide[:, :1]), -slide.cumsum(1)], 1)
        if rotations.shape[1] > 1
        else torch.zeros_like(joints[:, :, 0])
    )
    trans = torch.stack([path[..., 0], height, path[..., 2]], -1)
    return trans, joints, bottoms + height[..., None]
