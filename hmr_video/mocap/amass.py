"""AMASS-layout NPZ files of SMPL, SMPL-H and SMPL-X."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hmr_video.errors import InputError
from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.motion import Array, load_arrays

BODY_JOINTS = 22  # that all SMPL bodies have in common
_WIDTHS = {66: "22 joints", 72: "SMPL", 156: "SMPL-H", 165: "SMPL-X"}
_RATES = ("mocap_frame_rate", "mocap_framerate", "frame_rate", "framerate", "fps")
_WHOLE = ("poses",)
_PARTS = (("root_orient", "pose_body"), ("global_orient", "body_pose"))  # as SMPL-X's tools and smplx call them
_TRANS = ("trans", "transl")
_NEEDED = {*_RATES, *_WHOLE, *(name for pair in _PARTS for name in pair), *_TRANS}
# Of AMASS's own: the fit of a subject's shape, without motion.
WITHOUT_MOTION = ("shape.npz", "*_stagei.npz")


def read_amass_clip(path: Path) -> tuple[Tensor, Tensor, float]:
    """Local rotations (T, 24, 3, 3), trans (T, 3) in the file's own axes, and frames a second. Raises InputError.

    The joints that not all SMPL bodies have stay as at rest, but for SMPL's own hands; what nobody needs is not read.
    """
    data = load_arrays(path, _NEEDED)
    poses, trans = _poses(data), next((data[name] for name in _TRANS if name in data), None)
    if poses is None or trans is None:
        raise InputError(f"{path} has no poses and trans.", "Give motion capture in AMASS layout.")
    if poses.dtype.kind not in "fiu" or trans.dtype.kind not in "fiu":
        raise InputError(f"{path} has poses and trans that are not of numbers.", "Give motion capture in AMASS layout.")
    poses, trans = np.asarray(poses, np.float32), np.asarray(trans, np.float32)
    if poses.ndim == 3 and poses.shape[2] == 3:
        poses = poses.reshape(len(poses), -1)
    if poses.ndim != 2 or poses.shape[1] not in _WIDTHS or trans.shape != (len(poses), 3) or len(poses) == 0:
        known = ", ".join(f"{width} ({name})" for width, name in _WIDTHS.items())
        raise InputError(
            f"{path} has poses {poses.shape} and trans {trans.shape}.",
            f"Poses in axis-angle of width {known} and trans (T, 3) are read.",
        )
    if not (np.isfinite(poses).all() and np.isfinite(trans).all()):
        raise InputError(f"{path} holds numbers that are not finite.", "Remove or mend the file.")
    joints = torch.zeros(len(poses), 24, 3)
    count = 24 if poses.shape[1] == 72 else BODY_JOINTS
    joints[:, :count] = torch.from_numpy(poses).unflatten(1, (-1, 3))[:, :count]
    return axis_angle_to_matrix(joints), torch.from_numpy(trans), _rate(data, path)


def _poses(data: Mapping[str, Array]) -> Array | None:
    if "poses" in data:
        return data["poses"]
    for root, body in _PARTS:
        if root in data and body in data:
            return np.concatenate([data[part].reshape(len(data[part]), -1) for part in (root, body)], 1)
    return None


def _rate(data: Mapping[str, Array], path: Path) -> float:
    """Frames a second, in whatever shape and type they are written. Raises InputError."""
    for name in _RATES:
        values = np.ravel(data[name]) if name in data else np.zeros(0)
        try:
            rates = {float(value) for value in values}
        except ValueError:
            continue
        if len(rates) == 1 and 1 <= (rate := rates.pop()) <= 1000:
            return rate
    raise InputError(f"{path} states no usable mocap_frame_rate.", "Add the frames a second to the file.")


def y_up(rotations: Tensor, trans: Tensor) -> tuple[Tensor, Tensor]:
    """Motion (T, 24, 3, 3), (T, 3) of a world whose z points up in one whose y does.

    trans is smplx's, so the turn goes about the pelvis.
    """
    turn = torch.tensor([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    turned = rotations.clone()
    turned[:, 0] = turn @ rotations[:, 0]
    return turned, (trans + _pelvis()) @ turn.T - _pelvis()


@cache
def _pelvis() -> Tensor:
    """(3,) of the open body at rest; that of another body lies within a few centimetres."""
    from hmr_video.body import load_body

    return load_body("open").joint_template[0].float()
