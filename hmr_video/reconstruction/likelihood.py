"""How much evidence counts, and how much deviations from it cost."""

import torch
from torch import Tensor

from hmr_video.geometry.skeleton import BODY_LANDMARKS, USABLE_CONFIDENCE


def trust(confidence: Tensor) -> Tensor:
    """Confidences (T, K) of one track -> the weights of its keypoints, 0 to 1: inverse variances, up to a factor.

    A detector's errors double where its confidence falls from 1 to 0.8, and double again at 0.65
    (`evaluate --detector-errors`), hence the power. Detectors differ in scale, so confidences count against the surest tenth of
    the track.
    """
    seen = confidence > USABLE_CONFIDENCE
    body = confidence[:, BODY_LANDMARKS][seen[:, BODY_LANDMARKS]]
    surest = torch.quantile(body, 0.9).clamp_min(0.6) if len(body) else torch.ones(())
    return torch.where(seen, (confidence / surest).clamp_max(1) ** 6, 0.0)


def robust(squared: Tensor, cutoff: float) -> Tensor:
    """Geman and McClure's loss of squared deviations: quadratic near zero, flat beyond ``cutoff`` deviations."""
    return squared / (1 + squared / cutoff**2)


def heavy_tailed(squared: Tensor, tolerance: float) -> Tensor:
    """Student's negative log-likelihood of squared deviations, up to a factor: quadratic, then logarithmic."""
    freedom = 3 * tolerance**2
    return freedom * torch.log1p(squared / freedom)
