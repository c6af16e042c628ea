"""How the camera of a shot moves: the simplest motion that explains how the background does.

A camera that stands, one that turns (and zooms) about its centre, or one that moves: then places are known up to one scale.
"""

from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from scipy.ndimage import gaussian_filter1d

from hmr_video.camera.background import Followed
from hmr_video.camera.bundle import OUTLIER_PIXELS, Freedom, Scene, Seen, adjust, cost, misses, slopes
from hmr_video.camera.thumbnail import SIDE
from hmr_video.geometry import Array

_FAR = 14.0  # pixels that points move, at the median, between two keyframes
_FIXED = 0.3  # pixels: what moves less while most moves so far belongs to the picture
_KEPT = 0.7  # of a keyframe's points, below which there has to be another
_SECONDS = 1.0  # between keyframes at the most
_FEWEST = 12  # points that a frame must show
_REST = 1.0  # pixels, of SIDE, that a standing camera's picture trembles
_TURNS_ONLY = 0.12  # pixels, at the median, by which points are missed at the best: a turning camera explains all there is
_ZOOMS_BETTER = 0.75  # of the steady lens' has a zooming one, likewise
_PLACE_SMOOTHING = 0.035  # seconds: the deviation of the Gaussian that places are smoothed by; a hand shakes at up to 5 Hz
_WIDE = np.radians(5.0)  # by which a camera must turn to tell its focal length
_UNDERSTOOD = 0.75  # of the observations that a motion must explain
_TOO_FAR = 1e-3  # of a homogeneous point's last number: its place is not known
# Deviations from where keyframes lead: of turns, of logarithms of focal lengths, and of places, in the median step of a frame.
_TURN_BETWEEN, _ZOOM_BETWEEN, _STEPS_BETWEEN = 1e-2, 0.05, 3.0
_ZOOMS = 0.12  # of the logarithm of the focal length: less is no zoom


@dataclass(frozen=True)
class Path:
    """The camera of one shot over T frames.

    Attributes:
        kind: ``still``, ``turning``, ``moving`` or, where the background does not tell, ``unknown``.
        frame_ids: (T,); turns: (T, 3, 3) first frame's space from each frame's; centres: (T, 3) in the first frame's space, in a
            unit of its own, zero unless moving.
        focals: (T,) focal lengths over the longer side of the picture; ``focal_observed``: whether the background says them.
        points: (P, 3) of the background, in the space and unit of ``centres``; none unless moving.
        blind: how many frames show too little of a background.
    """

    kind: str
    frame_ids: Array
    turns: Array
    centres: Array
    focals: Array
    focal_observed: bool = False
    blind: int = 0
    points: Array = field(default_factory=lambda: np.zeros((0, 3)))

    @classmethod
    def still(cls, frame_ids: Array, focal: float, kind: str = "still", blind: int = 0) -> "Path":
        """A camera that does not move, as far as one can tell."""
        count = len(frame_ids)
        return cls(kind, frame_ids, np.tile(np.eye(3), (count, 1, 1)), np.zeros((count, 3)), np.full(count, focal), False, blind)

    def rows(self, frame_ids: Array) -> tuple[Array, Array]:
        """Which of the frames (T,) are of this shot, (T,) bool, and where those are in it."""
        mine = (frame_ids >= self.frame_ids[0]) & (frame_ids <= self.frame_ids[-1])
        return mine, np.searchsorted(self.frame_ids, frame_ids[mine])


def find_path(followed: Followed, frame_rate: float, focal: float, focal_known: bool = False) -> Path:
    """The camera's path in one shot. ``focal``: over the longer side, a guess unless ``focal_known``."""
    guess = focal * SIDE
    keys = keyframes(followed, frame_rate)
    followed = _without_overlays(followed, keys)
    seen = _observations(followed, keys)
    blind = int((np.diff(followed.starts) < _FEWEST).sum())
    if len(keys) < 2 or len(seen.camera) < 2 * _FEWEST:
        return Path.still(followed.frame_ids, focal, "unknown", blind)
    if _rests(followed, keys):
        return Path.still(followed.frame_ids, focal, "still", blind)
    turning = _turning(seen, len(keys), guess, not focal_known)
    focal_observed = not focal_known and _widest(turning) > _WIDE
    if not focal_observed and not focal_known and np.ptp(turning.focals) == 0:
        turning = _turning(seen, len(keys), guess, False)
    scene, kind = turning, "turning"
    missed = misses(turning, seen)
    if np.median(np.linalg.norm(missed, axis=1)) > _TURNS_ONLY:
        from hmr_video.camera.moving import reconstruct  # few cameras move

        moving = reconstruct(seen, turning, guess, not focal_known)
        if moving is not None:
            scene, kind, missed, focal_observed = moving, "moving", misses(moving, seen), not focal_known
    understood = np.linalg.norm(missed, axis=1) < OUTLIER_PIXELS
    if understood.mean() < _UNDERSTOOD or (np.bincount(seen.camera, understood) >= _FEWEST).sum() < 2:
        return Path.still(followed.frame_ids, focal, "unknown", blind)
    whole = _every_frame(scene, seen, followed, keys, Freedom(places=kind == "moving", zoom=np.ptp(scene.focals) > 0))
    origin, start = whole.turns[0].T, whole.centres[0]
    near = whole.points[whole.points[:, 3] > _TOO_FAR] if kind == "moving" else np.zeros((0, 4))
    return Path(
        kind,
        followed.frame_ids,
        whole.turns[0] @ np.swapaxes(whole.turns, -1, -2),
        _smoothed((whole.centres - start) @ origin, _PLACE_SMOOTHING * frame_rate),
        whole.focals / SIDE,
        focal_observed,
        blind,
        (near[:, :3] / near[:, 3:] - start) @ origin,
    )


def _smoothed(places: Array, deviation: float) -> Array:
    """Places (T, 3), as if the path went on beyond its ends; ``deviation``: of the Gaussian, in frames."""
    beyond = int(4 * deviation) + 1
    longer = np.pad(places, ((beyond, beyond), (0, 0)), "reflect", reflect_type="odd")
    return np.asarray(gaussian_filter1d(longer, deviation, axis=0)[beyond:-beyond])


def keyframes(followed: Followed, frame_rate: float) -> Array:
    """Frames (K,) among which points move so far that they say something, the first and the last among them."""
    keys = [0]
    names, pixels = followed.frame(0)
    for number in range(1, len(followed)):
        now_names, now = followed.frame(number)
        _, mine, theirs = np.intersect1d(names, now_names, assume_unique=True, return_indices=True)
        lost = len(mine) < _KEPT * max(len(names), 1)
        moved = len(mine) and np.median(np.linalg.norm(now[theirs] - pixels[mine], axis=1)) > _FAR
        late = number - keys[-1] >= _SECONDS * frame_rate
        if lost or moved or late or number == len(followed) - 1:
            keys.append(number)
            names, pixels = now_names, now
    return np.array(keys)


def _without_overlays(followed: Followed, keys: Array) -> Followed:
    """The points but for those that once stood still while most moved: titles and score boards lie on the picture."""
    overlaid: list[Array] = []
    for first, second in pairwise(keys):
        one, two = followed.frame(first), followed.frame(second)
        shared, mine, theirs = np.intersect1d(one[0], two[0], assume_unique=True, return_indices=True)
        moved = np.linalg.norm(two[1][theirs] - one[1][mine], axis=1)
        if len(shared) >= _FEWEST and np.median(moved) > _FAR / 2:
            overlaid.append(shared[moved < _FIXED])
    if not overlaid:
        return followed
    kept = ~np.isin(followed.names, np.concatenate(overlaid))
    starts = np.concatenate([[0], np.cumsum(kept)])[followed.starts]
    return Followed(followed.frame_ids, starts, followed.names[kept], followed.pixels[kept], followed.size)


def _observations(followed: Followed, keys: Array) -> Seen:
    """What the keyframes show of the points that two or more of them do, points numbered from 0."""
    frames = [followed.frame(number) for number in keys]
    camera = np.repeat(np.arange(len(keys)), [len(names) for names, _ in frames])
    names = np.concatenate([names for names, _ in frames])
    pixels = np.concatenate([pixels for _, pixels in frames]).astype(float)
    _, point, count = np.unique(names, return_inverse=True, return_counts=True)
    shared = count[point] >= 2
    _, point = np.unique(point[shared], return_inverse=True)
    return Seen(camera[shared], point, pixels[shared])


def _rests(followed: Followed, keys: Array) -> bool:
    """Whether points stay where they are, against a second or more before: whatever else moves, many do."""
    moved = [0.0]
    for first, second in pairwise(keys):
        for other in (second, (first + second) // 2):
            one, two = followed.frame(first), followed.frame(other)
            _, mine, theirs = np.intersect1d(one[0], two[0], assume_unique=True, return_indices=True)
            if len(mine) >= _FEWEST:
                moved.append(float(np.quantile(np.linalg.norm(two[1][theirs] - one[1][mine], axis=1), 0.4)))
    return max(moved) < _REST


def _turning(seen: Seen, count: int, guess: float, free_focal: bool) -> Scene:
    """The camera that only turns, from keyframe to keyframe, then all at once; with one focal length, or zooming if that is
    better."""
    turns, focals = [np.eye(3)], np.full(count, guess)
    rays = np.column_stack([seen.pixels, np.full(len(seen.pixels), guess)])
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    for number in range(1, count):
        first, second = seen.camera == number - 1, seen.camera == number
        _, mine, theirs = np.intersect1d(seen.point[first], seen.point[second], return_indices=True)
        turns.append(turn_between(rays[first][mine], rays[second][theirs], OUTLIER_PIXELS / guess) @ turns[-1])
    scene = Scene(np.array(turns), np.zeros((count, 3)), focals, np.zeros((seen.point.max() + 1, 4)))
    directions = np.einsum("nji,nj->ni", scene.turns[seen.camera], rays)
    np.add.at(scene.points[:, :3], seen.point, directions)
    scene.points[:] /= np.linalg.norm(scene.points, axis=1, keepdims=True)
    steady = adjust(scene, seen, Freedom(places=False, focal=free_focal), guess)
    if not free_focal:
        return steady
    zooming = adjust(steady, seen, Freedom(places=False, zoom=True), guess)
    swing = np.ptp(np.log(zooming.focals))
    better = cost(misses(zooming, seen)) < _ZOOMS_BETTER * cost(misses(steady, seen))
    return zooming if better and swing > _ZOOMS else steady


def _widest(scene: Scene) -> float:
    """The largest angle, in radians, by which a camera is turned from the first."""
    cosine = (np.einsum("ab,kab->k", scene.turns[0], scene.turns).min() - 1) / 2
    return float(np.arccos(np.clip(cosine, -1, 1)))


def turn_between(before: Array, after: Array, stray: float) -> Array:
    """The rotation (3, 3) that carries rays (N, 3) of one picture to those of another, robust to some that go elsewhere."""
    turn, weight = np.eye(3), np.ones(len(before))
    if len(before) < 3:
        return turn
    scale = np.inf
    for _ in range(15):
        u, _, vt = np.linalg.svd((after * weight[:, None]).T @ before)
        turn = (u * [1.0, 1.0, np.linalg.det(u @ vt)]) @ vt
        away = np.linalg.norm(before @ turn.T - after, axis=1)
        scale = max(min(scale, 1.5 * float(np.median(away))), stray)
        weight = 1 / (1 + (away / scale) ** 2) ** 2
    return np.asarray(turn)


def _every_frame(scene: Scene, seen: Seen, followed: Followed, keys: Array, freedom: Freedom) -> Scene:
    """The cameras of all frames, from those of the keyframes, by the points that these placed."""
    from scipy.spatial.transform import Rotation, Slerp

    frames = np.arange(len(followed))
    good = np.linalg.norm(misses(scene, seen), axis=1) < 2 * OUTLIER_PIXELS
    sure = np.flatnonzero(np.bincount(seen.camera, good, len(keys)) >= _FEWEST)
    between = frames.clip(keys[sure[0]], keys[sure[-1]])
    spins = Slerp(keys[sure], Rotation.from_matrix(scene.turns[sure]))(between).as_matrix()
    centres = np.stack([np.interp(frames, keys[sure], side) for side in scene.centres[sure].T], -1)
    focals = np.exp(np.interp(frames, keys[sure], np.log(scene.focals[sure])))
    share = np.bincount(seen.point, good) / np.maximum(np.bincount(seen.point), 1)
    names_of = np.concatenate([followed.frame(number)[0] for number in keys])
    unique, count = np.unique(names_of, return_counts=True)
    numbered = unique[count >= 2]  # in the order of the points
    camera = np.repeat(frames, np.diff(followed.starts))
    point = np.searchsorted(numbered, followed.names).clip(max=len(numbered) - 1)
    known = (numbered[point] == followed.names) & (share[point] > 0.6)
    everything = Seen(camera[known], point[known], followed.pixels[known].astype(float))
    start = Scene(spins, centres, focals, scene.points)
    return resected(start, everything, freedom)


def resected(scene: Scene, seen: Seen, freedom: Freedom, rounds: int = 6) -> Scene:
    """Each camera turned, moved and zoomed by itself, so that it sees the points where it did; where it sees few, it stays."""
    from scipy.spatial.transform import Rotation

    step = np.median(np.linalg.norm(np.diff(scene.centres, axis=0), axis=1)) + 1e-6
    free = np.array([True] * 3 + [freedom.places] * 3 + [freedom.zoom])
    prior = np.array([_TURN_BETWEEN] * 3 + [_STEPS_BETWEEN * step] * 3 + [_ZOOM_BETWEEN])[free] ** -2.0
    moved = np.zeros((len(scene.turns), 7))
    now = scene
    for _ in range(rounds):
        linear = slopes(now, seen)
        own = np.concatenate([linear.by_turn, linear.by_place, linear.by_zoom[..., None]], -1)[..., free]
        normal = np.zeros((len(moved), free.sum(), free.sum()))
        np.add.at(normal, seen.camera, np.einsum("nai,n,naj->nij", own, linear.weight, own))
        pull = np.zeros((len(moved), free.sum()))
        np.add.at(pull, seen.camera, -np.einsum("nai,n,na->ni", own, linear.weight, linear.missed))
        change = np.zeros_like(moved)
        change[:, free] = np.linalg.solve(normal + np.diag(prior), (pull - prior * moved[:, free])[..., None])[..., 0]
        moved += change
        turns = Rotation.from_rotvec(change[:, :3]).as_matrix() @ now.turns
        now = replace(now, turns=turns, centres=now.centres + change[:, 3:6], focals=now.focals * np.exp(change[:, 6]))
    return now
