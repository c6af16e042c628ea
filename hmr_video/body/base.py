"""`Body`: what every body can do, whatever file it comes from."""

from abc import ABC, abstractmethod
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hmr_video.body.landmarks import LimbEnds
from hmr_video.geometry.skeleton import COCO_LIMBS, LIMB_JOINTS, PARENTS

# Joints in their order, by their distance from the root: the parents of each level are in the one before it.
_LEVELS = ((0,), (1, 2, 3), (4, 5, 6), (7, 8, 9), (10, 11, 12, 13, 14), (15, 16, 17), (18, 19), (20, 21), (22, 23))
_SIZES = [len(level) for level in _LEVELS]
_PARENTS_WITHIN = [[before.index(PARENTS[joint]) for joint in level] for before, level in pairwise(_LEVELS)]
_BONE_STARTS = [0, *PARENTS[1:]]
_HEAD = 15


class Body(ABC):
    """A skinned body of 24 SMPL joints and 10 shape numbers.

    Attributes:
        name, hash: the body's name and the SHA-256 of its file.
        faces: (F, 3) int64 triangles, counter-clockwise seen from outside.
        weights: (V, 24) how much each joint moves each vertex.
        joint_template: (24, 3) metres, the mean shape's joints at rest; joint_shapedirs: (24, 3, 10) how they move with betas.
        is_smpl: whether betas are SMPL's own shape numbers, which other tools understand.
        face_template: (5, 3) nose, eyes, ears at rest; face_shapedirs: (5, 3, 10).
        limb_ends: the points of feet and hands.
    """

    name: str
    hash: str
    faces: NDArray[np.int64]
    weights: Tensor
    joint_template: Tensor
    joint_shapedirs: Tensor
    face_template: Tensor
    face_shapedirs: Tensor
    limb_ends: LimbEnds
    parents: tuple[int, ...] = PARENTS
    is_smpl: bool = False

    @property
    def num_vertices(self) -> int:
        """V."""
        return len(self.weights)

    @abstractmethod
    def rest(self, betas: Tensor) -> tuple[Tensor, Tensor]:
        """The body at rest.

        Args:
            betas: (..., 10) shapes.

        Returns:
            Vertices (..., V, 3) and joints (..., 24, 3) in metres.
        """

    @abstractmethod
    def vertices(self, rotations: Tensor, betas: Tensor) -> tuple[Tensor, Tensor]:
        """The body posed, by linear blend skinning, without translation.

        Args:
            rotations: (..., 24, 3, 3) of each joint in its parent's frame; the root's in the space of the result.
            betas: (..., 10) shapes.

        Returns:
            Vertices (..., V, 3) and joints (..., 24, 3) in metres.
        """

    def rest_joints(self, betas: Tensor) -> Tensor:
        """Joints at rest (..., 24, 3) of shapes (..., 10)."""
        return self.joint_template.to(betas) + torch.einsum("jcb,...b->...jc", self.joint_shapedirs.to(betas), betas)

    def joints(self, rotations: Tensor, betas: Tensor) -> tuple[Tensor, Tensor]:
        """Forward kinematics, no mesh; the pelvis stays where it rests, as in smplx.

        Args:
            rotations: (..., 24, 3, 3) of each joint in its parent's frame.
            betas: (..., 10) shapes.

        Returns:
            Joints (..., 24, 3) in metres, and their rotations in the body's frame (..., 24, 3, 3).
        """
        rest = self.rest_joints(betas).expand(*rotations.shape[:-3], -1, -1)
        bones = rest - rest[..., _BONE_STARTS, :]  # the pelvis's is zero
        locals_by_level, bones_by_level = rotations.split(_SIZES, -3), bones.split(_SIZES, -2)
        turned, placed = [locals_by_level[0]], [rest[..., :1, :]]
        for parents, local, bone in zip(_PARENTS_WITHIN, locals_by_level[1:], bones_by_level[1:], strict=True):
            frame, origin = turned[-1][..., parents, :, :], placed[-1][..., parents, :]  # (..., L, 3, 3), (..., L, 3)
            placed.append(origin + (frame @ bone[..., None]).squeeze(-1))
            turned.append(frame @ local)
        return torch.cat(placed, -2), torch.cat(turned, -3)

    def coco_from_joints(self, joints: Tensor, turned: Tensor, betas: Tensor) -> Tensor:
        """The COCO keypoints (..., 17, 3) of what `joints` gave: limbs are joints, the face rides on the head."""
        rest_head = self.rest_joints(betas)[..., _HEAD : _HEAD + 1, :]
        face = self.face_template.to(betas) + torch.einsum("jcb,...b->...jc", self.face_shapedirs.to(betas), betas)
        face = joints[..., _HEAD : _HEAD + 1, :] + (turned[..., _HEAD : _HEAD + 1, :, :] @ (face - rest_head)[..., None]).squeeze(
            -1
        )
        return torch.cat([face, joints[..., _COCO_JOINTS, :]], -2)

    def landmarks_from_joints(self, joints: Tensor, turned: Tensor, betas: Tensor) -> Tensor:
        """The points ``LANDMARKS`` (..., 29, 3) of what `joints` gave: COCO's, then those of feet and hands."""
        ends = self.limb_ends.posed(joints, turned, self.rest_joints(betas), betas)
        return torch.cat([self.coco_from_joints(joints, turned, betas), ends], -2)

    def coco_keypoints(self, rotations: Tensor, betas: Tensor) -> Tensor:
        """The COCO keypoints (..., 17, 3) of posed bodies."""
        joints, turned = self.joints(rotations, betas)
        return self.coco_from_joints(joints, turned, betas)


# For COCO keypoints 5 to 16, the SMPL joint that is the same point.
_COCO_JOINTS = [joint for _, joint in sorted(zip(COCO_LIMBS, LIMB_JOINTS, strict=True))]


def float_tensor(array: Any) -> Tensor:
    """A float32 tensor of its own."""
    return torch.from_numpy(np.array(array, np.float32))


def regress_joints(regressor: Any, template: Tensor, shapedirs: Tensor) -> tuple[Tensor, Tensor]:
    """Joints of the mean shape (24, 3) and how they move with betas (24, 3, 10), for a regressor (24, V). Summed in double."""
    rows = torch.from_numpy(np.array(regressor, np.float64))
    return (rows @ template.double()).float(), torch.einsum("jv,vcb->jcb", rows, shapedirs.double()).float()
