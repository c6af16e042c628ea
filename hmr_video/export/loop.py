"""Cycles: the part of a motion that repeats itself best, cut out and closed."""

import numpy as np
from scipy.spatial.transform import Rotation

from hmr_video.body import Body
from hmr_video.errors import UsageError
from hmr_video.export.actors import headings, place, unplaced
from hmr_video.motion import Array, Motion

_SHORTEST, _LONGEST = 0.5, 10.0  # seconds that a cycle takes
_AHEAD = 0.1  # seconds of movement that count as much as where joints are
_CLOSED = 0.25  # of how far a cycle leads away may be left between its ends


def looped(motion: Motion, body: Body) -> Motion:
    """The cycle, whose last frame has the pose of its first. Way and heading go on: who walks is somewhere else at the end.

    What is left between the ends is made up for over the second half. Raises UsageError where nothing repeats.
    """
    first, last = find_cycle(motion, body)
    cut = motion.rows(slice(first, last + 1))
    actor = place(cut, body)
    done = (2 * np.linspace(0, 1, len(cut)) - 1).clip(0)
    share = done**2 * (3 - 2 * done)  # starts and ends at rest
    facing = headings(actor.rotations[:, 0])
    rotations = actor.rotations.copy()
    rotations[:, 0] = np.swapaxes(facing, -1, -2) @ rotations[:, 0]
    missing = Rotation.from_matrix(np.swapaxes(rotations[-1], -1, -2) @ rotations[0]).as_rotvec()  # (24, 3)
    closing = Rotation.from_rotvec((share[:, None, None] * missing).reshape(-1, 3)).as_matrix()
    rotations = rotations @ closing.reshape(rotations.shape)
    rotations[:, 0] = facing @ rotations[:, 0]
    trans = actor.trans.copy()
    trans[:, 1] += share * (trans[0, 1] - trans[-1, 1])
    return unplaced(actor, rotations, trans)


def find_cycle(motion: Motion, body: Body) -> tuple[int, int]:
    """The frames between which a motion comes back best to what it was, measured by how far it went away in between."""
    actor = place(motion, body)
    facing = headings(actor.rotations[:, 0])
    ground = actor.pelvis * [1, 0, 1]
    seen = (actor.joints - ground[:, None]) @ facing  # from the person's own place and heading
    moving = np.gradient(seen, motion.timestamps, axis=0) if len(motion) > 1 else np.zeros_like(seen)
    poses = np.concatenate([seen, _AHEAD * moving], axis=-1)
    shortest, longest = (round(seconds * motion.frame_rate) for seconds in (_SHORTEST, _LONGEST))
    best, cycle = _CLOSED, None
    away = np.zeros(len(motion))
    for lag in range(1, min(longest, len(motion) - 1) + 1):
        apart = _distance(poses[lag:], poses[:-lag])
        away = np.maximum(away[: len(apart)], apart)
        left = apart / np.maximum(away, 1e-9)
        if lag >= shortest and left.min() < best:
            best, cycle = float(left.min()), (int(left.argmin()), int(left.argmin()) + lag)
    if cycle is None:
        raise UsageError(
            "Nothing in the motion repeats itself.", "Leave --loop out, or convert the part that does (--start, --end)."
        )
    return cycle


def _distance(first: Array, second: Array) -> Array:
    """(T,) root mean square over the joints."""
    return np.asarray(np.sqrt(((first - second) ** 2).sum(-1).mean(-1)))
