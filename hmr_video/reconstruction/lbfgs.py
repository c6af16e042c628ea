"""L-BFGS with a strong Wolfe line search (Nocedal and Wright, Numerical Optimization, algorithms 7.5, 3.5 and 3.6).

torch has one too, but it imports torch's compiler, which takes longer than the search.
"""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor

_HISTORY = 20  # pairs of step and change of gradient that stand for the curvature
_DECREASE, _CURVATURE = 1e-4, 0.9  # c1 and c2 of the strong Wolfe conditions
_FIRST = 0.5  # change of the parameter that changes most, where the first step is looked for
_TRIALS = 25  # of one line search
_NO_GAIN = 1e-5  # change of the energy, or of every parameter, at which the search ends


class _Point(NamedTuple):
    """Along a search direction: the step, the energy, its slope in the step, its gradient."""

    step: float
    energy: float
    slope: float
    gradient: Tensor


def minimise(energy: Callable[[], Tensor], parameters: Tensor, steps: int) -> None:
    """Changes ``parameters`` (N,), a leaf, so that ``energy()`` falls: up to ``steps`` times, until it falls no longer.

    Parameters are best scaled so that each is expected to change by about 1.
    """
    start = parameters.detach().clone()
    trials = max(steps * 5 // 4, 2)  # of the energy, in all

    def look(direction: Tensor, step: float) -> _Point:
        nonlocal trials
        trials -= 1
        with torch.no_grad():
            parameters.copy_(torch.add(start, direction, alpha=step))
        value = energy()
        (gradient,) = torch.autograd.grad(value, parameters)
        return _Point(step, value.item(), float(gradient @ direction), gradient)

    pairs: deque[tuple[Tensor, Tensor]] = deque(maxlen=_HISTORY)
    here = look(torch.zeros_like(start), 0.0)
    for _ in range(steps):
        direction = _direction(here.gradient, pairs)
        slope = float(here.gradient @ direction)
        size = float(direction.abs().max())
        if trials <= 0 or -slope * size <= 0:
            break
        first = 1.0 if pairs else _FIRST / size
        found = _line_search(_Point(0.0, here.energy, slope, here.gradient), partial(look, direction), first)
        moved, turned = found.step * direction, found.gradient - here.gradient
        if float(moved @ turned) > 1e-10:
            pairs.append((moved, turned))
        start += moved
        gain = here.energy - found.energy
        here = found
        if abs(gain) < _NO_GAIN or found.step * size <= _NO_GAIN:
            break
    with torch.no_grad():
        parameters.copy_(start)


def _direction(gradient: Tensor, pairs: deque[tuple[Tensor, Tensor]]) -> Tensor:
    """Downhill by the curvature that ``pairs`` show: the two loops over them."""
    direction, weights = -gradient, []
    for moved, turned in reversed(pairs):
        weights.append(float(moved @ direction) / float(moved @ turned))
        direction = torch.add(direction, turned, alpha=-weights[-1])
    if pairs:
        moved, turned = pairs[-1]
        direction = direction * (float(moved @ turned) / float(turned @ turned))
    for (moved, turned), weight in zip(pairs, reversed(weights), strict=True):
        direction = torch.add(direction, moved, alpha=weight - float(turned @ direction) / float(moved @ turned))
    return direction


def _line_search(origin: _Point, look: Callable[[float], _Point], step: float) -> _Point:
    """A point that fulfils the strong Wolfe conditions, else the lowest that was looked at. ``step``: where to look first."""
    low, high = origin, None  # a good step lies above low; between the two, once there is a high
    for _ in range(_TRIALS):
        point, before = look(step), low
        if point.energy > origin.energy + _DECREASE * step * origin.slope or point.energy >= low.energy:
            high = point
        elif abs(point.slope) <= -_CURVATURE * origin.slope:
            return point
        else:
            if point.slope * ((point if high is None else high).step - low.step) >= 0:
                high = low
            low = point
        if high is None:
            step = min(max(_cubic(before, low), 1.01 * low.step), 10 * low.step)
        else:
            near, far = sorted((low.step, high.step))
            if near == far:  # as near as numbers can be
                break
            step = min(max(_cubic(low, high), near + 0.1 * (far - near)), far - 0.1 * (far - near))
    return low


def _cubic(first: _Point, second: _Point) -> float:
    """The step at the minimum of the cubic through two points' energies and slopes (equation 3.59), or between them."""
    first, second = sorted((first, second), key=lambda point: point.step)
    width = second.step - first.step
    bend = first.slope + second.slope - 3 * (second.energy - first.energy) / width
    root = bend * bend - first.slope * second.slope
    if root < 0:
        return (first.step + second.step) / 2
    spread = 2 * root**0.5 + second.slope - first.slope
    return second.step - width * (second.slope + root**0.5 - bend) / spread if spread else (first.step + second.step) / 2
