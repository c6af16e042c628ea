"""`Actor`: a Motion and its body, placed in the world that files are written in (metres, y up, right-handed)."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch

from hmr_video.body import Body
from hmr_video.geometry.rotations import axis_angle_to_matrix, matrix_to_axis_angle, matrix_to_quaternion, pose_matrices
from hmr_video.motion import Array, Motion

# From camera space (x right, y down, z forward) to y up without a levelled world: half a turn about x.
UPRIGHT = np.diag([1.0, -1.0, -1.0, 1.0])
_FEET = [10, 11]  # joints
_CHUNK = 32  # frames skinned at a time


def world_from_camera(motion: Motion) -> Array:
    """The rigid transforms (T, 4, 4) that exports apply: the world's where the result has one, else half a turn about x."""
    still = np.tile(UPRIGHT, (len(motion), 1, 1))
    return still if motion.world_from_camera is None else np.asarray(motion.world_from_camera, dtype=np.float64)


@dataclass(frozen=True)
class Actor:
    """One person in world space.

    Attributes:
        motion: where it came from; times, frame numbers and confidences are read there.
        body: the body it moves.
        rotations: (T, 24, 3, 3) float64 of each joint against its parent; the root's against the world.
        trans: (T, 3) float64; vertices = skinning(rotations, betas) + trans.
        rest_vertices, rest_joints: (V, 3) and (24, 3) float64 of this person's shape in the body's T-pose.
    """

    motion: Motion
    body: Body
    rotations: Array
    trans: Array
    rest_vertices: Array
    rest_joints: Array

    def __len__(self) -> int:
        return len(self.trans)

    @property
    def pelvis(self) -> Array:
        """(T, 3) positions of the root joint."""
        return self.rest_joints[0] + self.trans

    @property
    def floor(self) -> float:
        """The height of the floor: 0 in a levelled world, else where the lowest point of the feet comes down to."""
        if self.motion.world_from_camera is not None:
            return 0.0
        sole = self.rest_joints[_FEET, 1].min() - self.rest_vertices[:, 1].min()
        return float(self.joints[:, _FEET, 1].min() - sole)

    @property
    def joints(self) -> Array:
        """(T, 24, 3) joint positions."""
        return self._posed[0]

    @property
    def global_rotations(self) -> Array:
        """(T, 24, 3, 3) of each joint against the world."""
        return self._posed[1]

    @cached_property
    def _posed(self) -> tuple[Array, Array]:
        positions, rotations = self.body.joints(torch.from_numpy(self.rotations).float(), self._betas(len(self)))
        return positions.double().numpy() + self.trans[:, None], rotations.double().numpy()

    def vertices(self, indices: Array | None = None) -> Iterator[Array]:
        """The meshes (V, 3) float32 of all frames, or of those at ``indices``, one after the other."""
        indices = np.arange(len(self)) if indices is None else indices
        for start in range(0, len(indices), _CHUNK):
            chosen = indices[start : start + _CHUNK]
            rotations = torch.from_numpy(self.rotations[chosen]).float()
            with torch.inference_mode():
                vertices, _ = self.body.vertices(rotations, self._betas(len(chosen)))
            yield from (vertices.numpy() + self.trans[chosen, None]).astype(np.float32)

    def _betas(self, count: int) -> torch.Tensor:
        return torch.as_tensor(self.motion.betas, dtype=torch.float32).expand(count, 10)


def place(motion: Motion, body: Body) -> Actor:
    """Carries a result from camera space into the world of the exports.

    The root turns about the pelvis J0, so with x' = A x + b: R0' = A R0 and trans' = A (J0 + trans) + b - J0.
    """
    transform = world_from_camera(motion)
    turn, shift = transform[:, :3, :3], transform[:, :3, 3]
    rest = body.rest(torch.as_tensor(motion.betas, dtype=torch.float32))
    vertices, joints = (points.double().numpy() for points in rest)
    rotations = pose_matrices(motion.poses).numpy()
    rotations[:, 0] = turn @ rotations[:, 0]
    trans = np.einsum("tab,tb->ta", turn, joints[0] + motion.trans) + shift - joints[0]
    return Actor(motion, body, rotations, trans, vertices, joints)


def skinned(motion: Motion, body: Body, rows: Array) -> torch.Tensor:
    """The meshes (N, V, 3) of some frames of a result, in camera space."""
    rotations = axis_angle_to_matrix(torch.as_tensor(motion.poses[rows]).float().reshape(-1, 24, 3))
    with torch.inference_mode():
        vertices, _ = body.vertices(rotations, torch.as_tensor(motion.betas).float().expand(len(rows), 10))
    return vertices + torch.as_tensor(motion.trans[rows]).float()[:, None]


def unplaced(actor: Actor, rotations: Array, trans: Array) -> Motion:
    """The actor's motion with other rotations (T, 24, 3, 3) and translation (T, 3) in the world: the inverse of :func:`place`."""
    transform = world_from_camera(actor.motion)
    turn, shift = transform[:, :3, :3], transform[:, :3, 3]
    joints = replace(actor, rotations=rotations, trans=trans).joints
    own = rotations.copy()
    own[:, 0] = np.swapaxes(turn, 1, 2) @ own[:, 0]
    return actor.motion.replace(
        poses=matrix_to_axis_angle(torch.from_numpy(own)).reshape(-1, 72).numpy(),
        trans=np.einsum("tba,tb->ta", turn, actor.rest_joints[0] + trans - shift) - actor.rest_joints[0],
        joints3d=(joints - shift[:, None]) @ turn,
    )


def by_frame(motions: Sequence[Motion], values: Iterable[Iterable[Any]]) -> dict[int, Any]:
    """What each person's ``values``, one a frame, are by the number of the frame: for what all people of a frame share."""
    known: dict[int, Any] = {}
    for motion, own in zip(motions, values, strict=True):
        known |= zip(motion.frame_ids.tolist(), own, strict=True)
    return known


def headings(hips: Array) -> Array:
    """Rotations (T, 3, 3) about the vertical alone, those nearest to rotations (T, 3, 3)."""
    angle = np.arctan2(hips[:, 0, 2] - hips[:, 2, 0], hips[:, 0, 0] + hips[:, 2, 2])
    sine, cosine, zero, one = np.sin(angle), np.cos(angle), np.zeros_like(angle), np.ones_like(angle)
    return np.stack([cosine, zero, sine, zero, one, zero, -sine, zero, cosine], -1).reshape(-1, 3, 3)


def continuous_quaternions(rotations: Array) -> Array:
    """(T, ..., 3, 3) -> (T, ..., 4) x y z w; of q and -q the one nearer to the frame before, as players that blend need it."""
    quaternions = np.roll(matrix_to_quaternion(torch.from_numpy(rotations)).numpy(), -1, axis=-1)
    flips = np.sum(quaternions[1:] * quaternions[:-1], axis=-1) < 0
    signs = np.cumprod(np.where(flips, -1.0, 1.0), axis=0)
    quaternions[1:] *= signs[..., None]
    return quaternions
