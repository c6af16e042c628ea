"""The metrics of the field as pure functions. Points come in metres, (T, J, 3), errors go out in millimetres, one a frame.

Second and third differences are taken over neighbouring frames and scaled to 30 frames a second, so that numbers of videos
of other rates compare: an acceleration of 1 mm/frame^2 is 0.9 m/s^2.
"""

import torch
from torch import Tensor

from hmr_video.geometry.procrustes import procrustes_align
from hmr_video.geometry.weak_cameras import optimal_camera

MILLIMETRES = 1000.0
NOMINAL_RATE = 30.0  # frames a second that accelerations are given for
HIPS = (1, 2)  # SMPL joints whose midpoint aligns prediction and truth
FEET = (7, 8, 10, 11)  # ankles and balls
STANDING = 0.10  # m/s; a foot of the truth that moves less is on the floor

CROP = 224.0  # pixels, the paper's crops
CROP_DIAGONAL = 150.0  # pixels in the crop that the diagonal of the visible points' box is scaled to
PCK_PIXELS = 0.05 * CROP


def at_hips(points: Tensor, joints: Tensor) -> Tensor:
    """``points`` (..., P, 3) relative to the midpoint of the hips of ``joints`` (..., 24, 3)."""
    return points - joints[..., HIPS, :].mean(-2, keepdim=True)


def joint_error(points: Tensor, truth: Tensor) -> Tensor:
    """MPJPE, or PVE on vertices: the mean distance of (T, J, 3) from (T, J, 3), (T,) in mm. Align first, see `at_hips`."""
    return (points - truth).norm(dim=-1).mean(-1) * MILLIMETRES


def aligned_error(points: Tensor, truth: Tensor) -> Tensor:
    """PA-MPJPE: `joint_error` after a similarity transform per frame (Procrustes), (T,) in mm; NaN where a point is."""
    known = (points.isfinite() & truth.isfinite()).all(-1).all(-1)
    errors = torch.full_like(points[:, 0, 0], torch.nan)
    errors[known] = joint_error(procrustes_align(points[known], truth[known]), truth[known])
    return errors


def acceleration(points: Tensor, frame_rate: float) -> Tensor:
    """Second differences (T - 2, J, 3) in mm per frame^2 at 30 frames a second."""
    return (points[2:] - 2 * points[1:-1] + points[:-2]) * MILLIMETRES * (frame_rate / NOMINAL_RATE) ** 2


def acceleration_error(points: Tensor, truth: Tensor, frame_rate: float) -> Tensor:
    """Mean length of the difference of the accelerations, (T - 2,) in mm/frame^2 (Kanazawa et al., CVPR 2019)."""
    return (acceleration(points, frame_rate) - acceleration(truth, frame_rate)).norm(dim=-1).mean(-1)


def acceleration_level(points: Tensor, frame_rate: float) -> Tensor:
    """Mean length of the acceleration itself, (T - 2,) in mm/frame^2: near 0 for a frozen body."""
    return acceleration(points, frame_rate).norm(dim=-1).mean(-1)


def jitter(points: Tensor, frame_rate: float) -> Tensor:
    """Mean length of the third derivative, (T - 3,) in m/s^3 (Flash and Hogan, 1985, call it jerk)."""
    return torch.diff(points, n=3, dim=0).norm(dim=-1).mean(-1) * frame_rate**3


def bone_length_range(joints: Tensor, parents: tuple[int, ...]) -> Tensor:
    """Shape drift: by how much each bone's length varies over a clip (longest minus shortest), (J - 1,) in mm.

    joints (T, J, 3) with one parent per joint, the root's -1.
    """
    children = [joint for joint, parent in enumerate(parents) if parent >= 0]
    lengths = (joints[:, children] - joints[:, [parents[child] for child in children]]).norm(dim=-1)
    return (lengths.amax(0) - lengths.amin(0)) * MILLIMETRES


def foot_skating(joints: Tensor, truth: Tensor, frame_rate: float) -> Tensor:
    """How fast the feet move while those of the truth stand: (N,) in mm/s, one for each step of each standing foot joint.

    joints, truth (T, 24, 3) in a space that does not move with the body. Empty when no foot ever stands.
    """
    speed = torch.diff(joints[:, FEET], dim=0).norm(dim=-1) * frame_rate
    true_speed = torch.diff(truth[:, FEET], dim=0).norm(dim=-1) * frame_rate
    return speed[true_speed < STANDING] * MILLIMETRES


def paper_pck(points: Tensor, truth: Tensor, visible: Tensor) -> Tensor:
    """The paper's PCK: the share of visible points within 11.2 pixels of a 224-pixel crop after the optimal camera, (T,) in 0..1.

    points (T, J, 3) metres; truth (T, J, 2) pixels of the video; visible (T, J) bool. The crop scales the diagonal of the box
    around the visible points to 150 pixels. The camera is weak-perspective, solved in closed form per frame (section 3.3).
    Frames with no visible point or a box of no size give NaN.
    """
    inside = visible[..., None]
    low = torch.where(inside, truth, torch.inf).amin(1, keepdim=True)
    high = torch.where(inside, truth, -torch.inf).amax(1, keepdim=True)
    diagonal = (high - low).norm(dim=-1, keepdim=True)
    usable = (diagonal > 0) & diagonal.isfinite()
    scale = torch.where(usable, CROP_DIAGONAL / diagonal, torch.nan)
    half = CROP / 2
    normalised = torch.where(usable & inside, (truth - (low + high) / 2) * scale / half, 0.0)  # [-1, 1] is the crop
    camera = optimal_camera(points, normalised, visible)[:, None]
    projected = camera[..., :1] * (points[..., :2] + camera[..., 1:])
    near = ((projected - normalised).norm(dim=-1) * half < PCK_PIXELS) & visible
    return torch.where(usable[:, 0, 0], near.sum(1) / visible.sum(1).clamp_min(1), torch.nan)
