"""The camera: a full-image perspective pinhole (OpenCV axes: x right, y down, z forward)."""

import math

import torch
from torch import Tensor


def camera_matrix(width: int, height: int, focal: float | None = None) -> Tensor:
    """The 3 x 3 intrinsics of an image: centred principal point, focal length in pixels (default: the image diagonal)."""
    focal = math.hypot(width, height) if focal is None else focal
    return torch.tensor([[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]])


def project(points: Tensor, intrinsics: Tensor, nearest: float = 0.1) -> Tensor:
    """Perspective projection of camera-space points (..., 3) in metres to pixels (..., 2).

    Depths below ``nearest`` metres are treated as ``nearest``, so that points behind the camera stay finite.
    """
    depth = points[..., 2:].clamp_min(nearest)
    focal = torch.stack([intrinsics[0, 0], intrinsics[1, 1]])
    return points[..., :2] / depth * focal + intrinsics[:2, 2]
