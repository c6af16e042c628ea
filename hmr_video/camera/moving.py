"""A camera that moves: two views at first, then the others, one by one (Hartley and Zisserman, 2004)."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from hmr_video.camera.background import Seen
from hmr_video.camera.bundle import OUTLIER_PIXELS, Freedom, Scene, adjust, cost, misses
from hmr_video.geometry import Array

_SHARED = 30  # points that the first two views must share
_REACH = 12  # keyframes between them, at the most
_PAIRS, _STARTING_PAIRS = 40, 2  # that are looked at, and from which scenes grow: the landscape has valleys
_UNLIKE = 4  # views by which pairs differ, both ends together
_BEFORE_BOTH = 0.5  # of the points that agree on how the second view lies
_FEWEST = 10  # points that a view must show of those that are placed
_AGAIN = 4  # views after which all is adjusted
_SURE = 6  # views from which they tell the focal length, too
_STARTS = (0.75, 1.35)  # of the guessed focal length, from which the search starts
_MANY = 12  # views that suffice to find where the search should start, and whether the camera moves at all
_DRIFT = 0.2  # pixels by which points are followed to a wrong place, for long the same
_BETTER = 0.5  # of the turning camera's robust misses has a moving one, or it is not believed


def reconstruct(seen: Seen, turning: Scene, guess: float, free_focal: bool) -> Scene | None:
    """The scene of a moving camera; None where no two views agree on one, or where it explains hardly more than ``turning``, a
    camera that only turns.

    Where the focal length is free, the search starts from several, and the scene that agrees best with what was seen is taken;
    of many views, those around the first two tell which start that is.
    """
    if _most(turning, seen) < 0:
        return None
    if not free_focal:
        return _if_better(_best(seen, turning, [guess], guess, False), turning, seen)
    starts = [float(np.median(turning.focals)), *(guess * factor for factor in _STARTS)]
    if len(turning.turns) <= _MANY:
        return _if_better(_best(seen, turning, starts, guess, True), turning, seen)
    pairs = _first_pairs(seen, turning, starts[0]) or _first_pairs(seen, turning, guess)
    if not pairs:
        return None
    part = _Part.around(seen, turning, (pairs[0].first + pairs[0].second) // 2)
    few = _if_better(_best(part.seen, part.turning, starts, guess, True), part.turning, part.seen)
    if few is None:
        return None
    return _if_better(_grown(part.within(few, turning), part.views, seen, turning, guess, True), turning, seen)


def _if_better(scene: Scene | None, turning: Scene, seen: Seen) -> Scene | None:
    """The scene, if it explains much more of what was seen than the camera that only turns."""
    return scene if scene is not None and cost(misses(scene, seen)) <= _most(turning, seen) else None


def _most(turning: Scene, seen: Seen) -> float:
    """What a moving camera may miss, see `cost`, to be believed: both miss what following points costs by itself."""
    drift = len(seen.camera) * (_DRIFT / OUTLIER_PIXELS) ** 2
    return _BETTER * (cost(misses(turning, seen)) + drift) - drift


def _best(seen: Seen, turning: Scene, starts: list[float], guess: float, free_focal: bool) -> Scene | None:
    """Of the scenes that grow from pairs of views and from focal lengths, the one that agrees best with what was seen."""
    pairs = [(pair, focal) for focal in starts for pair in _first_pairs(seen, turning, focal)]
    scenes = (_from_pair(pair, seen, turning, focal, guess, free_focal) for pair, focal in pairs)
    return min((scene for scene in scenes if scene is not None), key=lambda scene: cost(misses(scene, seen)), default=None)


class _Part(NamedTuple):
    """Some consecutive ``views`` of a scene: what they show of the points ``known`` (numbers in the whole) that two or more of
    them do, and how they turn; both numbered from 0."""

    views: list[int]
    known: Array
    seen: Seen
    turning: Scene

    @classmethod
    def around(cls, seen: Seen, turning: Scene, middle: int) -> "_Part":
        """``_MANY`` views around one."""
        first = int(np.clip(middle - _MANY // 2, 0, len(turning.turns) - _MANY))
        mine = seen[(seen.camera >= first) & (seen.camera < first + _MANY)]
        mine = mine[(np.bincount(mine.point, minlength=len(turning.points)) >= 2)[mine.point]]
        known, point = np.unique(mine.point, return_inverse=True)
        views = np.arange(first, first + _MANY)
        scene = replace(turning.views(views), points=turning.points[known])
        return cls(views.tolist(), known, Seen(mine.camera - first, point, mine.pixels), scene)

    def within(self, scene: Scene, whole: Scene) -> Scene:
        """A scene of the part, as one of as many views and points as the ``whole`` has."""
        turns = np.tile(np.eye(3), (len(whole.turns), 1, 1))
        centres, points = np.zeros_like(whole.centres), np.zeros_like(whole.points)
        turns[self.views], centres[self.views], points[self.known] = scene.turns, scene.centres, scene.points
        return Scene(turns, centres, np.full(len(turns), scene.focals[0]), points, whole.times)


class _Pair(NamedTuple):
    """Two views, and the ``turn`` (3, 3) and ``centre`` (3,) of the second as the first sees them."""

    first: int
    second: int
    turn: Array
    centre: Array


def _from_pair(pair: _Pair, seen: Seen, turning: Scene, focal: float, guess: float, free_focal: bool) -> Scene | None:
    """The scene that grows from two views, with a ``focal`` length that is let free at the end."""
    count = len(turning.turns)
    turns, centres = np.tile(np.eye(3), (count, 1, 1)), np.zeros((count, 3))
    turns[pair.second], centres[pair.second] = pair.turn, pair.centre
    scene = Scene(turns, centres, np.full(count, focal), np.zeros((len(turning.points), 4)), turning.times)
    done = [pair.first, pair.second]
    return _grown(_with_points(scene, seen, done), done, seen, turning, guess, free_focal)


def _grown(scene: Scene, done: list[int], seen: Seen, turning: Scene, guess: float, free_focal: bool) -> Scene | None:
    """The scene of all views, which grows from that of the views ``done``, ascending; its unit is its length."""
    count, low, high = len(scene.turns), done[0], done[-1]
    done = list(done)
    inside = [number for number in range(low + 1, high) if number not in done]
    order = inside + [number for pair in _outwards(low, high, count) for number in pair]
    for step, number in enumerate(order):
        near = min(done, key=lambda other: abs(other - number))
        scene = _with_view(scene, seen, turning, number, near, done)
        done.append(number)
        if step % _AGAIN == _AGAIN - 1 or step < 3:
            freedom = Freedom(places=True, focal=free_focal and len(done) >= _SURE)
            scene = _adjusted(_with_points(scene, seen, done), seen, done, freedom, guess, 5)
        else:
            scene = _with_points(scene, seen, done, only_new=True)
    done = list(range(count))
    scene = _with_points(scene, seen, done)
    scene = adjust(scene, seen, Freedom(places=True, focal=free_focal), guess, 10)
    scene = _with_points(scene, seen, done)
    scene = adjust(scene, seen, Freedom(places=True, focal=free_focal), guess, 50)
    unit = np.linalg.norm(np.ptp(scene.centres, axis=0))
    if not np.isfinite(unit) or unit < 1e-9:
        return None
    if np.median(scene.points[:, 3]) < 0:  # mirrored at its origin a scene looks the same, with its points behind the cameras
        unit = -unit
    points = scene.points * [1, 1, 1, unit]
    return replace(scene, centres=scene.centres / unit, points=points / np.linalg.norm(points, axis=1, keepdims=True))


def _outwards(low: int, high: int, count: int) -> list[list[int]]:
    """The views beyond ``low`` and ``high``, nearest first."""
    return [[n for n in (low - away, high + away) if 0 <= n < count] for away in range(1, count)]


def _common(seen: Seen, first: int, second: int) -> tuple[Array, Array, Array]:
    """Points that two views share, and their pixels in both."""
    one, two = np.flatnonzero(seen.camera == first), np.flatnonzero(seen.camera == second)
    shared, mine, theirs = np.intersect1d(seen.point[one], seen.point[two], return_indices=True)
    return shared, seen.pixels[one[mine]], seen.pixels[two[theirs]]


def _first_pairs(seen: Seen, turning: Scene, guess: float) -> list[_Pair]:
    """Up to ``_STARTING_PAIRS`` pairs, unlike each other, whose points move most beyond any turn."""
    count, best = len(turning.turns), []
    for first in range(count):
        for second in range(first + 1, min(count, first + 1 + _REACH)):
            shared, one, two = _common(seen, first, second)
            if len(shared) < _SHARED:
                break
            rays = [np.column_stack([pixels, np.full(len(pixels), guess)]) for pixels in (one, two)]
            between = turning.turns[second] @ turning.turns[first].T
            led = rays[0] @ between.T
            away = led[:, :2] / led[:, 2:] * guess - two
            away = np.linalg.norm(away - np.median(away, axis=0), axis=1)
            best.append((float(np.median(away)) * np.sqrt(len(shared)), first, second))
    found: list[_Pair] = []
    for _, first, second in sorted(best, reverse=True)[:_PAIRS]:
        if any(abs(first - other.first) + abs(second - other.second) < _UNLIKE for other in found):
            continue
        _, one, two = _common(seen, first, second)
        pose = _relative(one / guess, two / guess, OUTLIER_PIXELS / guess)
        if pose is not None:
            found.append(_Pair(first, second, *pose))
        if len(found) == _STARTING_PAIRS:
            break
    return found


def _relative(one: Array, two: Array, stray: float) -> tuple[Array, Array] | None:
    """Turn (3, 3) and centre (3,) of the second view, the first being the world, from rays (N, 2) in both; None where few of
    the points that agree would be before both views and near enough to tell."""
    import cv2

    cv2.setRNGSeed(0)
    essential, inliers = cv2.findEssentialMat(one, two, np.eye(3), method=cv2.USAC_MAGSAC, prob=0.999, threshold=stray)
    if essential is None or essential.shape != (3, 3):
        return None
    before, turn, shift, _ = cv2.recoverPose(essential, one, two, np.eye(3), mask=inliers.copy())
    if before < max(_SHARED // 2, _BEFORE_BOTH * inliers.sum()):
        return None
    return turn, (-turn.T @ shift)[:, 0]


def _with_view(scene: Scene, seen: Seen, turning: Scene, number: int, near: int, done: list[int]) -> Scene:
    """The scene with one more view, which starts from the ``near`` one and from where the path leads."""
    turns, centres = scene.turns.copy(), scene.centres.copy()
    turns[number] = turning.turns[number] @ turning.turns[near].T @ turns[near]
    beyond = 2 * near - number
    centres[number] = 2 * centres[near] - centres[beyond] if beyond in done else centres[near]
    placed = np.linalg.norm(scene.points, axis=1) > 0
    mine = seen[(seen.camera == number) & placed[seen.point]]
    if len(mine.camera) < _FEWEST:
        return replace(scene, turns=turns, centres=centres)
    own = Seen(np.zeros_like(mine.camera), mine.point, mine.pixels)
    best: tuple[float, Scene] | None = None
    for turn, centre in ((turns[number], centres[number]), (turns[number], centres[near]), (turns[near], centres[near])):
        alone = replace(scene.views(np.array([number])), turns=turn[None], centres=centre[None])
        alone = _settled(alone, own)
        missed = float(np.median(np.linalg.norm(misses(alone, own), axis=1)))
        if best is None or missed < best[0]:
            best = missed, alone
    assert best is not None
    turns[number], centres[number] = best[1].turns[0], best[1].centres[0]
    return replace(scene, turns=turns, centres=centres)


def _settled(alone: Scene, mine: Seen) -> Scene:
    """One view, turned and moved to where it sees placed points as it did."""
    import cv2
    from scipy.spatial.transform import Rotation

    points = alone.points[mine.point]
    near = points[:, 3] > 1e-3
    if near.sum() < _FEWEST:
        return alone
    places = points[near, :3] / points[near, 3:]
    ways = Rotation.from_matrix(alone.turns[0]).as_rotvec(), -alone.turns[0] @ alone.centres[0]
    found, vector, shift, _ = cv2.solvePnPRansac(  # type: ignore[call-overload]
        places,
        mine.pixels[near] / alone.focals[0],
        np.eye(3),
        None,
        *(way.reshape(3, 1).copy() for way in ways),
        useExtrinsicGuess=True,
        iterationsCount=100,
        reprojectionError=2 * OUTLIER_PIXELS / alone.focals[0],
        flags=cv2.SOLVEPNP_ITERATIVE,
    )
    if not found:
        return alone
    turn = Rotation.from_rotvec(vector[:, 0]).as_matrix()
    return replace(alone, turns=turn[None], centres=(-turn.T @ shift).T)


def _with_points(scene: Scene, seen: Seen, done: list[int], only_new: bool = False) -> Scene:
    """The scene with all points placed that two or more of the views ``done`` saw, linearly (Hartley and Zisserman, 12.2).

    Those that are placed well already stay.
    """
    ready = np.zeros(len(scene.turns), bool)
    ready[done] = True
    known = seen[ready[seen.camera]]
    times = np.bincount(known.point, minlength=len(scene.points))
    placed = np.linalg.norm(scene.points, axis=1) > 0
    if not only_new:
        missed = np.linalg.norm(misses(scene, known), axis=1)
        worst = np.zeros(len(scene.points))
        np.add.at(worst, known.point, missed.clip(max=1e3))
        placed &= worst / np.maximum(times, 1) < 3 * OUTLIER_PIXELS
    wanted = (times >= 2) & ~placed
    mine = known[wanted[known.point]]
    turned = scene.turns[mine.camera]
    projection = np.concatenate([turned, -np.einsum("nij,nj->ni", turned, scene.centres[mine.camera])[..., None]], -1)
    rays = mine.pixels / scene.focals[mine.camera, None]
    rows = rays[..., None] * projection[:, 2:] - projection[:, :2]
    normal = np.zeros((len(scene.points), 4, 4))
    np.add.at(normal, mine.point, np.einsum("nai,naj->nij", rows, rows))
    solved = np.linalg.eigh(normal[wanted])[1][..., 0]
    points = scene.points.copy()
    points[wanted] = solved
    # Either sign is the same point; that before most cameras is meant.
    depth = np.einsum("ni,ni->n", projection[:, 2], points[mine.point])
    front = np.zeros(len(points))
    np.add.at(front, mine.point, np.sign(depth))
    points[front < 0] *= -1
    return replace(scene, points=points)


def _adjusted(scene: Scene, seen: Seen, done: list[int], freedom: Freedom, guess: float, rounds: int) -> Scene:
    """All views ``done`` and what they saw, adjusted; the others stay."""
    chosen = np.array(sorted(done))
    number = np.full(len(scene.turns), -1)
    number[chosen] = np.arange(len(chosen))
    placed = np.linalg.norm(scene.points, axis=1) > 0
    mine = seen[(number[seen.camera] >= 0) & placed[seen.point]]
    inner, point = np.unique(mine.point, return_inverse=True)
    part = replace(scene.views(chosen), points=scene.points[inner])
    part = adjust(part, Seen(number[mine.camera], point, mine.pixels), freedom, guess, rounds)
    turns, centres, points = scene.turns.copy(), scene.centres.copy(), scene.points.copy()
    turns[chosen], centres[chosen], points[inner] = part.turns, part.centres, part.points
    focals = np.full(len(turns), np.exp(np.log(part.focals).mean()))
    return replace(scene, turns=turns, centres=centres, focals=focals, points=points)
