"""Who belongs to whom at the least cost in all."""

import numpy as np

from hmr_video.geometry import Array


def assigned(costs: Array, limit: float = np.inf) -> Array:
    """(k, 2) rows and columns of costs (m, n), each used at most once, that cost least in all; none that costs over ``limit``."""
    if 0 in costs.shape:
        return np.zeros((0, 2), int)
    from lap import lapjv

    _, columns, _ = lapjv(np.ascontiguousarray(costs, np.float64), extend_cost=True, cost_limit=limit)
    rows = np.flatnonzero(columns >= 0)
    return np.stack([rows, columns[rows]], -1)
