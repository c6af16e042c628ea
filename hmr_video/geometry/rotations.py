"""Rotations as axis-angle (..., 3), matrices (..., 3, 3) and 6D (..., 6). Radians. All functions are differentiable."""

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from hmr_video.geometry.skeleton import MIRRORED_JOINTS


def skew(v: Tensor) -> Tensor:
    """The cross-product matrices of vectors: (..., 3) -> (..., 3, 3), ``skew(v) @ x == cross(v, x)``."""
    x, y, z = v.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))


def axis_angle_to_matrix(axis_angle: Tensor) -> Tensor:
    """Rodrigues' formula, (..., 3) -> (..., 3, 3). Exact and differentiable at zero.

    R = I + sin(a)/a K + (1 - cos(a))/a^2 K^2, with K = skew(axis_angle) and a its length.
    """
    squared = axis_angle.square().sum(-1)[..., None, None]
    small = squared < 1e-8  # below this the Taylor series is exact in float32
    angle = torch.where(small, torch.ones_like(squared), squared).sqrt()
    sine = torch.where(small, 1 - squared / 6, angle.sin() / angle)
    # 1 - cos loses digits for small angles; 2 sin^2(a/2) does not.
    versine = torch.where(small, 0.5 - squared / 24, 2 * (angle / 2).sin().square() / angle.square())
    k = skew(axis_angle)
    return torch.eye(3, dtype=k.dtype, device=k.device) + sine * k + versine * (k @ k)


def pose_matrices(poses: NDArray[Any]) -> Tensor:
    """Poses (T, 72), the axis-angles of SMPL's joints, as matrices (T, 24, 3, 3) in float64."""
    return axis_angle_to_matrix(torch.as_tensor(poses, dtype=torch.float64).reshape(-1, 24, 3))


def matrix_to_quaternion(matrix: Tensor) -> Tensor:
    """(..., 3, 3) -> unit quaternions (..., 4), real part first and not negative.

    Of the four textbook solutions (one per component taken as pivot) the best conditioned is used (Shepperd, 1978).
    """
    m = matrix
    m00, m11, m22 = m[..., 0, 0], m[..., 1, 1], m[..., 2, 2]
    x, y, z = m[..., 2, 1] - m[..., 1, 2], m[..., 0, 2] - m[..., 2, 0], m[..., 1, 0] - m[..., 0, 1]
    xy, xz, yz = m[..., 1, 0] + m[..., 0, 1], m[..., 0, 2] + m[..., 2, 0], m[..., 2, 1] + m[..., 1, 2]
    scaled = [  # row i holds the quaternion scaled by 4 q_i
        [1 + m00 + m11 + m22, x, y, z],
        [x, 1 + m00 - m11 - m22, xy, xz],
        [y, xy, 1 - m00 + m11 - m22, yz],
        [z, xz, yz, 1 - m00 - m11 + m22],
    ]
    candidates = torch.stack([torch.stack(row, -1) for row in scaled], -2)  # (..., 4 pivots, 4)
    pivot = torch.diagonal(candidates, dim1=-2, dim2=-1).argmax(-1)
    chosen = candidates.gather(-2, pivot[..., None, None].expand(*pivot.shape, 1, 4)).squeeze(-2)
    quaternion = torch.nn.functional.normalize(chosen, dim=-1)
    return torch.where(quaternion[..., :1] < 0, -quaternion, quaternion)


def matrix_to_axis_angle(matrix: Tensor) -> Tensor:
    """The inverse of :func:`axis_angle_to_matrix`: (..., 3, 3) -> (..., 3), angles in [0, pi]."""
    quaternion = matrix_to_quaternion(matrix)
    real, imaginary = quaternion[..., :1], quaternion[..., 1:]
    squared = imaginary.square().sum(-1, keepdim=True)
    small = squared < 1e-12
    length = torch.where(small, torch.ones_like(squared), squared).sqrt()
    return imaginary * torch.where(small, 2 / real.clamp_min(0.5), 2 * torch.atan2(length, real) / length)


def matrix_to_six_d(matrix: Tensor) -> Tensor:
    """The first two columns: (..., 3, 3) -> (..., 6) (Zhou et al., CVPR 2019)."""
    return torch.cat([matrix[..., :, 0], matrix[..., :, 1]], -1)


def six_d_to_matrix(six_d: Tensor) -> Tensor:
    """Gram-Schmidt on two columns: (..., 6) -> (..., 3, 3) (Zhou et al., CVPR 2019, eq. 10)."""
    first = torch.nn.functional.normalize(six_d[..., :3], dim=-1, eps=1e-6)
    second = six_d[..., 3:]
    second = second - (first * second).sum(-1, keepdim=True) * first
    second = torch.nn.functional.normalize(second, dim=-1, eps=1e-6)
    return torch.stack([first, second, torch.linalg.cross(first, second)], -1)


def slerp(start: Tensor, end: Tensor, weight: Tensor) -> Tensor:
    """Rotations at constant angular speed from ``start`` (weight 0) to ``end`` (weight 1).

    start, end (..., 3, 3); weight (...) broadcast against the batch dimensions.
    """
    relative = matrix_to_axis_angle(start.transpose(-1, -2) @ end)
    return start @ axis_angle_to_matrix(relative * weight[..., None])


def mirror_rotations(rotations: Tensor) -> Tensor:
    """Local joint rotations (..., 24, 3, 3) of the body in a mirror: left and right exchanged, the reflection x -> -x."""
    flip = torch.tensor([-1.0, 1.0, 1.0], dtype=rotations.dtype, device=rotations.device)
    return rotations[..., list(MIRRORED_JOINTS), :, :] * flip * flip[:, None]
