"""A camera that does not rest: how it turns and zooms, from keyframe to keyframe and then in every frame, or how it moves."""

from dataclasses import replace

import numpy as np
from scipy.ndimage import gaussian_filter1d

from hmr_video.camera.background import Followed, Seen
from hmr_video.camera.bundle import OUTLIER_PIXELS, Freedom, Scene, adjust, cost, misses, slopes
from hmr_video.camera.moving import reconstruct
from hmr_video.camera.path import FEWEST, Path
from hmr_video.camera.thumbnail import SIDE
from hmr_video.geometry import Array

_ZOOMS_BETTER = 0.75  # of the steady lens' robust misses has a zooming one, or it is not believed
_PLACE_SMOOTHING = 0.035  # seconds: the deviation of the Gaussian that places are smoothed by; a hand shakes at up to 5 Hz
_ROUNDS = 60  # of adjusting at the most: a long lens that turns a little looks nearly like a short one that turns more
_WIDE = np.radians(5.0)  # by which a camera of the guessed focal length must turn to tell what it is
_FREE, _TIED = 0.4, 0.01  # deviations of its logarithm from the guess, where it is told and where it is not
_UNDERSTOOD = 0.75  # of the observations that a motion must explain
_TOO_FAR = 1e-3  # of a homogeneous point's last number: its place is not known
# Deviations from where keyframes lead: of turns, of logarithms of focal lengths, and of places, in the median step of a frame.
_TURN_BETWEEN, _ZOOM_BETWEEN, _STEPS_BETWEEN = 1e-2, 0.05, 3.0
_ZOOMS = 0.12  # of the logarithm of the focal length: less is no zoom


def solved_path(
    followed: Followed, keys: Array, seen: Seen, focal: float, focal_known: bool, blind: int, frame_rate: float
) -> Path:
    """The path of a camera that does not rest: by what was ``seen`` in the keyframes ``keys`` of the points that are
    ``followed``. ``focal``: over the longer side, a guess unless ``focal_known``; ``blind``: see `Path`."""
    guess = focal * SIDE
    times = keys / frame_rate
    turning = _turning(seen, times, guess, 0.0 if focal_known else _FREE)
    focal_observed = not focal_known and _widest(turning) * turning.focals.mean() > _WIDE * guess
    if not focal_observed and not focal_known:
        turning = _turning(seen, times, guess, _TIED)
    scene, kind = turning, "turning"
    missed = misses(turning, seen)
    moving = reconstruct(seen, turning, guess, not focal_known)
    if moving is not None:
        scene, kind, missed, focal_observed = moving, "moving", misses(moving, seen), not focal_known
    understood = np.linalg.norm(missed, axis=1) < OUTLIER_PIXELS
    if understood.mean() < _UNDERSTOOD or (np.bincount(seen.camera, understood) >= FEWEST).sum() < 2:
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


def _turning(seen: Seen, times: Array, guess: float, deviation: float) -> Scene:
    """The camera at ``times`` (K,) that only turns, from keyframe to keyframe, then all at once; with one focal length, or
    zooming if that is better. ``deviation``: of its logarithm, from the guess; 0 where it is known."""
    count = len(times)
    turns, focals = [np.eye(3)], np.full(count, guess)
    rays = np.column_stack([seen.pixels, np.full(len(seen.pixels), guess)])
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    for number in range(1, count):
        first, second = seen.camera == number - 1, seen.camera == number
        _, mine, theirs = np.intersect1d(seen.point[first], seen.point[second], return_indices=True)
        turns.append(turn_between(rays[first][mine], rays[second][theirs], OUTLIER_PIXELS / guess) @ turns[-1])
    scene = Scene(np.array(turns), np.zeros((count, 3)), focals, np.zeros((seen.point.max() + 1, 4)), times)
    directions = np.einsum("nji,nj->ni", scene.turns[seen.camera], rays)
    np.add.at(scene.points[:, :3], seen.point, directions)
    scene.points[:] /= np.linalg.norm(scene.points, axis=1, keepdims=True)
    if deviation == 0:
        return adjust(scene, seen, Freedom(places=False, focal=False), guess, _ROUNDS)
    steady = adjust(scene, seen, Freedom(places=False, deviation=deviation), guess, _ROUNDS)
    zooming = adjust(steady, seen, Freedom(places=False, zoom=True, deviation=deviation), guess, _ROUNDS)
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
    sure = np.flatnonzero(np.bincount(seen.camera, good, len(keys)) >= FEWEST)
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
    start = Scene(spins, centres, focals, scene.points, np.interp(frames, keys, scene.times))
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
