"""The SMPL constants inside an imported checkpoint: linear blend skinning with pose blendshapes, and the paper's 25 keypoints."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from torch import Tensor

from hmr_video.body.base import float_tensor
from hmr_video.body.landmarks import SMPL_FACE, SMPL_TIPS
from hmr_video.body.open import OpenBody
from hmr_video.errors import AssetError
from hmr_video.files import sha256

PREFIX = "smpl."


class PublishedBody(OpenBody):
    """SMPL as the paper's checkpoint holds it: what the open body has, posedirs (V, 3, 207) and keypoint_regressor (25, V).

    The faces are missing when the import was not given any; then to ask for them is an AssetError, all else works.
    """

    is_smpl = True

    def __init__(self, arrays: Mapping[str, NDArray[Any]], name: str, digest: str) -> None:
        no_faces = np.zeros((0, 3), np.int64)
        super().__init__({"f": no_faces, "face_vertices": np.array(SMPL_FACE)} | dict(arrays), name, digest)
        self.posedirs = float_tensor(arrays["posedirs"])
        self.keypoint_regressor = float_tensor(arrays["keypoint_regressor"])

    def tips(self) -> Sequence[int]:
        """See :meth:`OpenBody.tips`."""
        return SMPL_TIPS

    @property
    def faces(self) -> NDArray[np.int64]:
        """(F, 3) triangles. Raises AssetError."""
        if len(self._faces) == 0:
            raise AssetError(
                f"The body in {self.name} has no faces, so there is no mesh to draw or to export.",
                "Import the checkpoint again with --faces, or choose another body with --body.",
            )
        return self._faces

    @faces.setter
    def faces(self, faces: NDArray[np.int64]) -> None:
        self._faces = faces

    def bent(self, shaped: Tensor, rotations: Tensor) -> Tensor:
        """With pose blendshapes: v + P (R - I) over the 23 joints but the root (SMPL, eq. 9)."""
        turns = (rotations[..., 1:, :, :] - torch.eye(3, dtype=rotations.dtype)).flatten(-3)  # (..., 207)
        return shaped + (turns @ self.posedirs.to(turns).flatten(0, 1).T).unflatten(-1, (-1, 3))

    def keypoints(self, vertices: Tensor) -> Tensor:
        """The paper's 25 keypoints (..., 25, 3) of vertices (..., V, 3): LSP's 14 joints, 5 face points, 6 of the feet."""
        return self.keypoint_regressor.to(vertices) @ vertices


def read_published_body(path: Path) -> PublishedBody:
    """The body inside an imported weight file. Raises AssetError when it is damaged or holds none."""
    try:
        with safe_open(path, "np") as stream:
            names = [name for name in stream.keys() if name.startswith(PREFIX)]  # noqa: SIM118
            arrays = {name.removeprefix(PREFIX): stream.get_tensor(name) for name in names}
        return PublishedBody(arrays, str(path), sha256(path))
    except (SafetensorError, OSError, KeyError) as error:
        raise AssetError(
            f"{path} holds no body ({error}).", "Import the paper's checkpoint, or choose another --body."
        ) from error
