"""Similarity alignment of point sets."""

import torch
from torch import Tensor


def similarity(points: Tensor, targets: Tensor, scaled: bool = True) -> tuple[Tensor, Tensor, Tensor]:
    """What lays points (..., J, 3) as near as possible to targets (..., J, 3), without a mirror (Umeyama, 1991).

    Returns scale (...), rotation (..., 3, 3) and shift (..., 3), of ``scale * rotation @ point + shift``, in float64. Without
    ``scaled`` the scale is 1.
    """
    x, y = points.double(), targets.double()
    x_mean, y_mean = x.mean(-2), y.mean(-2)
    x, y = x - x_mean[..., None, :], y - y_mean[..., None, :]
    u, s, vt = torch.linalg.svd(y.transpose(-1, -2) @ x)
    sign = torch.ones_like(s)
    sign[..., -1] = torch.sign(torch.linalg.det(u @ vt))
    rotation = (u * sign[..., None, :]) @ vt
    scale = (s * sign).sum(-1) / x.square().sum((-2, -1)).clamp_min(1e-12) if scaled else torch.ones_like(s[..., 0])
    return scale, rotation, y_mean - scale[..., None] * (rotation @ x_mean[..., None]).squeeze(-1)


def procrustes_align(points: Tensor, targets: Tensor) -> Tensor:
    """``points`` moved, turned and scaled to lie as near as possible to ``targets``, see :func:`similarity`.

    Both (..., J, 3); the alignment is per leading index.
    """
    scale, rotation, shift = similarity(points, targets)
    moved = scale[..., None, None] * (points.double() @ rotation.transpose(-1, -2)) + shift[..., None, :]
    return moved.to(points.dtype)
