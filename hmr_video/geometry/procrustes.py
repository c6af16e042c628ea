"""Similarity alignment of point sets."""

import torch
from torch import Tensor


def procrustes_align(points: Tensor, targets: Tensor) -> Tensor:
    """``points`` moved, turned (no mirror) and scaled to lie as near as possible to ``targets`` (Umeyama, 1991).

    Both (..., J, 3); the alignment is per leading index. Computed in float64.
    """
    x, y = points.double(), targets.double()
    x_mean, y_mean = x.mean(-2, keepdim=True), y.mean(-2, keepdim=True)
    x, y = x - x_mean, y - y_mean
    u, s, vt = torch.linalg.svd(x.transpose(-1, -2) @ y)
    sign = torch.ones_like(s)
    sign[..., -1] = torch.sign(torch.linalg.det(u @ vt))
    rotation = (u * sign[..., None, :]) @ vt  # row vectors: x @ rotation
    scale = (s * sign).sum(-1) / x.square().sum((-2, -1)).clamp_min(1e-12)
    return (scale[..., None, None] * (x @ rotation) + y_mean).to(points.dtype)
