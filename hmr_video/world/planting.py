"""Feet that stand do not slide, hover or sink: a smooth shift of the whole person, chosen so that the image hardly changes."""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.linalg import spsolve

from hmr_video.motion import Motion
from hmr_video.world.feet import Soles

Array = NDArray[np.float64]

# Standard deviations, in metres where nothing else is said.
_ACROSS = 0.006  # of the shift across the view: a third of a per cent of the person's height
_ALONG = 0.015  # of the shift along the view, as a fraction of the distance: it changes the size in the image by as much
_FLOOR = 0.004  # of a standing sole from the floor, and of a sinking one
_SLIDE = 0.002  # of a standing sole from where it was a frame before
_ACCELERATION = 1.0  # m/s^2 of the shift
_FAR = 0.15  # over or under the floor, a foot is not taken to stand on it
_ROUNDS = 4  # of finding soles that sink


def plant(motion: Motion, feet: Soles, world_from_camera: Array) -> Motion:
    """The person with standing feet on the floor (y = 0 of the world) and at rest. ``world_from_camera``: (4, 4) rigid.

    Linear least squares over a shift (T, 3); soles that would sink are found in turns.
    """
    turn, origin = world_from_camera[:3, :3], world_from_camera[:3, 3]
    lowest = feet.lowest(turn[1]) @ turn.T + origin  # (T, 2, 3)
    stands = feet.standing(turn[1]) & (np.abs(lowest[..., 1]) < _FAR)
    rays = motion.joints3d[:, 0].astype(np.float64) @ turn.T
    shift = np.zeros((len(motion), 3))
    for _ in range(_ROUNDS):
        sinks = lowest[..., 1] + shift[:, None, 1] < 0
        shift = _shift(feet, turn, lowest, stands, sinks, rays)
    moved = (shift @ turn).astype(np.float32)
    return motion.replace(trans=motion.trans + moved, joints3d=motion.joints3d + moved[:, None])


def _shift(feet: Soles, turn: Array, lowest: Array, stands: NDArray[np.bool_], sinks: NDArray[np.bool_], rays: Array) -> Array:
    """The shift (T, 3) in the world that suits all terms best. rays: (T, 3) from the camera to the pelvis."""
    system = _Rows(len(rays))
    distance = np.linalg.norm(rays, axis=1)
    view = rays / distance[:, None]
    along = view[:, :, None] * view[:, None, :]
    image = (np.eye(3) - along) / _ACROSS + along / (_ALONG * distance)[:, None, None]  # (T, 3, 3)
    for row in range(3):
        system.add({(0, axis): image[:, row, axis] for axis in range(3)}, np.zeros(len(rays)))

    for foot in range(2):
        held = (stands | sinks)[:, foot] / _FLOOR
        system.add({(0, 1): held}, -held * lowest[:, foot, 1])

    if len(rays) > 1:
        chosen = feet.heights(turn[1]).argmin(-1)[:-1, :, None, None]  # the point that is lowest in the first of two frames
        now, then = (np.take_along_axis(points, chosen, 2)[:, :, 0] @ turn.T for points in (feet.points[:-1], feet.points[1:]))
        for foot in range(2):
            rests = (stands[1:, foot] & stands[:-1, foot]) / _SLIDE
            for axis in (0, 2):
                system.add({(0, axis): -rests, (1, axis): rests}, -rests * (then - now)[:, foot, axis])
    if len(rays) > 2:
        steps = np.maximum(np.diff(feet.times), 1e-3)
        scale = 2 / (steps[1:] + steps[:-1]) / _ACCELERATION
        into, out_of = scale / steps[:-1], scale / steps[1:]
        for axis in range(3):
            system.add({(0, axis): into, (1, axis): -into - out_of, (2, axis): out_of}, np.zeros(len(scale)))
    return system.solve()


class _Rows:
    """Linear equations in a quantity (T, 3), gathered a kind at a time, to be met in the least-squares sense."""

    def __init__(self, frames: int) -> None:
        self._frames, self._count = frames, 0
        self._rows: list[NDArray[np.int64]] = []
        self._columns: list[NDArray[np.int64]] = []
        self._values: list[Array] = []
        self._wanted: list[Array] = []

    def add(self, terms: dict[tuple[int, int], Array], wanted: Array) -> None:
        """One equation for each of the first N frames: terms maps (frames later, axis) to factors (N,); wanted: (N,)."""
        index = np.arange(len(wanted))
        for (later, axis), factors in terms.items():
            self._rows.append(index + self._count)
            self._columns.append((index + later) * 3 + axis)
            self._values.append(factors)
        self._wanted.append(wanted)
        self._count += len(wanted)

    def solve(self) -> Array:
        """(T, 3), by the normal equations, which are banded."""
        where = np.concatenate(self._rows), np.concatenate(self._columns)
        matrix = coo_array((np.concatenate(self._values), where), shape=(self._count, self._frames * 3)).tocsc()
        solved = spsolve((matrix.T @ matrix).tocsc(), matrix.T @ np.concatenate(self._wanted))
        return np.asarray(solved).reshape(self._frames, 3)
