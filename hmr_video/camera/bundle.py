"""Bundle adjustment: cameras and points of the background that agree with where the points were seen.

Points are homogeneous, so that those too far away to tell how far need no rule of their own; a camera that only turns sees all of
them at infinity. Levenberg's and Marquardt's steps over the cameras, points eliminated by
Schur's complement (Triggs et al., 2000).
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import splu
from scipy.spatial.transform import Rotation

from hmr_video.camera.background import Seen
from hmr_video.geometry import Array
from hmr_video.geometry.rotations import skew

OUTLIER_PIXELS = 1.5  # pixels from which an observation loses its say
NOISE = 0.3  # pixels
_ZOOM = 0.03  # of the logarithm of the focal length from one camera to the next, where the lens may zoom
_VELOCITY = 1.5  # of a camera's median speed, by which its velocity changes in a second: a walk before steps
_AT_CAMERA = 1e-4  # of a homogeneous point: where it is the camera's own place
_DENSE = 4_000_000  # numbers of a matrix that is multiplied faster with its zeros
_NEAREST = 0.02  # of a point's depth, in its distance: nearer or behind the camera it counts no more


@dataclass(frozen=True)
class Scene:
    """K cameras and J points.

    Attributes:
        turns: (K, 3, 3) camera from world; centres: (K, 3) in the world; focals: (K,) pixels.
        points: (J, 4) homogeneous, of length 1; the last number is 0 at infinity.
        times: (K,) seconds, ascending.
    """

    turns: Array
    centres: Array
    focals: Array
    points: Array
    times: Array

    def views(self, chosen: Array) -> "Scene":
        """The same points before some of the cameras."""
        return Scene(self.turns[chosen], self.centres[chosen], self.focals[chosen], self.points, self.times[chosen])


@dataclass(frozen=True)
class Freedom:
    """What may change beside turns and points: the cameras' places, their one focal length, or each one's (``zoom``);
    ``deviation``: of the logarithm of the focal length, from the guess."""

    places: bool
    focal: bool = True
    zoom: bool = False
    deviation: float = 0.4


def local(scene: Scene, seen: Seen) -> Array:
    """(N, 3) observed points in the spaces of the cameras that saw them, up to scale."""
    points = scene.points[seen.point]
    away = points[:, :3] - points[:, 3:] * scene.centres[seen.camera]
    return np.einsum("nij,nj->ni", scene.turns[seen.camera], away)


def misses(scene: Scene, seen: Seen) -> Array:
    """(N, 2) pixels from observations to where the points are; far off for points behind the camera."""
    rays = local(scene, seen)
    length = np.linalg.norm(rays, axis=1, keepdims=True)
    depth = np.where(length > _AT_CAMERA, rays[:, 2:] / np.maximum(length, _AT_CAMERA), 0.0)
    projected = rays[:, :2] / np.where(depth > _NEAREST, rays[:, 2:], np.inf) * scene.focals[seen.camera, None]
    return np.where(depth > _NEAREST, projected - seen.pixels, 1e3)


class Slopes(NamedTuple):
    """How observations change, to the first order, for N of them.

    Attributes:
        missed: (N, 2) pixels, see :func:`misses`; weight: (N,) of robust least squares, 0 behind the camera.
        rays: (N, 3) see :func:`local`, with a depth of 1 where the weight is 0; to_pixel: (N, 2, 3) by them.
        by_turn, by_place: (N, 2, 3) by the camera's turn from the left, R <- exp(w) R, and by its centre.
        by_zoom: (N, 2) by the logarithm of its focal length.
    """

    missed: Array
    weight: Array
    rays: Array
    to_pixel: Array
    by_turn: Array
    by_place: Array
    by_zoom: Array


def slopes(scene: Scene, seen: Seen) -> Slopes:
    """The slopes of all observations about a scene."""
    missed, rays = misses(scene, seen), local(scene, seen)
    weight = np.where(np.abs(missed[:, 0]) < 900, 1 / (1 + np.square(missed).sum(-1) / OUTLIER_PIXELS**2) ** 2, 0)
    depth = np.where(weight > 0, rays[:, 2], 1.0)
    focal = scene.focals[seen.camera]
    to_pixel = np.zeros((len(rays), 2, 3))
    to_pixel[:, 0, 0] = to_pixel[:, 1, 1] = focal / depth
    to_pixel[:, :, 2] = -rays[:, :2] * (focal / depth**2)[:, None]
    by_place = -(to_pixel @ scene.turns[seen.camera]) * scene.points[seen.point, 3, None, None]
    by_turn = -to_pixel @ skew(torch.from_numpy(rays)).numpy()
    by_zoom = rays[:, :2] * (focal / depth)[:, None]
    return Slopes(missed, weight, np.column_stack([rays[:, :2], depth]), to_pixel, by_turn, by_place, by_zoom)


def cost(missed: Array) -> float:
    """Geman and McClure's robust sum, in units of ``OUTLIER_PIXELS``."""
    squared = np.square(missed).sum(-1) / OUTLIER_PIXELS**2
    return float((squared / (1 + squared)).sum())


def adjust(scene: Scene, seen: Seen, freedom: Freedom, focal_guess: float, rounds: int = 12) -> Scene:
    """The scene that lays its points nearest to the observations, from a near one."""
    damping = 1e-3
    for _ in range(rounds):
        bends = _bends(scene, freedom)
        current = _objective(scene, seen, freedom, focal_guess, bends)
        system = _System(scene, seen, freedom, focal_guess, bends)
        for _ in range(5):
            tried = system.step(damping)
            value = _objective(tried, seen, freedom, focal_guess, bends)
            if value < current:
                break
            damping *= 8
        else:
            return scene
        gain, scene, damping = current - value, tried, max(damping / 6, 1e-7)
        if gain < 3e-5 * current:
            break
    return scene


def _bends(scene: Scene, freedom: Freedom) -> Array:
    """(K - 2, K): how the velocity of the cameras (K,) changes, in deviations; none for cameras that stay in their place."""
    count, apart = len(scene.times), np.diff(scene.times)
    speeds = np.linalg.norm(np.diff(scene.centres, axis=0), axis=1) / apart
    if not freedom.places or count < 3 or np.median(speeds) < 1e-12:
        return np.zeros((0, count))
    velocities = np.diff(np.eye(count), axis=0) / apart[:, None]
    between = (apart[1:] + apart[:-1]) / 2
    return np.asarray(np.diff(velocities, axis=0) / (_VELOCITY * np.median(speeds) * np.sqrt(between))[:, None])


def _objective(scene: Scene, seen: Seen, freedom: Freedom, focal_guess: float, bends: Array) -> float:
    logs = np.log(scene.focals)
    walk = np.square(np.diff(logs) / _ZOOM).sum() if freedom.zoom else 0.0
    priors = walk + np.square(bends @ scene.centres).sum() + ((logs.mean() - np.log(focal_guess)) / freedom.deviation) ** 2
    return float(cost(misses(scene, seen)) * (OUTLIER_PIXELS / NOISE) ** 2 + priors)


class _System:
    """The normal equations about a scene."""

    def __init__(self, scene: Scene, seen: Seen, freedom: Freedom, focal_guess: float, bends: Array) -> None:
        self.scene, self.freedom = scene, freedom
        count = len(scene.turns)
        linear = slopes(scene, seen)
        missed, weight = linear.missed, linear.weight / NOISE**2
        by_camera = np.zeros((len(missed), 2, 7))
        by_camera[:, :, :3] = linear.by_turn
        if freedom.places:
            by_camera[:, :, 3:6] = linear.by_place
        if freedom.focal:
            by_camera[:, :, 6] = linear.by_zoom
        self.own = np.zeros((count, 7, 7))
        np.add.at(self.own, seen.camera, np.einsum("nai,n,naj->nij", by_camera, weight, by_camera))
        self.pull = np.zeros((count, 7))
        np.add.at(self.pull, seen.camera, -np.einsum("nai,n,na->ni", by_camera, weight, missed))
        terms = [self._focal_terms(focal_guess), *self._path_terms(bends)]
        self._smooth = tuple(np.concatenate(parts) for parts in zip(*terms, strict=True))
        self.bases = _tangents(scene.points, freedom.places)  # (J, 4, 3)
        bases = self.bases[seen.point]
        away = bases[:, :3] - scene.centres[seen.camera][:, :, None] * bases[:, 3:]
        by_point = linear.to_pixel @ scene.turns[seen.camera] @ away
        self.block = np.zeros((len(scene.points), 3, 3))
        np.add.at(self.block, seen.point, np.einsum("nai,n,naj->nij", by_point, weight, by_point))
        self.point_pull = np.zeros((len(scene.points), 3))
        np.add.at(self.point_pull, seen.point, -np.einsum("nai,n,na->ni", by_point, weight, missed))
        self.cross = np.einsum("nai,n,naj->nij", by_camera, weight, by_point)  # (N, 7, 3)
        self.seen = seen

    def _focal_terms(self, guess: float) -> tuple[Array, Array, Array]:
        """Rows, columns and values of what ties focal lengths to each other and to the guess; adds their pull."""
        logs, count = np.log(self.scene.focals), len(self.scene.focals)
        tie = float(self.freedom.zoom) / _ZOOM**2
        matrix = np.zeros((count, count)) + 1 / (self.freedom.deviation * count) ** 2
        steps = np.diff(np.eye(count), axis=0)
        matrix += tie * steps.T @ steps
        if self.freedom.focal:
            self.pull[:, 6] -= tie * steps.T @ np.diff(logs) + (logs.mean() - np.log(guess)) / self.freedom.deviation**2 / count
        else:
            matrix[:] = 0
        rows, columns = np.nonzero(matrix)
        return rows * 7 + 6, columns * 7 + 6, matrix[rows, columns]

    def _path_terms(self, bends: Array) -> list[tuple[Array, Array, Array]]:
        """Rows, columns and values, for each side, of what ties places to each other; adds their pull."""
        matrix = bends.T @ bends
        self.pull[:, 3:6] -= matrix @ self.scene.centres
        rows, columns = np.nonzero(matrix)
        return [(rows * 7 + side, columns * 7 + side, matrix[rows, columns]) for side in (3, 4, 5)]

    def step(self, damping: float) -> Scene:
        """The scene after a damped step."""
        count = len(self.own)
        own = self.own + _diagonal(self.own * damping) + np.eye(7) * 1e-6
        own[0, :6, :6] += np.eye(6) * 1e12  # the first camera is the world
        fixed = [number for number, free in ((3, self.freedom.places), (6, self.freedom.focal)) if not free]
        for number in fixed:
            stop = 6 if number == 3 else 7
            own[:, range(number, stop), range(number, stop)] += 1.0
        index = np.arange(count * 7).reshape(count, 7)
        rows = np.concatenate([np.repeat(index, 7, 1).ravel(), self._smooth[0]])
        columns = np.concatenate([np.tile(index, 7).ravel(), self._smooth[1]])
        matrix = csr_matrix((np.concatenate([own.ravel(), self._smooth[2]]), (rows, columns)), shape=(count * 7, count * 7))
        pull = self.pull.ravel().copy()
        block = self.block + _diagonal(self.block * damping) + np.eye(3) * 1e-6
        inverse = np.linalg.inv(block)
        seen, cross = self.seen, self.cross
        there = (seen.camera[:, None, None] * 7 + np.arange(7)[:, None] + np.zeros(3, int)).ravel()
        here = (seen.point[:, None, None] * 3 + np.zeros((7, 1), int) + np.arange(3)).ravel()
        shape = count * 7, len(block) * 3
        plain = csr_matrix((cross.ravel(), (there, here)), shape=shape)
        solved = csr_matrix(((cross @ inverse[seen.point]).ravel(), (there, here)), shape=shape)
        if shape[0] * shape[1] < _DENSE:
            plain, solved = plain.toarray(), solved.toarray()
        pull -= solved @ self.point_pull.ravel()
        shared = self._shared(count)
        reduced = shared.T @ csr_matrix(matrix - solved @ plain.T) @ shared
        moved = shared @ splu(reduced.tocsc()).solve(shared.T @ pull)
        rest = self.point_pull - (plain.T @ moved).reshape(-1, 3)
        return self._moved(moved.reshape(count, 7), np.einsum("jab,jb->ja", inverse, rest))

    def _shared(self, count: int) -> csr_matrix:
        """(7 K, N): what becomes of the cameras' 7 K numbers by the N that are free; a lens that does not zoom has one length."""
        columns = np.arange(count * 7)
        if not self.freedom.zoom:
            columns = np.arange(count * 7) - np.arange(count * 7) // 7
            columns[6::7] = 6 * count
        return csr_matrix((np.ones(count * 7), (np.arange(count * 7), columns)))

    def _moved(self, cameras: Array, points: Array) -> Scene:
        turns = Rotation.from_rotvec(cameras[:, :3]).as_matrix() @ self.scene.turns
        focals = self.scene.focals * np.exp(cameras[:, 6].clip(-0.3, 0.3)) if self.freedom.focal else self.scene.focals
        centres = self.scene.centres + cameras[:, 3:6] if self.freedom.places else self.scene.centres
        scene = replace(self.scene, turns=turns, centres=centres, focals=focals)
        placed = self.scene.points + np.einsum("jab,jb->ja", self.bases, points)
        return replace(scene, points=placed / np.linalg.norm(placed, axis=1, keepdims=True))


def _diagonal(matrices: Array) -> Array:
    return np.asarray(matrices * np.eye(matrices.shape[-1]))


def _tangents(points: Array, with_depth: bool) -> Array:
    """(J, 4, 3) directions in which homogeneous points of length 1 may move; those without depth only about the sphere."""
    bases = np.linalg.svd(points[:, None, :])[2][:, 1:].transpose(0, 2, 1)
    if with_depth:
        return np.asarray(bases)
    flat = np.zeros((len(points), 4, 3))
    flat[:, :3, :2] = np.linalg.svd(points[:, None, :3])[2][:, 1:].transpose(0, 2, 1)
    return flat
