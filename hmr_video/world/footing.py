"""Feet that stay exactly where they stand: soles laid flat, ankles held, legs bent to suit.

What :func:`~hmr_video.world.planting.plant` leaves, since it moves a person as a whole, each leg takes up by itself.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import convolve1d, maximum_filter1d
from scipy.spatial.transform import Rotation

from hmr_video.body import Body
from hmr_video.geometry.rotations import matrix_to_axis_angle, pose_matrices
from hmr_video.geometry.stretches import stretches
from hmr_video.motion import Motion
from hmr_video.people import Track
from hmr_video.reconstruction.quality import frame_confidence
from hmr_video.world.feet import Soles, in_camera, in_world, soles
from hmr_video.world.leg_ik import ANKLES, HIPS, KNEES, Legs
from hmr_video.world.planting import UP, Trust, shift

Array = NDArray[np.float64]

_LEG = Trust(across=0.02, along=0.02, floor=0.0005, slide=0.0003, slide_along=0.0003, acceleration=4.0)
_ACROSS, _ALONG = 0.15, 0.5  # metres across and along the view: a foot that would have to be moved further did not stand
_ROUNDS = 4  # of letting go
_FLAT, _RAISED = np.radians(15.0), np.radians(45.0)  # soles tilted less lie flat; tilted more they stand on heel or toes
_FIXED, _TURNING = np.radians(15.0), np.radians(45.0)  # soles turned less from their stance's mean rest; turned more they pivot
_EASE = 0.15  # seconds in which a sole is laid flat before it stands, and let go after
_DEEPEST = 0.04  # metres that the hips sink for legs that are too short


def lay_feet_flat(motion: Motion, body: Body, up: Array) -> Motion:
    """The person with soles flat while they stand, against ``up`` (3,), pointing one way, and ankles where they were.

    Ankles are seen; how feet are turned is a guess, and a foot that turned about its tip would slide at the heel.
    """
    feet, rotations = soles(motion, body), pose_matrices(motion.poses).numpy()
    _, turned = skeleton(motion, body, rotations)
    stands = _stances(feet, up)
    level = _levelling(feet, up, stands)
    level = _heading(feet, level, up, stands) @ level
    new = rotations.copy()
    new[:, ANKLES] = inverse(turned[:, KNEES]) @ level @ turned[:, ANKLES]
    return reposed(motion, body, rotations, new, np.asarray(motion.trans, np.float64))


def hold_feet(motion: Motion, body: Body) -> Motion:
    """The person with standing feet at rest on the floor (y = 0 of its world), by inverse kinematics of the legs.

    Feet keep their turns in the world.
    """
    feet, rotations = soles(motion, body), pose_matrices(motion.poses).numpy()
    placed, turned = skeleton(motion, body, rotations)
    ankles, legs = placed[:, ANKLES], Legs.of(placed, turned)
    moves = _moves(feet, _stances(feet, UP), ankles)
    sink = _sinking(legs, ankles + moves, UP, feet.times)[:, None] * -UP
    reached = replace(legs, **{name: getattr(legs, name) + sink[:, None] for name in ("hips", "knees", "ankles")})
    reached = reached.towards(ankles + moves)

    new = rotations.copy()
    new[:, HIPS] = inverse(turned[:, :1]) @ reached.thighs
    new[:, KNEES] = inverse(reached.thighs) @ reached.shins
    new[:, ANKLES] = inverse(reached.shins) @ turned[:, ANKLES]
    return reposed(motion, body, rotations, new, np.asarray(motion.trans + in_camera(motion, sink)))


def reposed(motion: Motion, body: Body, before: Array, after: Array, trans: Array) -> Motion:
    """The result with other rotations (T, 24, 3, 3) in place of those ``before``, and ``trans`` (T, 3): all that depends on them
    anew, the poses before and after by the same turns from the new one as from the old."""
    rotations, betas = torch.from_numpy(after), torch.as_tensor(motion.betas, dtype=torch.float64).expand(len(motion), 10)
    joints, turned = body.joints(rotations, betas)
    moved = torch.from_numpy(trans)[:, None]
    points = body.coco_from_joints(joints, turned, betas) + moved
    as_it_was = body.coco_from_joints(*body.joints(torch.from_numpy(before), betas), betas)
    as_it_was = as_it_was + torch.as_tensor(motion.trans, dtype=torch.float64)[:, None]
    detected = np.asarray((motion.keypoints2d[..., 2] > 0).any(-1))
    track = Track(motion.frame_ids, motion.boxes, motion.steady_landmarks, detected)
    camera = torch.as_tensor(motion.camera_matrix, dtype=torch.float64)
    fit, fit_before = (frame_confidence(shown, track, camera) for shown in (points, as_it_was))
    return motion.replace(
        poses=_axis_angles(after),
        trans=trans.astype(np.float32),
        joints3d=(joints + moved).float().numpy(),
        # By how much worse or better the evidence is met; what else made the confidence is not known any more.
        confidence=(motion.confidence * fit / np.maximum(fit_before, 1e-6)).clip(0, 1).astype(np.float32),
        poses_past=_axis_angles(after @ inverse(before) @ pose_matrices(motion.poses_past).numpy()),
        poses_future=_axis_angles(after @ inverse(before) @ pose_matrices(motion.poses_future).numpy()),
    )


def skeleton(motion: Motion, body: Body, rotations: Array) -> tuple[Array, Array]:
    """Joints (T, 24, 3) and their rotations (T, 24, 3, 3) in the motion's world."""
    betas = torch.as_tensor(motion.betas, dtype=torch.float64).expand(len(motion), 10)
    joints, turned = (values.numpy() for values in body.joints(torch.from_numpy(rotations), betas))
    placed = in_world(motion, joints + np.asarray(motion.trans, np.float64)[:, None])
    world = motion.world_from_camera
    return placed, turned if world is None else world[:, None, :3, :3] @ turned


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


def _axis_angles(rotations: Array) -> NDArray[np.float32]:
    """(T, 24, 3, 3) -> (T, 72)."""
    return np.asarray(matrix_to_axis_angle(torch.from_numpy(rotations)).flatten(1).float().numpy())


def inverse(rotations: Array) -> Array:
    """Of (..., 3, 3)."""
    return np.swapaxes(rotations, -1, -2)
