"""Where the soles of a moving body are, and when they stand."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, minimum_filter1d, uniform_filter1d
from torch import Tensor

from hmr_video.body import Body
from hmr_video.body.landmarks import skin
from hmr_video.geometry import Array
from hmr_video.geometry.stretches import stretches
from hmr_video.reconstruction.person import Person

_FEET = ((7, 10), (8, 11))  # ankle and ball of the left and the right foot
_ANKLE_KEYPOINTS = (15, 16)
_THICKNESS = 0.02  # metres over the lowest vertex that still belong to the sole
_SEEN = 0.3  # confidence of an ankle's keypoint from which its foot can be trusted
_SLOW = 0.4  # m/s: a sole that stands is slower, whatever the noise;
_SLOWER = 0.2  # or than this share of the fastest foot of the moment: the faster somebody walks, the less exact are both
_LOW = 0.06  # metres over the lowest sole of the moment
_MOMENT = 0.5  # seconds before and after: within it some foot touches the floor
_ALONG_VIEW = 0.3  # share of a speed along the view that counts: the rest is noise of the depth
_SHORTEST = 0.1  # seconds of a stance
_EDGE = 0.034  # seconds before and after a foot is seen to stand, in which it does so already or still
_TOUCHING = 0.5  # seconds in which who runs touches the floor
_GAP = 0.07  # seconds: a foot that stands before and after them stands meanwhile


@dataclass(frozen=True)
class Stance:
    """One foot that stands: frames ``start`` to before ``end`` of the track, and where its lowest point is (3,) metres."""

    foot: int
    start: int
    end: int
    place: Array


@dataclass(frozen=True)
class Soles:
    """Points of both soles over time.

    Attributes:
        points: (T, 2, K, 3) metres, in the person's world: heel, tip, inner and outer edge of the left and the right foot.
        times: (T,) seconds.
        seen: (T, 2) bool, whether the foot's ankle was detected.
        eyes: (T, 3) where the camera is.
    """

    points: Array
    times: Array
    seen: NDArray[np.bool_]
    eyes: Array

    def heights(self, up: Array) -> Array:
        """(T, 2, K) metres over the origin, along ``up`` (3,)."""
        return np.asarray(self.points @ up)

    def lowest(self, up: Array) -> Array:
        """(T, 2, 3) the lowest point of each foot."""
        chosen = self.heights(up).argmin(-1)[..., None, None]
        return np.take_along_axis(self.points, chosen, axis=2)[:, :, 0]

    @cached_property
    def speeds(self) -> Array:
        """(T, 2, K) m/s, along the view counted less."""
        if len(self.points) < 2:
            return np.zeros(self.points.shape[:-1])
        velocity = uniform_filter1d(np.gradient(self.points, self.times, axis=0), min(3, len(self.points)), axis=0)
        ray = self.points - self.eyes[:, None, None]
        ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
        along = (velocity * ray).sum(-1, keepdims=True) * ray
        return np.asarray(np.linalg.norm(velocity - (1 - _ALONG_VIEW) * along, axis=-1))

    def standing(self, up: Array) -> NDArray[np.bool_]:
        """(T, 2): the foot was seen, its lowest point is slow and about as low as any of the moment, against ``up`` (3,)."""
        heights = self.heights(up)
        speed = np.take_along_axis(self.speeds, heights.argmin(-1)[..., None], axis=2)[..., 0]
        moment = 2 * self._frames(_MOMENT) + 1
        floor = minimum_filter1d(heights.min((1, 2)), moment)[:, None]
        slow = np.maximum(_SLOW, _SLOWER * maximum_filter1d(speed.max(1), moment))[:, None]
        stands = (speed < slow) & (heights.min(-1) - floor < _LOW)
        gap, edge = 2 * (self._frames(_GAP) // 2) + 1, 2 * self._frames(_EDGE) + 1
        stands = minimum_filter1d(maximum_filter1d(stands, gap, axis=0), gap, axis=0)
        return np.asarray(self.seen & maximum_filter1d(stands, edge, axis=0))

    def _frames(self, seconds: float) -> int:
        """So many frames as pass in the time."""
        step = float(np.median(np.diff(self.times))) if len(self.times) > 1 else 1.0
        return round(seconds / max(step, 1e-3))

    def stances(self, up: Array) -> list[Stance]:
        """Runs of frames in which a foot stands, too short ones left out (but for clips that are no longer)."""
        stands, lowest, found = self.standing(up), self.lowest(up), []
        for foot in range(2):
            for start, end in stretches(stands[:, foot]):
                if self.times[end - 1] - self.times[start] >= min(_SHORTEST, self.times[-1] - self.times[0]):
                    found.append(Stance(foot, int(start), int(end), np.median(lowest[start:end, foot], axis=0)))
        return found

    def touches(self, up: Array) -> Array:
        """(N, 3) the lowest point of each half second: who runs touches the floor there, though no foot is seen to stand."""
        heights, lowest = self.heights(up).min(-1), self.lowest(up)
        moments = np.unique((self.times / _TOUCHING).astype(int), return_inverse=True)[1]
        runs = [np.flatnonzero(moments == moment) for moment in range(moments.max() + 1)]
        frames = np.array([run[heights[run].min(1).argmin()] for run in runs])
        return np.asarray(lowest[frames, heights[frames].argmin(1)])


def soles(person: Person, body: Body) -> Soles:
    """The soles of one person in their world; without one, in camera space."""
    estimate, world = person.estimate, person.world_from_camera
    points = sole_points(estimate.rotations, estimate.betas, body) + estimate.trans.double().numpy()[:, None, None]
    seen = person.track.keypoints[:, _ANKLE_KEYPOINTS, 2] > _SEEN
    times = np.asarray(person.timestamps, np.float64)
    return Soles(in_world(world, points), times, seen, in_world(world, np.zeros((len(person), 3))))


def sole_points(rotations: Tensor, betas: Tensor, body: Body) -> Array:
    """(T, 2, 4, 3) metres: heel, tip, inner and outer edge of both soles of a body with rotations (T, 24, 3, 3) at trans 0.

    Few vertices are skinned, not the mesh (no pose blendshapes).
    """
    betas = betas.double()
    vertices, rest = body.rest(betas)
    chosen = _sole_vertices(vertices.numpy(), body.weights.argmax(1).numpy())
    joints, turned = body.joints(rotations.double(), betas.expand(len(rotations), 10))
    points = skin(vertices[chosen.ravel()], body.weights[chosen.ravel()], joints, turned, rest)
    return np.asarray(points.unflatten(1, chosen.shape).numpy())


def in_world(world_from_camera: Array | None, points: Array) -> Array:
    """Points (T, ..., 3) of camera space in the world (T, 4, 4); without one, in camera space."""
    if world_from_camera is None:
        return points
    turn, origin = world_from_camera[:, :3, :3], world_from_camera[:, :3, 3]
    apart = (len(points),) + (1,) * (points.ndim - 2) + (3,)
    return np.asarray(np.einsum("tab,t...b->t...a", turn, points) + origin.reshape(apart))


def in_camera(world_from_camera: Array | None, moves: Array) -> Array:
    """Moves (T, 3) in the world as such in camera space."""
    if world_from_camera is None:
        return moves
    return np.asarray(np.einsum("tba,tb->ta", world_from_camera[:, :3, :3], moves))


def _sole_vertices(vertices: Array, owner: NDArray[np.int64]) -> NDArray[np.int64]:
    """(2, 4) heel, tip and both edges of the soles of a body at rest: vertices (V, 3), and each one's main joint (V,)."""
    chosen = []
    for joints in _FEET:
        foot = np.flatnonzero(np.isin(owner, joints))
        sole = foot[vertices[foot, 1] < vertices[foot, 1].min() + _THICKNESS]
        across, along = vertices[sole, 0], vertices[sole, 2]
        chosen.append(sole[[along.argmin(), along.argmax(), across.argmin(), across.argmax()]])
    return np.stack(chosen)
