"""Stretches of frames in which something holds."""

import numpy as np
from numpy.typing import NDArray


def stretches(holds: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(N, 2) the first frame of each stretch of ``holds`` (T,), and the frame after its last."""
    return np.flatnonzero(np.diff(holds, prepend=False, append=False)).reshape(-1, 2)
