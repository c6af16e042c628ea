"""A person's size, carried from one body to another."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hmr_video.body.base import Body
from hmr_video.geometry.skeleton import JOINT_NAMES

# Distances at rest that mean the same in every body: between joints, or between the middles of pairs of joints.
_DISTANCES = (
    ("hip", "knee"), ("knee", "ankle"), ("ankle", "foot"), ("shoulder", "elbow"), ("elbow", "wrist"),
    ("hips", "shoulders"), ("shoulders", "head"), ("left_hip", "right_hip"), ("left_shoulder", "right_shoulder"),
)  # fmt: skip
_SPREAD = 0.01  # metres: by how much bodies disagree about where joints are


def fit_betas(source: Body, betas: Tensor, target: Body) -> Tensor:
    """The shape (10,) of ``target`` whose limbs and trunk are as long as those of ``source`` with ``betas`` (10,).

    Least squares on distances between joints at rest, 1 cm to one standard deviation of each shape number.
    """
    from scipy.optimize import least_squares  # takes longer to import than most clips to fit

    wanted = _distances(source.rest_joints(betas.detach().double().cpu()).numpy())

    def residuals(shape: NDArray[np.float64]) -> NDArray[np.float64]:
        joints = target.rest_joints(torch.from_numpy(shape)).numpy()
        return np.concatenate([(_distances(joints) - wanted) / _SPREAD, shape])

    return torch.from_numpy(least_squares(residuals, np.zeros(10)).x).to(betas)


def _distances(joints: NDArray[np.float64]) -> NDArray[np.float64]:
    """Joints (24, 3) -> (9,) metres; limbs as the mean of left and right."""

    def at(name: str, side: str) -> NDArray[np.float64]:
        if name.endswith("s"):
            return (at(name[:-1], "left") + at(name[:-1], "right")) / 2
        return np.asarray(joints[JOINT_NAMES.index(name if name in JOINT_NAMES else f"{side}_{name}")])

    return np.array(
        [np.mean([np.linalg.norm(at(start, side) - at(end, side)) for side in ("left", "right")]) for start, end in _DISTANCES]
    )
