"""Movements with moments of touch: claps, kicks against a wall, steps in place. Made up, at 30 frames a second.

World y up, floor at y = 0, the person at the origin, facing z.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial.transform import Rotation
from torch import Tensor

from hmr_video.body import Body
from hmr_video.geometry.skeleton import KNUCKLES, PARENTS
from hmr_video.motion import Array
from hmr_video.synth.motion.poses import ARM, LEG, TRUNK, Angles, to_rotations
from hmr_video.world.leg_ik import aside, bend, between

RATE = 30.0
REST = 0.1  # seconds that a kicking foot stays on the wall
_LEAD = 0.8  # seconds of standing before and after
_PALM = 0.015  # metres from the bones of a hand to the skin of its palm
_SIDES = np.array([1.0, -1.0])  # left and right along x
_ARMS, _LEGS = ((16, 17), (18, 19), (20, 21)), ((1, 2), (4, 5), (7, 8))
_AHEAD = np.array([0.0, 0.0, 1.0])


@dataclass(frozen=True)
class Sharp:
    """Someone of the mean shape over T frames."""

    kind: str  # one of ``KINDS``
    rotations: Tensor  # (T, 24, 3, 3), the root's into the world
    trans: Tensor  # (T, 3)
    moments: Array  # (M,) frames of the touches
    sides: Array  # (M,) 0 where the left limb touches, 1 the right, -1 both each other


def draw_sharp(kind: str, body: Body, dice: np.random.Generator) -> Sharp:
    """A movement of a kind in ``KINDS``."""
    return KINDS[kind](body, dice)


def _claps(body: Body, dice: np.random.Generator) -> Sharp:
    """Hands that fly together, meet for an instant and part, twice or thrice a second."""
    period = round(RATE / dice.uniform(1.2, 2.6))
    wide, count = dice.uniform(0.15, 0.5), 8
    moments = period // 2 + period * np.arange(count)
    frames = np.arange(period * count)
    gap = 2 * _PALM + wide * np.abs(np.sin(np.pi * (frames - moments[0]) / period))
    standing = _standing(len(frames), dice)
    chest = _kinematics(standing, body)[0][:, 9]
    middle = chest + np.array([0, dice.uniform(-0.1, 0.15), dice.uniform(0.28, 0.38)])
    rise = np.radians(dice.uniform(20, 70))
    fingers = np.array([0, np.sin(rise), np.cos(rise)])
    # Columns are where the rest pose's x, y and z go: palms, which look down there, look inward, and fingers up.
    hands = np.stack([np.stack([sign * fingers, [sign, 0, 0], np.cross(sign * fingers, [sign, 0, 0])], -1) for sign in _SIDES])
    meeting = middle[:, None] + gap[:, None, None] / 2 * _SIDES[:, None] * [1, 0, 0]
    targets = meeting - np.einsum("sab,sb->sa", hands, _knuckles(body))
    poles = np.stack([_SIDES * 0.35, [-1.0, -1.0], [-0.2, -0.2]], -1)
    rotations = _reach(standing, body, _ARMS, targets, poles, np.broadcast_to(hands, (len(frames), 2, 3, 3)))
    return _on_floor("claps", rotations, body, moments, np.full(count, -1))


def _kicks(body: Body, dice: np.random.Generator) -> Sharp:
    """A foot that shoots forward onto a wall, stops there at once for a moment, and comes back."""
    count, side = 3, int(dice.integers(2))
    out, stop, back, pause = 0.27, REST, 0.5, 0.5
    cycle = round((out + stop + back + pause) * RATE)
    lead = round(_LEAD * RATE)
    moments = lead + round(out * RATE) + cycle * np.arange(count)
    frames = np.arange(moments[-1] + cycle)
    since = np.where(frames >= lead, (frames - lead) % cycle, 0) / RATE
    part = np.where(since < out, (since / out).clip(0, 1) ** 2, 1 - ((since - out - stop) / back).clip(0, 1))
    part = np.where((since >= out) & (since < out + stop), 1.0, part)
    part = np.where(since >= out + stop, part**2 * (3 - 2 * part), part)  # fast into the wall, gently back
    standing = _standing(len(frames), dice)
    joints, _ = _kinematics(standing, body)
    start, hip = joints[:, list(_LEGS[2])], joints[:, list(_LEGS[0])]
    length = np.linalg.norm(joints[0, 1] - joints[0, 4]) + np.linalg.norm(joints[0, 4] - joints[0, 7])
    rise = np.radians(dice.uniform(-25, 25))
    touch = hip + 0.93 * length * np.array([0, np.sin(rise), np.cos(rise)])
    lift = 0.25 * length * np.sin(np.pi * part)[:, None] * [0, 1, 0]  # the knee goes first
    targets = start.copy()
    targets[:, side] += part[:, None] * (touch - start)[:, side] + lift
    feet = np.tile(np.eye(3), (len(frames), 2, 1, 1))
    feet[:, side] = Rotation.from_euler("x", -part[:, None] * np.radians(80)).as_matrix()  # the sole against the wall
    rotations = _reach(standing, body, _LEGS, targets, np.tile(_AHEAD, (2, 1)), feet)
    return _on_floor("kicks", rotations, body, moments, np.full(count, side))


def _steps(body: Body, dice: np.random.Generator) -> Sharp:
    """Feet that are lifted and set down, one after the other."""
    count, period = 6, round(RATE * dice.uniform(0.5, 0.8))
    lead = round(_LEAD * RATE)
    moments = lead + period * np.arange(1, count + 1)
    frames = np.arange(moments[-1] + lead)
    high, swing = dice.uniform(0.12, 0.35), 0.7  # metres; share of a step's time in the air
    standing = _standing(len(frames), dice)
    joints, _ = _kinematics(standing, body)
    targets = joints[:, list(_LEGS[2])].copy()
    sides = np.arange(count) % 2
    for moment, side in zip(moments, sides, strict=True):
        air = ((frames - (moment - swing * period)) / (swing * period)).clip(0, 1)
        targets[:, side, 1] += high * np.sin(np.pi * air**1.5)  # faster down than up
    feet = np.tile(np.eye(3), (len(frames), 2, 1, 1))
    rotations = _reach(standing, body, _LEGS, targets, np.tile(_AHEAD, (2, 1)), feet)
    return _on_floor("steps", rotations, body, moments, sides)


KINDS: dict[str, Callable[[Body, np.random.Generator], Sharp]] = {"claps": _claps, "kicks": _kicks, "steps": _steps}


def _standing(count: int, dice: np.random.Generator) -> Tensor:
    """Somebody who stands with slightly bent knees and arms (T, 24, 3, 3), swaying a little."""
    trunk, legs, arms = torch.zeros(count, len(TRUNK)), torch.zeros(count, 2, len(LEG)), torch.zeros(count, 2, len(ARM))
    time = torch.arange(count) / RATE
    for name, size in (("spine_flexion", 0.06), ("spine_side", 0.05), ("spine_twist", 0.08), ("neck_twist", 0.15)):
        trunk[:, list(TRUNK).index(name)] = size * torch.sin(time * float(dice.uniform(1, 3)) + float(dice.uniform(0, 6)))
    bend = float(dice.uniform(0.1, 0.25))
    for name, value in (("hip_flexion", bend), ("knee_flexion", 2 * bend), ("ankle_dorsal", bend), ("hip_abduction", 0.08)):
        legs[..., list(LEG).index(name)] = value
    for name, value in (("plane", 0.6), ("elevation", 0.35), ("elbow_flexion", 0.5)):
        arms[..., list(ARM).index(name)] = value + float(dice.uniform(-0.1, 0.1))
    return to_rotations(Angles(trunk, legs, arms))


def _kinematics(rotations: Tensor, body: Body) -> tuple[Array, Array]:
    joints, turned = body.joints(rotations, torch.zeros(len(rotations), 10))
    return joints.double().numpy(), turned.double().numpy()


def _knuckles(body: Body) -> Array:
    """(2, 3) from the wrists to the middle of the knuckles, at rest."""
    betas = torch.zeros(1, 10)
    joints, turned = body.joints(torch.eye(3).expand(1, 24, 3, 3), betas)
    points = body.landmarks_from_joints(joints, turned, betas)[0].double().numpy()
    return np.asarray(points[np.array(KNUCKLES)].mean(1) - joints[0, list(_ARMS[2])].double().numpy())


def _reach(
    rotations: Tensor, body: Body, limbs: tuple[tuple[int, int], ...], targets: Array, poles: Array, ends: Array
) -> Tensor:
    """The rotations with a pair of limbs' last joints at ``targets`` (T, 2, 3), the middle ones bent to ``poles`` (2, 3), and
    the last turned against the world as ``ends`` (T, 2, 3, 3)."""
    joints, turned = _kinematics(rotations, body)
    first, middle, last = (list(pair) for pair in limbs)
    start, bones = joints[:, first], (joints[:, middle] - joints[:, first], joints[:, last] - joints[:, middle])
    upper, lower = (np.linalg.norm(bone, axis=-1, keepdims=True) for bone in bones)
    way = targets - start
    distance = np.linalg.norm(way, axis=-1, keepdims=True)
    ray, distance = way / distance, distance.clip(np.abs(upper - lower) + 1e-3, 0.999 * (upper + lower))
    across = aside(poles, ray)
    across /= np.linalg.norm(across, axis=-1, keepdims=True)
    bent = bend(ray, across, *(length[..., 0] for length in (distance, upper, lower)))
    turned[:, first] = between(bones[0], bent) @ turned[:, first]
    turned[:, middle] = between(bones[1], distance * ray - bent) @ turned[:, middle]
    turned[:, last] = ends
    world, found = torch.from_numpy(turned).float(), rotations.clone()
    for joint in (*first, *middle, *last):
        found[:, joint] = world[:, PARENTS[joint]].mT @ world[:, joint]
    return found


def _on_floor(kind: str, rotations: Tensor, body: Body, moments: Array, sides: Array) -> Sharp:
    """Standing on the floor, over the origin."""
    rest = body.rest(torch.zeros(10))[0][:, 1].min()
    joints, _ = _kinematics(rotations[:1], body)
    ankle, resting = joints[0, list(_LEGS[2]), 1].min(), float(body.rest_joints(torch.zeros(10))[list(_LEGS[2]), 1].min())
    trans = torch.tensor([0.0, float(resting - rest - ankle), 0.0]).expand(len(rotations), 3)
    return Sharp(kind, rotations, trans, moments, sides)
