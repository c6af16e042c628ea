"""Feet that stay exactly where they stand: soles laid flat, ankles held, legs bent to suit.

What :func:`~hmr_video.world.planting.plant` leaves, since it moves a person as a whole, each leg takes up by itself.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d, maximum_filter1d
from scipy.spatial.transform import Rotation

from hmr_video.body import Body
from hmr_video.geometry import Array
from hmr_video.geometry.stretches import stretches
from hmr_video.reconstruction.person import Person
from hmr_video.world.feet import Soles, in_camera, in_world, soles
from hmr_video.world.leg_ik import ANKLES, HIPS, KNEES, Legs, inverse
from hmr_video.world.planting import UP, Trust, shift

_LEG = Trust(across=0.02, along=0.02, floor=0.0005, slide=0.0003, slide_along=0.0003, acceleration=4.0)
_ACROSS, _ALONG = 0.15, 0.5  # metres across and along the view: a foot that would have to be moved further did not stand
_ROUNDS = 4  # of letting go
_FLAT, _RAISED = np.radians(15.0), np.radians(45.0)  # soles tilted less lie flat; tilted more they stand on heel or toes
_FIXED, _TURNING = np.radians(15.0), np.radians(45.0)  # soles turned less from their stance's mean rest; turned more they pivot
_EASE = 0.15  # seconds in which a sole is laid flat before it stands, and let go after
_DEEPEST = 0.04  # metres that the hips sink for legs that are too short


def lay_feet_flat(person: Person, body: Body, up: Array) -> Person:
    """The person with soles flat while they stand, against ``up`` (3,), pointing one way, and ankles where they were.

    Ankles are seen; how feet are turned is a guess, and a foot that turned about its tip would slide at the heel.
    """
    feet, estimate = soles(person, body), person.estimate
    _, turned = skeleton(person, body)
    stands = _stances(feet, up)
    level = _levelling(feet, up, stands)
    level = _heading(feet, level, up, stands) @ level
    new = estimate.rotations.double().numpy().copy()
    new[:, ANKLES] = inverse(turned[:, KNEES]) @ level @ turned[:, ANKLES]
    return person.reposed(new, estimate.trans)


def hold_feet(person: Person, body: Body) -> Person:
    """The person with standing feet at rest on the floor (y = 0 of their world), by inverse kinematics of the legs.

    Feet keep their turns in the world.
    """
    feet, estimate = soles(person, body), person.estimate
    placed, turned = skeleton(person, body)
    ankles, legs = placed[:, ANKLES], Legs.of(placed, turned)
    moves = _moves(feet, _stances(feet, UP), ankles)
    sink = _sinking(legs, ankles + moves, UP, feet.times)[:, None] * -UP
    reached = replace(legs, **{name: getattr(legs, name) + sink[:, None] for name in ("hips", "knees", "ankles")})
    reached = reached.towards(ankles + moves)

    new = estimate.rotations.double().numpy().copy()
    new[:, HIPS] = inverse(turned[:, :1]) @ reached.thighs
    new[:, KNEES] = inverse(reached.thighs) @ reached.shins
    new[:, ANKLES] = inverse(reached.shins) @ turned[:, ANKLES]
    return person.reposed(new, estimate.trans.double().numpy() + in_camera(person.world_from_camera, sink))


def skeleton(person: Person, body: Body) -> tuple[Array, Array]:
    """Joints (T, 24, 3) and their rotations (T, 24, 3, 3) in the person's world."""
    joints, turned = (values.numpy() for values in person.skeleton(body))
    world = person.world_from_camera
    return in_world(world, joints), turned if world is None else world[:, None, :3, :3] @ turned


def _stances(feet: Soles, up: Array) -> NDArray[np.bool_]:
    """(T, 2) whether each foot stands, without stances of a moment."""
    stands = np.zeros(feet.seen.shape, bool)
    for stance in feet.stances(up):
        stands[stance.start : stance.end, stance.foot] = True
    return stands


def _levelling(feet: Soles, up: Array, stands: NDArray[np.bool_]) -> Array:
    """The turns (T, 2, 3, 3) that lay soles flat while they stand; less the more a sole is tilted."""
    heel, tip, inner, outer = np.moveaxis(feet.points, 2, 0)
    normal = np.cross(tip - heel, outer - inner)  # upwards out of the foot; at rest z cross x
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    axis = np.cross(normal, up)
    sine = np.linalg.norm(axis, axis=-1)
    tilt = np.arctan2(sine, normal @ up)
    share = np.clip((_RAISED - tilt) / (_RAISED - _FLAT), 0, 1) * _eased(stands, feet.times)
    return _turns(axis / np.maximum(sine, 1e-9)[..., None] * (tilt * share)[..., None])


def _heading(feet: Soles, level: Array, up: Array, stands: NDArray[np.bool_]) -> Array:
    """The turns (T, 2, 3, 3) about ``up`` that make feet, turned by ``level`` (T, 2, 3, 3), point as they do on average while
    they stand; less the more a foot points elsewhere."""
    ahead = (level @ (feet.points[:, :, 1] - feet.points[:, :, 0])[..., None])[..., 0]
    ahead = ahead - (ahead @ up)[..., None] * up
    ahead /= np.maximum(np.linalg.norm(ahead, axis=-1, keepdims=True), 1e-9)
    wanted = ahead.copy()
    for foot in range(2):
        edges = stretches(stands[:, foot])
        means = np.array([ahead[start:end, foot].mean(0) for start, end in edges])
        frames = np.arange(len(stands))[:, None]
        if len(edges):  # between two stances the nearer one counts, which matters while they ease in and out
            apart = np.maximum(edges[:, 0] - frames, frames - edges[:, 1] + 1)
            wanted[:, foot] = means[apart.argmin(1)]
    turn = np.arctan2(np.cross(ahead, wanted) @ up, (ahead * wanted).sum(-1))
    share = np.clip((_TURNING - np.abs(turn)) / (_TURNING - _FIXED), 0, 1) * _eased(stands, feet.times)
    return _turns((turn * share)[..., None] * up)


def _turns(vectors: Array) -> Array:
    """(..., 3, 3) of rotation vectors (..., 3)."""
    return np.asarray(Rotation.from_rotvec(vectors.reshape(-1, 3)).as_matrix().reshape(*vectors.shape, 3))


def _eased(values: NDArray[Any], times: Array) -> Array:
    """The largest of ``values`` (T, N) of the moment, rising and falling smoothly before and after."""
    frames = _frames(_EASE, times)
    window = np.hanning(2 * frames + 3)[1:-1]
    wide = maximum_filter1d(values.astype(float), 2 * frames + 1, axis=0)
    return np.asarray(convolve1d(wide, window / window.sum(), axis=0, mode="nearest"))


def _moves(feet: Soles, stands: NDArray[np.bool_], ankles: Array) -> Array:
    """The shifts (T, 2, 3) that hold each foot where it stands, let go where they would have to be too large."""
    view = ankles - feet.eyes[:, None]
    view /= np.linalg.norm(view, axis=-1, keepdims=True)
    moves = np.zeros(ankles.shape)
    for _ in range(_ROUNDS):
        for foot in range(2):
            alone = Soles(feet.points[:, [foot]], feet.times, feet.seen[:, [foot]], feet.eyes)
            moves[:, foot] = shift(alone, stands[:, [foot]], ankles[:, foot], _LEG)
        along = (moves * view).sum(-1)
        across = np.linalg.norm(moves - along[..., None] * view, axis=-1)
        far = stands & (np.hypot(along / _ALONG, across / _ACROSS) > 1)
        if not far.any():
            break
        stands = stands & ~far
    return moves


def _sinking(legs: Legs, targets: Array, up: Array, times: Array) -> Array:
    """(T,) metres by which the hips sink, smoothly, so that both legs reach their targets (T, 2, 3)."""
    wanted = targets - legs.hips
    distance = np.linalg.norm(wanted, axis=-1)
    steepness = np.maximum(-(wanted @ up) / distance, 0.5)
    lacking = ((distance - legs.reached(targets)).clip(min=0) / steepness).max(1).clip(max=_DEEPEST)
    return _eased(lacking[:, None], times)[:, 0]


def _frames(seconds: float, times: Array) -> int:
    step = float(np.median(np.diff(times))) if len(times) > 1 else seconds
    return max(1, round(seconds / max(step, 1e-3)))
