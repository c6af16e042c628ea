"""The search of the refinement: scipy's L-BFGS down a torch energy."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from hmr_video.motion import Array

_HISTORY = 20  # pairs of step and change of gradient that stand for the curvature


def minimise(energy: Callable[[], Tensor], parameters: Tensor, steps: int) -> None:
    """Changes ``parameters`` (N,), a leaf, so that ``energy()`` falls: up to ``steps`` times, until it falls no longer.

    Parameters are best scaled so that each is expected to change by about 1.
    """
    from scipy.optimize import minimize  # a quarter of a second, which who only imports need not wait for

    def look(values: Array) -> tuple[float, Array]:
        with torch.no_grad():
            parameters.copy_(torch.from_numpy(values))
        value = energy()
        (gradient,) = torch.autograd.grad(value, parameters)
        return value.item(), gradient.double().numpy()

    limits = {"maxiter": steps, "maxfun": max(steps * 5 // 4, 2), "maxcor": _HISTORY, "ftol": 1e-9, "gtol": 1e-6}
    found = minimize(look, np.asarray(parameters.detach().double()), method="L-BFGS-B", jac=True, options=limits)
    with torch.no_grad():
        parameters.copy_(torch.from_numpy(found.x))
