"""Which feet stand, as far as the picture shows: those whose image does not move."""

import torch
from torch import Tensor

from hmr_video.reconstruction.temporal import smoothed

FEET = (7, 10, 8, 11)  # ankle and ball of the left and of the right foot
SMOOTHING = 0.05  # seconds: the deviation of the Gaussian by which a detector's jitter is taken off the points
STILL = 0.2  # m/s across the view, at which a foot counts half as standing, nearly

_POINTS = ([15, 17, 18, 19], [16, 20, 21, 22])  # ankle, toes and heel
_EVIDENT = 0.1  # trust of one of a foot's points, from which they say how it moves


def standing(points: Tensor, trust: Tensor, pixels_per_metre: Tensor, timestamps: Tensor) -> Tensor:
    """How surely (T - 1, 4), 0 to 1, each of `FEET` stands from a frame to the next; 0 where nothing of a foot is seen.

    points (T, 17 or 29, 2) pixels of a camera that stands still, or as if it did; trust (T, 17 or 29) their weights;
    pixels_per_metre (T,) at the person; timestamps (T,) seconds.
    """
    step = timestamps.diff().float().clamp_min(1e-3)[:, None]
    found = []
    for foot in _POINTS:
        shown = [point for point in foot if point < points.shape[1]]
        weights = trust[:, shown].clamp_min(1e-6)
        total = smoothed((points[:, shown] * weights[..., None]).flatten(1), timestamps, SMOOTHING).view(len(points), -1, 2)
        places = total / smoothed(weights, timestamps, SMOOTHING)[..., None]
        speed = places.diff(dim=0).norm(dim=-1) / step / pixels_per_metre[1:, None]
        both = torch.minimum(weights[1:], weights[:-1])
        still = (both * torch.exp(-0.5 * (speed / STILL).square())).sum(-1) / both.sum(-1)
        found.append(torch.where(both.amax(-1) > _EVIDENT, still, 0.0))
    return torch.stack(found, -1).repeat_interleave(2, -1)
