"""A user's own SMPL, run by smplx."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from hmr_video.body.landmarks import SMPL_FACE, SMPL_TIPS
from hmr_video.body.open import OpenBody


class SmplBody(OpenBody):
    """SMPL with its pose blendshapes, from the arrays that :func:`hmr_video.body.smpl_file.read_smpl` gives."""

    is_smpl = True

    def __init__(self, arrays: Mapping[str, NDArray[Any]], name: str, digest: str) -> None:
        import smplx
        from smplx.utils import Struct

        super().__init__({"face_vertices": np.array(SMPL_FACE)} | dict(arrays), name, digest)
        fields = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table", "f")
        struct = Struct(**{field: np.asarray(arrays[field]) for field in fields})
        self.model = smplx.SMPL(model_path="", data_struct=struct, create_transl=False).requires_grad_(False)

    def tips(self) -> Sequence[int]:
        """See :meth:`OpenBody.tips`."""
        return SMPL_TIPS

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
