"""A user's own SMPL, run by smplx."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hmr_video.body.base import Body, regress_joints
from hmr_video.body.landmarks import SMPL_TIPS, limb_ends

# Vertices of SMPL's mesh, and of no other: nose, left eye, right eye, left ear, right ear.
FACE_VERTICES = (332, 2800, 6260, 583, 4071)


class SmplBody(Body):
    """SMPL with its pose blendshapes, from the arrays that :func:`hmr_video.body.smpl_file.read_smpl` gives."""

    is_smpl = True

    def __init__(self, arrays: Mapping[str, NDArray[Any]], name: str, digest: str) -> None:
        import smplx
        from smplx.utils import Struct

        self.name, self.hash = name, digest
        self.faces = np.asarray(arrays["f"], np.int64)
        fields = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table", "f")
        struct = Struct(**{field: np.asarray(arrays[field]) for field in fields})
        self.model = smplx.SMPL(model_path="", data_struct=struct, create_transl=False).requires_grad_(False)
        self.weights = self.model.lbs_weights
        self.template, self.shapedirs = self.model.v_template, self.model.shapedirs
        self.joint_template, self.joint_shapedirs = regress_joints(arrays["J_regressor"], self.template, self.shapedirs)
        face = torch.tensor(FACE_VERTICES)
        self.face_template, self.face_shapedirs = self.template[face], self.shapedirs[face]
        self.limb_ends = limb_ends(
            SMPL_TIPS, self.template, self.shapedirs, self.weights, self.joint_template, self.joint_shapedirs
        )

    def rest(self, betas: Tensor) -> tuple[Tensor, Tensor]:
        """See :meth:`Body.rest`."""
        shaped = self.template.to(betas) + (betas @ self.shapedirs.to(betas).flatten(0, 1).T).unflatten(-1, (-1, 3))
        return shaped, self.rest_joints(betas)

    def vertices(self, rotations: Tensor, betas: Tensor) -> tuple[Tensor, Tensor]:
        """See :meth:`Body.vertices`."""
        batch = rotations.shape[:-3]
        poses = rotations.reshape(-1, 24, 3, 3)
        posed = self.model(
            betas=betas.expand(*batch, 10).reshape(-1, 10),
            global_orient=poses[:, :1],
            body_pose=poses[:, 1:],
            pose2rot=False,
        )
        return posed.vertices.reshape(*batch, -1, 3), posed.joints[:, :24].reshape(*batch, 24, 3)
