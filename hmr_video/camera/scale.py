"""How far a camera goes in metres: by the feet of the people it shows, of which one that carries its body rests."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

Array = NDArray[Any]

_ALONG_VIEW = 0.3  # share of a speed along the view that counts: the rest is noise of the depth
_RESTING = 0.25  # m/s, of a foot that rests, noise and all
_STEPS = 121  # candidates, a factor of 1.05 or less apart, before the finer search
_SUREST = 0.92  # of the misfit without the camera's movement has that of the right scale, or there is none


def metric_scale(people: list[tuple[Array, Array, Array, Array]]) -> float | None:
    """Metres of a unit of the path. Of each person: turns (T, 3, 3) and centres (T, 3) of the camera, its space to the world;
    feet (T, F, 3) in camera space, metres; times (T,).

    The scale at which, in each frame, the slowest foot is slowest; None where none is clearly better than a camera that stays.
    """
    parts = [_velocities(*person) for person in people]
    reach = max((float(np.linalg.norm(np.ptp(centres, axis=0))) for _, centres, _, _ in people), default=0.0)
    if not parts or reach < 1e-9:
        return None

    def misfit(scale: float) -> float:
        worst = []
        for own, carried in parts:
            speed = np.linalg.norm(own + scale * carried[:, None], axis=-1).min(1)
            worst.append(speed**2 / (speed**2 + _RESTING**2))
        return float(np.concatenate(worst).mean())

    scales = np.geomspace(0.05, 300.0, _STEPS) / reach
    for _ in range(3):
        values = [misfit(scale) for scale in scales]
        best = int(np.argmin(values))
        around = scales[max(best - 1, 0)], scales[min(best + 1, len(scales) - 1)]
        scales = np.geomspace(*around, 15)
    if min(values) > _SUREST * misfit(0.0):
        return None
    return float(scales[int(np.argmin([misfit(scale) for scale in scales]))])


def _velocities(turns: Array, centres: Array, feet: Array, times: Array) -> tuple[Array, Array]:
    """m/s (T, F, 3) of feet as if the camera stayed, and (T, 3) of the camera in its unit, along the view counted less."""
    width = min(3, len(times))
    placed = np.einsum("tab,tfb->tfa", turns, feet)
    own = uniform_filter1d(np.gradient(placed, times, axis=0), width, axis=0)
    carried = uniform_filter1d(np.gradient(centres, times, axis=0), width, axis=0)
    ray = placed.mean(1)
    ray /= np.linalg.norm(ray, axis=-1, keepdims=True)
    own = own - (1 - _ALONG_VIEW) * (own * ray[:, None]).sum(-1, keepdims=True) * ray[:, None]
    return own, carried - (1 - _ALONG_VIEW) * (carried * ray).sum(-1, keepdims=True) * ray
