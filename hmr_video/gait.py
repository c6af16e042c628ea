"""How fast somebody walks, to tell slow motion from life."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmr_video.geometry.skeleton import JOINT_NAMES
from hmr_video.motion import Motion

Array = NDArray[Any]

SLOW = 1.9  # seconds; who walks as slowly as people do takes 1.6 for a stride, which is two steps
_LONGEST = 8.0  # seconds of a stride that is looked for
_ALIKE = 0.8  # correlation of the legs' swing with itself a stride later
_SWING = 0.2  # metres, standard deviation of the distance by which an ankle is before the other
_ANKLES = [JOINT_NAMES.index("left_ankle"), JOINT_NAMES.index("right_ankle")]
_HIPS = [JOINT_NAMES.index("left_hip"), JOINT_NAMES.index("right_hip")]


def stride_seconds(motion: Motion) -> float | None:
    """Seconds from a step to the next of the same foot; None unless the legs swing steadily for two strides at least."""
    joints = np.asarray(motion.joints3d, np.float64)
    across = joints[:, _HIPS[0]] - joints[:, _HIPS[1]]
    apart = joints[:, _ANKLES[0]] - joints[:, _ANKLES[1]]
    ahead = np.cross(across, [0.0, 1.0, 0.0])
    ahead /= np.maximum(np.linalg.norm(ahead, axis=1, keepdims=True), 1e-9)
    swing = (apart * ahead).sum(1)
    if np.std(swing) < _SWING:
        return None
    alike = _correlation(swing - swing.mean())
    falls = np.flatnonzero(alike < 0)  # of one leg before, the other is half a stride later
    if len(falls) == 0:
        return None
    later = alike[falls[0] :]
    peaks = np.flatnonzero((later[1:-1] >= later[:-2]) & (later[1:-1] > later[2:]) & (later[1:-1] > _ALIKE)) + 1
    seconds = (falls[0] + peaks) / motion.frame_rate
    return float(seconds[0]) if len(seconds) and seconds[0] <= _LONGEST else None


def _correlation(values: Array) -> Array:
    """(T // 2 + 1,) of a series with itself, 0 to half its length later."""
    count = len(values)
    pairs = [(values[: count - lag], values[lag:]) for lag in range(count // 2 + 1)]
    return np.array([(one * other).sum() / max(np.sqrt((one**2).sum() * (other**2).sum()), 1e-12) for one, other in pairs])
