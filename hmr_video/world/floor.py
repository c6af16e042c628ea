"""A level world, before a camera that stands still or whose path is known: which way is up, where the floor is,
and people who stand on it.

Up, floor and the people's sizes are one small maximum-a-posteriori problem. Feet that stand are evidence for a plane; that people
stand upright, and that cameras are held about level, are priors which decide alone where the feet say too little (one standing
person). A person who is taken for too small is also taken for too near, and seems to stand on a higher floor: so a shared floor
tells the sizes of people against each other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from hmr_video.body import Body
from hmr_video.console import Reporter
from hmr_video.geometry import Array
from hmr_video.reconstruction.person import Estimate, Person
from hmr_video.reconstruction.shape import stature, with_height
from hmr_video.world.feet import Soles, soles
from hmr_video.world.footing import hold_feet, lay_feet_flat, skeleton
from hmr_video.world.planting import UP, plant

Made = TypeVar("Made")

_MAX_PITCH, _MAX_ROLL = np.radians(60.0), np.radians(30.0)
# Standard deviations.
_PITCH, _ROLL = np.radians(20.0), np.radians(5.0)  # of cameras, from level
_UPRIGHT = np.radians(4.0)  # of a person's mean axis over a long time, from upright
_SWAY = 1.0  # seconds after which a body's lean tells something new
_STANCE = 0.03  # metres, of a standing foot from the floor: the error of its depth, seen from above
_TOUCH, _TOUCH_AT_FIRST = 0.15, 1.2  # metres, of the lowest foot of who is never seen to stand, and while up is not known
_SIZE = 0.05  # of the logarithm of a person's size
_OUTLIER = 2.5  # deviations at which a stance has lost three quarters of its pull
_ROUNDS = 8  # of finding stances and solving again
_STRAIGHT = 0.85  # of its length is the distance of neck and feet of a body that stands or walks

_NECK, _FEET = 12, (7, 8, 10, 11)  # bodies balance between their ankles and the balls of their feet
_LEGS, _TRUNK = ((1, 4, 7), (2, 5, 8)), (0, 3, 6, 9, 12)
_OFF_FLOOR = 0.3  # metres between somebody's lowest sole and the floor, most of the time, that no jump explains
_MOST = 0.5  # of the people, above which that tells against the camera's path


@dataclass(frozen=True)
class Floor:
    """A level plane in the stage, the space of the first picture's camera.

    Attributes:
        up: (3,) unit vector against gravity.
        height: metres of the stage's origin over it.
        sizes: (P,) by how much each person must grow, at the same place in the image, to stand on it.
        stances: how many standing feet it was found by.
    """

    up: Array
    height: float
    sizes: Array
    stances: int

    @property
    def world_from_stage(self) -> Array:
        """(4, 4) rigid: y up, the origin below the first camera, x to its right, z against its view."""
        right = np.array([1.0, 0.0, 0.0]) - self.up[0] * self.up
        right /= np.linalg.norm(right)
        transform = np.eye(4)
        transform[:3, :3] = right, self.up, np.cross(right, self.up)
        transform[1, 3] = self.height
        return transform


def to_world(
    people: list[Person],
    body: Body,
    reporter: Reporter,
    stages: Sequence[Array] | None = None,
    moving: bool = False,
    keep_sizes: bool = False,
) -> list[Person]:
    """The same people with a ``world_from_camera`` in one world: level, the floor at y = 0.

    ``stages``: for each person the path of the camera, (T, 4, 4) rigid, from its space into the first picture's; None for a
    still camera. People are also made to stand on the floor: sized so that one floor suits all unless ``keep_sizes``, moved as a
    whole (:func:`~hmr_video.world.planting.plant`), their feet held where they stand
    (:func:`~hmr_video.world.footing.hold_feet`). ``moving``: the camera does, nobody knows how; then only gravity is found, from
    upright people, and the floor is a guess. Notes what could not be found.
    """
    with reporter.progress("Levelling", 5 * len(people), "steps") as advance:
        return _levelled(people, body, reporter, stages or [None] * len(people), moving, keep_sizes, advance)


def _levelled(
    people: list[Person],
    body: Body,
    reporter: Reporter,
    stages: Sequence[Array | None],
    moving: bool,
    keep_sizes: bool,
    advance: Callable[[int], None],
) -> list[Person]:
    """:func:`to_world`, which counts by ``advance`` whenever it is through with a person."""

    def each(act: Callable[[Person], Made]) -> list[Made]:
        made = []
        for person in people:
            made.append(act(person))
            advance(1)
        return made

    relative = people
    people = [replace(person, world_from_camera=stage) for person, stage in zip(people, stages, strict=True)]
    lean = mean_lean(people, body)
    feet = each(lambda person: soles(person, body))
    carried = any(stage is not None for stage in stages)
    floor = find_floor([] if moving else feet, lean, len(people), keep_sizes, carried)
    if floor.stances > 0:
        people = each(lambda person: lay_feet_flat(person, body, floor.up))
        feet = each(lambda person: soles(person, body))
        floor = find_floor(feet, lean, len(people), keep_sizes, carried)
    if floor.stances == 0:
        lowest = np.concatenate([sole.heights(floor.up).min((1, 2)) for sole in feet])
        floor = Floor(floor.up, -float(np.median(lowest)), floor.sizes, 0)
        if not moving:
            reporter.note("No foot was seen to stand: the floor is where feet are on average.")
    if lean is None and floor.stances == 0:
        reporter.note("Nobody was seen upright: the camera is taken to be level.")
    people = [replace(person, world_from_camera=floor.world_from_stage @ _stage_of(person)) for person in people]
    if moving or floor.stances == 0:
        return people
    people = [resized(person, body, float(size)) for person, size in zip(people, floor.sizes, strict=True)]
    people = each(lambda person: plant(person, soles(person, body), body))
    people = each(lambda person: hold_feet(person, body))
    elsewhere = [str(number) for number, person in enumerate(people, 1) if _is_off_the_floor(soles(person, body))]
    if len(elsewhere) > _MOST * len(people) and carried:
        reporter.note(
            f"By what the background tells of the camera, {len(elsewhere)} of {len(people)} people would be over {_OFF_FLOOR} m "
            "off one floor. It is not believed: people's positions are relative to the camera."
        )
        return _levelled(relative, body, reporter, [None] * len(relative), True, keep_sizes, lambda steps: None)
    if elsewhere:
        reporter.note(
            f"Mostly over {_OFF_FLOOR} m off the floor: person {', '.join(elsewhere)}. They are on another level than others, "
            "or the camera's path is wrong: do not rely on where they are in the world."
        )
    return people


def _is_off_the_floor(feet: Soles) -> bool:
    return bool(np.median(np.abs(feet.heights(UP).min((1, 2)))) > _OFF_FLOOR)


def _stage_of(person: Person) -> Array:
    """(T, 4, 4) from the cameras' spaces into the first one's."""
    still = np.tile(np.eye(4), (len(person), 1, 1))
    return still if person.world_from_camera is None else person.world_from_camera


@dataclass(frozen=True)
class Lean:
    """How people stand on average: the direction from feet to neck (3,), and by how many radians up may differ from it."""

    axis: Array
    deviation: float


def mean_lean(people: list[Person], body: Body) -> Lean | None:
    """The lean of all people while straight, surer the less it varies and the longer it is seen; None if nobody ever is."""
    axes, seconds = [], 0.0
    for person in people:
        places, _ = skeleton(person, body)
        axis = places[:, _NECK] - places[:, _FEET].mean(1)
        legs = np.mean([_length(places, leg) for leg in _LEGS], axis=0)
        length = np.linalg.norm(axis, axis=-1)
        straight = length > _STRAIGHT * (legs + _length(places, _TRUNK))
        axes.append(axis[straight] / length[straight, None])
        seconds += straight.sum() / person.frame_rate
    together = np.concatenate(axes)
    if len(together) == 0:
        return None
    mean = together.mean(0) / np.linalg.norm(together.mean(0))
    scatter = np.sqrt(np.square(together - mean).sum(1).mean() / 2)  # radians, per direction
    return Lean(mean, float(np.hypot(_UPRIGHT, scatter / np.sqrt(max(1.0, seconds / _SWAY)))))


def _length(places: Array, chain: tuple[int, ...]) -> Array:
    """(T,) metres along a chain of joints."""
    return np.asarray(np.linalg.norm(np.diff(places[:, chain], axis=1), axis=-1).sum(1))


def find_floor(feet: list[Soles], lean: Lean | None, people: int, keep_sizes: bool = False, with_touches: bool = False) -> Floor:
    """The plane that standing feet, the people's lean and the priors agree on, robust to feet that only seem to stand.

    Which feet stand depends on up, so both are found in turns. ``with_touches``: people who are never seen to stand count by
    where their lower foot is, too.
    """
    start = (0.0, 0.0) if lean is None else tilt_of(lean.axis)
    solution = np.array([*start, 1.5, *np.zeros(people)])
    stances = 0
    for number in range(_ROUNDS):
        up, touch = up_of(*solution[:2]), max(_TOUCH, _TOUCH_AT_FIRST / 2**number)
        standing = [[stance.place for stance in sole.stances(up)] for sole in feet]
        found = [(person, place, _STANCE) for person, places in enumerate(standing) for place in places]
        before, stances = stances, len(found)
        if with_touches:
            running = [(person, sole) for person, sole in enumerate(feet) if not standing[person]]
            found += [(person, place, touch) for person, sole in running for place in sole.touches(up)]
        evidence = _Evidence.of(found)
        if before == 0 and stances > 0:
            solution[2] = -np.median(evidence.places[:stances] @ up)
        solution = _solve(solution, evidence, lean, keep_sizes)
    return Floor(up_of(*solution[:2]), float(solution[2]), np.exp(solution[3:]), stances)


class _Evidence(NamedTuple):
    """Points of the floor: ``owners`` (N,), whose feet were there, ``places`` (N, 3) and ``deviations`` (N,) in metres."""

    owners: NDArray[np.int64]
    places: Array
    deviations: Array

    @classmethod
    def of(cls, found: list[tuple[int, Array, float]]) -> "_Evidence":
        owners, places, deviations = zip(*found, strict=True) if found else ((), (), ())
        return cls(np.array(owners, np.int64), np.array(places).reshape(-1, 3), np.array(deviations, float))


def _solve(start: Array, evidence: _Evidence, lean: Lean | None, keep_sizes: bool) -> Array:
    """One robust step from ``start`` = pitch, roll, height, and logarithm of each person's size."""

    def distances(x: Array) -> Array:
        grown = x[2] * np.exp(-x[3 + evidence.owners])
        return np.asarray((evidence.places @ up_of(x[0], x[1]) + grown) / evidence.deviations)

    weights = 1 / (1 + (distances(start) / _OUTLIER) ** 2)  # of Geman and McClure

    def errors(x: Array) -> Array:
        priors = [x[:2] / (_PITCH, _ROLL), x[3:] / (1e-4 if keep_sizes else _SIZE), [1e-3 * (x[2] - start[2])]]
        if lean is not None:
            priors.append((up_of(x[0], x[1]) - lean.axis) / lean.deviation)
        return np.concatenate([weights * distances(x), *priors])

    limits = np.full(len(start), np.inf)
    limits[:2] = _MAX_PITCH, _MAX_ROLL
    inside = np.clip(start, -0.999 * limits, 0.999 * limits)
    return np.asarray(least_squares(errors, inside, bounds=(-limits, limits)).x)


def up_of(pitch: float, roll: float) -> Array:
    """Up (3,) in the space of a camera that looks down by ``pitch`` and rolls clockwise by ``roll`` radians."""
    return np.array([np.sin(roll) * np.cos(pitch), -np.cos(roll) * np.cos(pitch), -np.sin(pitch)])


def tilt_of(up: Array) -> tuple[float, float]:
    """The inverse of :func:`up_of`: pitch and roll."""
    return float(np.arcsin(np.clip(-up[2], -1, 1))), float(np.arctan2(up[0], -up[1]))


def resized(person: Person, body: Body, size: float) -> Person:
    """The same person, ``size`` times as tall and as far away: nearly the same image."""
    if abs(size - 1) < 1e-3:
        return person
    estimate = person.estimate
    grown = with_height(estimate, stature(body, estimate.betas) * size, body).betas
    moved = (body.rest_joints(estimate.betas)[0] + estimate.trans) * size - body.rest_joints(grown)[0]
    return replace(person, estimate=Estimate(estimate.rotations, grown, moved))
