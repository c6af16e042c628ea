"""How far a camera goes in metres: by the people it shows, who stand on the ground that it shows, on feet that rest."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from hmr_video.geometry import Array
from hmr_video.geometry.stretches import stretches

_ALONG_VIEW = 0.2  # share of a speed along the view that counts: the rest is noise of the depth
_RESTING = 0.25  # m/s, of a foot that rests, noise and all
_STEPS = 121  # candidates before the finer search
_SUREST = 0.97  # of the misfit of a camera that stays has that of the right scale, or there is none
_AGAINST = 1.2  # of that misfit has a scale that feet speak against
_ROUND_FEET = np.cos(np.radians(20.0))  # points of the ground are looked for within this angle of some foot
_LEVEL = np.cos(np.radians(15.0))  # the ground's normal and the people's axes agree so well
_FLAT = 0.015  # of its distance, within which a point lies on the ground
_FEWEST, _DRAWS = 20, 400  # points of a ground; how many grounds are tried
_AGREE = 0.12  # median deviation of the logarithm of what the frames say, or nothing is believed
_BALL = 0.03  # metres of the ball of a foot over the ground
_BELOW = 3.0  # deviations that a point lies below a plane which then is no ground
_STANDING = 0.35  # m/s of a foot that stands, as far as one view tells
_SHORTEST = 0.15  # seconds of a stance
_SWAY, _TOGETHER = 0.02, 8.0  # metres that a standing foot seems to sway, and frames in which it does so alike
_ROUNDS = 6  # of finding stances
# Deviations of the logarithm of the scale.
_GROUND, _STANCES = 0.08, 0.04  # of the one that the ground tells, and of what stances err by alike
_APART = 0.2  # of the two from each other, above which only the surer one counts
_UNSURE = 0.3  # of a scale that is not believed


@dataclass(frozen=True)
class Walker:
    """What a shot shows of one person: ``turns`` (T, 3, 3) and ``centres`` (T, 3) of the camera, its space to the world; ``feet``
    (T, 2, 3), the balls of both, and ``necks`` (T, 3), in camera space, metres; ``times`` (T,)."""

    turns: Array
    centres: Array
    feet: Array
    necks: Array
    times: Array


def metric_scale(people: list[Walker], points: Array) -> float | None:
    """Metres of a unit of the path and of the background's ``points`` (P, 3): by feet that rest and by the ground where it shows
    below the feet, each as far as it can be trusted; None where neither tells, or where feet would rest less than before a
    camera that stays: then the path is wrong."""
    if not people or np.ptp(np.concatenate([one.centres for one in people]), axis=0).max() < 1e-9:
        return None
    rest = _Rest(people)
    scale = _agreed(people, points, rest)
    return scale if scale is not None and rest.misfit(scale) < _AGAINST * rest.misfit(0.0) else None


def _agreed(people: list[Walker], points: Array, rest: "_Rest") -> float | None:
    """The scale that ground and feet tell together."""
    ground, slow = _by_ground(people, points), rest.scale()
    rested = None if slow is None else _by_stances(people, slow)
    if rested is None:
        return ground or slow
    scale, deviation = rested
    if ground is None:
        return scale
    deviations = np.array([_GROUND, np.hypot(_STANCES, deviation)])
    if abs(np.log(ground / scale)) > _APART + 2 * deviation:
        return (ground, scale)[int(deviations.argmin())]
    trust = deviations**-2.0
    return float(np.exp((trust * np.log([ground, scale])).sum() / trust.sum()))


def _by_ground(people: list[Walker], points: Array) -> float | None:
    """The scale at which the people stand on the ground."""
    eyes = np.concatenate([one.centres for one in people])
    lower = [np.take_along_axis(one.feet, one.feet[..., 1].argmax(1)[:, None, None], 1)[:, 0] for one in people]
    rays = np.concatenate([np.einsum("tab,tb->ta", one.turns, foot) for one, foot in zip(people, lower, strict=True)])
    axes = [np.einsum("tab,tb->ta", one.turns, one.necks - one.feet.mean(1)) for one in people]
    up = np.median(np.concatenate(axes), axis=0)
    distance = np.linalg.norm(rays, axis=1)
    few = np.linspace(0, len(rays) - 1, min(len(rays), 12)).astype(int)
    apart = points[:, None] - eyes[few]
    cosine = np.einsum("pfa,fa->pf", apart, rays[few]) / np.linalg.norm(apart, axis=-1).clip(1e-9) / distance[few]
    near = points[(cosine > _ROUND_FEET).any(1)]
    ground = _plane(near, up / np.linalg.norm(up), eyes.mean(0))
    if ground is None:
        return None
    normal, height = ground
    falls = rays @ normal / distance
    with np.errstate(divide="ignore"):
        far = -(eyes @ normal + height) / falls
    usable = (falls < -0.02) & (far > 0)
    if usable.sum() < 0.5 * len(rays):
        return None
    logs = np.log((distance[usable] + _BALL / -falls[usable]) / far[usable])
    middle = float(np.median(logs))
    return float(np.exp(middle)) if np.median(np.abs(logs - middle)) < _AGREE else None


def _plane(points: Array, up: Array, eye: Array) -> tuple[Array, float] | None:
    """Normal (3,) and offset of the level plane below ``eye`` that most points (P, 3) lie on, and fewest below
    (Fischler and Bolles, 1981)."""
    if len(points) < _FEWEST:
        return None
    dice, best, most = np.random.default_rng(0), None, _FEWEST - 1
    reach = np.linalg.norm(points - eye, axis=1) * _FLAT
    for _ in range(_DRAWS):
        a, b, c = points[dice.choice(len(points), 3, replace=False)]
        normal = np.cross(b - a, c - a)
        length = np.linalg.norm(normal)
        if length < 1e-12:
            continue
        normal *= np.sign(normal @ up) / length
        if normal @ up < _LEVEL or (eye - a) @ normal < 0:
            continue
        height = (points - a) @ normal / reach
        inside = np.abs(height) < 1
        votes = int(inside.sum()) - int((height < -_BELOW).sum())
        if votes > most:
            most, best = votes, inside
    if best is None:
        return None
    middle = points[best].mean(0)
    normal = np.linalg.svd((points[best] - middle) / reach[best, None])[2][2]
    normal *= np.sign(normal @ up)
    return normal, float(-normal @ middle)


def _by_stances(people: list[Walker], scale: float) -> tuple[float, float] | None:
    """The scale at which feet stay where they stand from their first to their last moment there, and the deviation of its
    logarithm: least squares about a first ``scale``, which tells when they stand."""
    precision = 0.0
    for _ in range(_ROUNDS):
        precision, pull = 1e-12, 0.0
        for one in people:
            placed = np.einsum("tab,tfb->tfa", one.turns, one.feet)
            own, carried = _velocities(one)
            slow = np.linalg.norm(own + scale * carried[:, None], axis=-1) < _STANDING
            for foot, start, end in _runs(slow, one.times):
                where, eye = placed[start:end, foot], one.centres[start:end]
                ray = where.mean(0)
                across = (np.eye(3) - np.outer(ray, ray) / (ray @ ray)) / _SWAY
                went, carried_along = (where - where.mean(0)) @ across, (eye - eye.mean(0)) @ across
                missed = np.square(went + scale * carried_along).sum(1).mean()
                weight = _TOGETHER / (end - start) / (1 + missed / 4) ** 2
                precision += weight * float((carried_along**2).sum())
                pull -= weight * float((carried_along * went).sum())
        scale = pull / precision
    deviation = 1 / np.sqrt(precision) / max(scale, 1e-9)
    return (scale, float(deviation)) if scale > 0 and deviation < _UNSURE else None


def _runs(slow: Array, times: Array) -> list[tuple[int, int, int]]:
    """Foot, first frame and end of each run of frames in which a foot is ``slow`` (T, F)."""
    found = []
    for foot in range(slow.shape[1]):
        runs = stretches(slow[:, foot])
        found += [(foot, start, end) for start, end in runs if times[end - 1] - times[start] >= _SHORTEST]
    return found


class _Rest:
    """How far, at a scale, the slowest foot of each frame is from resting."""

    def __init__(self, people: list[Walker]) -> None:
        self._velocities = [_velocities(one) for one in people]
        self._reach = max(float(np.linalg.norm(np.ptp(one.centres, axis=0))) for one in people)

    def misfit(self, scale: float) -> float:
        """0 to 1, of a robust mean over all frames."""
        speeds = [np.linalg.norm(own + scale * carried[:, None], axis=-1).min(1) for own, carried in self._velocities]
        squared = np.concatenate(speeds) ** 2
        return float((squared / (squared + _RESTING**2)).mean())

    def scale(self) -> float | None:
        """The one that fits best; None where none is better than a camera that stays."""
        scales = np.geomspace(0.05, 100.0, _STEPS) / self._reach
        for _ in range(3):
            values = [self.misfit(scale) for scale in scales]
            best = int(np.argmin(values))
            scales = np.geomspace(scales[max(best - 1, 0)], scales[min(best + 1, len(scales) - 1)], 15)
        return float(scales[7]) if min(values) < _SUREST * self.misfit(0.0) else None


def _velocities(one: Walker) -> tuple[Array, Array]:
    """m/s (T, F, 3) of feet as if the camera stayed, and (T, 3) of the camera in its unit, along the view counted less."""
    width = min(5, len(one.times))
    placed = np.einsum("tab,tfb->tfa", one.turns, one.feet)
    own = uniform_filter1d(np.gradient(placed, one.times, axis=0), width, axis=0)
    carried = uniform_filter1d(np.gradient(one.centres, one.times, axis=0), width, axis=0)
    ray = placed.mean(1)
    ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
    own = own - (1 - _ALONG_VIEW) * (own * ray[:, None]).sum(-1, keepdims=True) * ray[:, None]
    return own, carried - (1 - _ALONG_VIEW) * (carried * ray).sum(-1, keepdims=True) * ray
