"""The paper's weak perspective: people of one depth, in units of their crop. Training and metrics use it."""

import torch
from torch import Tensor

OPTIMAL_SCALE_RANGE = (0.7, 10.0)  # hmr's clip of the scale, in units of half a crop per metre


def weak_project(points: Tensor, camera: Tensor) -> Tensor:
    """HMR's scaled orthographic projection s (x + t): points (..., J, 3), camera (..., 3) = s, tx, ty -> (..., J, 2)."""
    return camera[..., None, :1] * (points[..., :2] + camera[..., None, 1:])


def optimal_camera(points: Tensor, targets: Tensor, visible: Tensor) -> Tensor:
    """The weak-perspective camera that best lays ``points`` over ``targets`` (HMMR, section 3.3): min |s (x + t) - y|.

    points (..., J, 2 or 3), only x and y are read; targets (..., J, 2) in crop units; visible (..., J) bool or 0/1.
    Returns s, tx, ty (..., 3) without gradient. With mean-centred X and Y over the visible points,
    s = trace((X'X + 1e-6 I)^-1 X'Y) / 2, clipped to ``OPTIMAL_SCALE_RANGE``, and t = mean(Y) / s - mean(X).
    Without a visible point the camera is (1, 0, 0).
    """
    with torch.no_grad():
        mask = visible.to(points.dtype)[..., None]
        count = mask.sum(-2, keepdim=True).clamp_min(1)
        x_mean = (points[..., :2] * mask).sum(-2, keepdim=True) / count
        y_mean = (targets * mask).sum(-2, keepdim=True) / count
        x = (points[..., :2] - x_mean) * mask
        y = (targets - y_mean) * mask
        ridge = 1e-6 * torch.eye(2, dtype=x.dtype, device=x.device)
        ratio = torch.linalg.solve(x.transpose(-1, -2) @ x + ridge, x.transpose(-1, -2) @ y)  # (..., 2, 2)
        scale = (ratio.diagonal(dim1=-2, dim2=-1).sum(-1) / 2).clamp(*OPTIMAL_SCALE_RANGE)[..., None]
        camera = torch.cat([scale, (y_mean.squeeze(-2) / scale - x_mean.squeeze(-2))], -1)
        nothing = camera.new_tensor([1.0, 0.0, 0.0])
        return torch.where(mask.sum((-2, -1))[..., None] > 0, camera, nothing)
