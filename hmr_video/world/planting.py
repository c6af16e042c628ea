"""Feet that stand do not slide, hover or sink: a smooth shift, chosen so that the image hardly changes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.linalg import spsolve

from hmr_video.body import Body
from hmr_video.geometry import Array
from hmr_video.reconstruction.person import Person
from hmr_video.world.feet import Soles, in_camera, in_world

UP = np.array([0.0, 1.0, 0.0])
FAR = 0.15  # metres over or under the floor, from which a foot stands or moves on another level
_ROUNDS = 4  # of finding soles that sink


@dataclass(frozen=True)
class Trust:
    """Standard deviations of what a shift has to meet, in metres where nothing else is said.

    Attributes:
        across: of the shift across the view.
        along: of the shift along the view, as a fraction of the distance: it changes the size in the image by as much.
        floor: of a standing sole from the floor, and of a sinking one.
        slide: of a standing sole from where it was a frame before, across the view.
        slide_along: the same along the view, where how far a leg reaches is a guess.
        acceleration: m/s^2 of the shift.
    """

    across: float
    along: float
    floor: float
    slide: float
    slide_along: float
    acceleration: float


_WHOLE = Trust(
    across=0.006, along=0.01, floor=0.004, slide=0.002, slide_along=0.006, acceleration=0.5
)  # 6 mm: 1/3 % of a person's height


def plant(person: Person, feet: Soles, body: Body) -> Person:
    """The person, moved as a whole so that standing feet are about on the floor (y = 0 of their world) and about at rest."""
    estimate, world = person.estimate, person.world_from_camera
    pelvis = in_world(world, (body.rest_joints(estimate.betas)[0] + estimate.trans).double().numpy())
    moved = in_camera(world, shift(feet, feet.standing(UP), pelvis, _WHOLE)).astype(np.float32)
    return person.reposed(estimate.rotations, estimate.trans.numpy() + moved)


def shift(feet: Soles, stands: NDArray[np.bool_], centre: Array, trust: Trust) -> Array:
    """The shift (T, 3) in the world that suits all terms of ``trust`` best: linear least squares.

    feet: those of one person, or one of them, of which ``stands`` (T, F) says when they stand; centre: (T, 3) of what moves.
    Soles that would sink are found in turns.
    """
    lowest = feet.lowest(UP)  # (T, F, 3)
    stands = stands & (np.abs(lowest[..., 1]) < FAR)
    rays = centre - feet.eyes
    found = np.zeros((len(rays), 3))
    for _ in range(_ROUNDS):
        height = lowest[..., 1] + found[:, None, 1]
        sinks = (height < 0) & (lowest[..., 1] > -FAR)
        found = _solved(feet, lowest, stands, sinks, rays, trust)
    return found


def _solved(
    feet: Soles,
    lowest: Array,
    stands: NDArray[np.bool_],
    sinks: NDArray[np.bool_],
    rays: Array,
    trust: Trust,
) -> Array:
    """The shift (T, 3) in the world. rays: (T, 3) from the camera to what moves."""
    system = _Rows(len(rays))
    distance = np.linalg.norm(rays, axis=1)
    view = rays / distance[:, None]
    along = view[:, :, None] * view[:, None, :]
    image = (np.eye(3) - along) / trust.across + along / (trust.along * distance)[:, None, None]  # (T, 3, 3)
    for row in range(3):
        system.add({(0, axis): image[:, row, axis] for axis in range(3)}, np.zeros(len(rays)))

    for foot in range(lowest.shape[1]):
        held = (stands | sinks)[:, foot] / trust.floor
        system.add({(0, 1): held}, -held * lowest[:, foot, 1])

    if len(rays) > 1:
        chosen = feet.heights(UP).argmin(-1)[:-1, :, None, None]  # the point that is lowest in the first of two frames
        now, then = (np.take_along_axis(points, chosen, 2)[:, :, 0] for points in (feet.points[:-1], feet.points[1:]))
        ahead = view[:-1] * [1.0, 0.0, 1.0]
        ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-9)
        aside = np.cross(ahead, UP)
        for foot in range(lowest.shape[1]):
            rests = stands[1:, foot] & stands[:-1, foot]
            for way, deviation in ((aside, trust.slide), (ahead, trust.slide_along)):
                pull = way * (rests / deviation)[:, None]
                terms = {(later, axis): sign * pull[:, axis] for later, sign in ((0, -1), (1, 1)) for axis in (0, 2)}
                system.add(terms, -(pull * (then - now)[:, foot]).sum(1))
    if len(rays) > 2:
        steps = np.maximum(np.diff(feet.times), 1e-3)
        scale = 2 / (steps[1:] + steps[:-1]) / trust.acceleration
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
