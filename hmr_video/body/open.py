"""The open body: linear blend skinning on a mesh from MakeHuman's CC0 data. No pose blendshapes, on purpose."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hmr_video.body.base import Body, float_tensor, regress_joints
from hmr_video.body.landmarks import find_tips, limb_ends, skin
from hmr_video.geometry.skeleton import PARENTS


class OpenBody(Body):
    """A body from the arrays of ``weights/open_body.npz``, which are named and shaped as SMPL's are.

    v_template (V, 3), f (F, 3), shapedirs (V, 3, 10), weights (V, 24), J_regressor (24, V), face_vertices (5,): which vertices
    are COCO's nose, left eye, right eye, left ear, right ear. Shape numbers have unit variance over adults; the first is stature.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]], name: str, digest: str) -> None:
        self.name, self.hash = name, digest
        self.faces = np.asarray(arrays["f"], np.int64)
        self.weights = float_tensor(arrays["weights"])
        self.weights /= self.weights.sum(1, keepdim=True)  # half precision on disk
        self.template, self.shapedirs = float_tensor(arrays["v_template"]), float_tensor(arrays["shapedirs"])
        self.joint_template, self.joint_shapedirs = regress_joints(arrays["J_regressor"], self.template, self.shapedirs)
        face = torch.from_numpy(np.asarray(arrays["face_vertices"], np.int64))
        self.face_template, self.face_shapedirs = self.template[face], self.shapedirs[face]
        self.limb_ends = limb_ends(
            self.tips(), self.template, self.shapedirs, self.weights, self.joint_template, self.joint_shapedirs
        )

    def tips(self) -> Sequence[int]:
        """Which vertices are the tips of toes, heels and fingers, see :func:`find_tips`."""
        return find_tips(self.template.numpy(), self.weights.numpy())

    def rest(self, betas: Tensor) -> tuple[Tensor, Tensor]:
        """See :meth:`Body.rest`."""
        shaped = self.template.to(betas) + (betas @ self.shapedirs.to(betas).flatten(0, 1).T).unflatten(-1, (-1, 3))
        return shaped, self.rest_joints(betas)

    def vertices(self, rotations: Tensor, betas: Tensor) -> tuple[Tensor, Tensor]:
        """See :meth:`Body.vertices`."""
        joints, turned = self.joints(rotations, betas)
        shaped, rest = self.rest(betas)
        return skin(self.bent(shaped, rotations), self.weights, joints, turned, rest), joints

    def bent(self, shaped: Tensor, rotations: Tensor) -> Tensor:
        """Vertices at rest (..., V, 3) as the pose, rotations (..., 24, 3, 3), bulges them: not at all."""
        return shaped


def four_influences(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Skinning weights (V, 24) of which at most four a vertex are not zero: what glTF and game engines carry.

    The file keeps a few vertices of the middle with five, because left and right tie for the last place. Both then give
    theirs to their nearest ancestor among the others (without one, to the strongest), so that the body stays symmetric.
    """
    weights = weights.copy()
    for vertex in np.flatnonzero((weights > 0).sum(1) > 4):
        row = weights[vertex]  # a view
        least = np.flatnonzero((row > 0) & (row == row[row > 0].min()))
        given, row[least] = row[least].copy(), 0.0
        for joint, weight in zip(least, given, strict=True):
            heir = PARENTS[joint]
            while heir >= 0 and row[heir] == 0:
                heir = PARENTS[heir]
            row[heir if heir >= 0 else row.argmax()] += weight
    return weights
