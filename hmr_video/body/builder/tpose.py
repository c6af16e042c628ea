"""From MakeHuman's A-pose to SMPL's T-pose."""

from itertools import pairwise

import numpy as np
from scipy.spatial.transform import Rotation

from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import JOINT_NAMES, PARENTS

PELVIS = np.array([0.0, -0.24, 0.0])  # where SMPL's lies at rest
# Limbs as chains of joints, and the direction of the first bones: arms sideways, legs down. Feet stay flat on the floor.
_ARM, _LEG = ("shoulder", "elbow", "wrist", "hand"), ("hip", "knee", "ankle")


def to_t_pose(vertices: Array, joints: Array, raw: Array, weights: Array) -> tuple[Array, Array]:
    """Turns limbs straight: vertices (N, V, 3), joints (N, 24, 3), weights (V, 24) -> vertices and joints in the T-pose.

    Directions of bones are taken between ``raw`` joints (N, 24, 3), as MakeHuman draws its bones along the limbs. Skinned with
    dual quaternions (Kavan et al., 2008), which keep the girth of shoulders where linear blending would pinch.
    """
    posed, moved = np.empty(vertices.shape, np.float32), np.empty_like(joints)
    for index in range(len(vertices)):
        turns = _straightening(raw[index])
        moved[index] = _forward(turns, joints[index])
        shift = moved[index] - np.einsum("jab,jb->ja", turns, joints[index])
        posed[index] = dual_quaternion_skinning(turns, shift, vertices[index].astype(np.float64), weights)
        offset = PELVIS - moved[index, 0]
        posed[index] += offset
        moved[index] += offset
    return posed, moved


def _straightening(joints: Array) -> Array:
    """World rotations (24, 3, 3) of joints (24, 3) that stretch the limbs."""
    turns = np.tile(np.eye(3), (24, 1, 1))
    for side, outward in (("left", 1.0), ("right", -1.0)):
        for chain, direction in ((_ARM, np.array([outward, 0, 0])), (_LEG, np.array([0, -1.0, 0]))):
            ids = [JOINT_NAMES.index(f"{side}_{name}") for name in chain]
            for start, end in pairwise(ids):
                turns[start] = _swing(joints[end] - joints[start], direction)
        turns[JOINT_NAMES.index(f"{side}_hand")] = turns[JOINT_NAMES.index(f"{side}_wrist")]
    return turns


def _swing(source: Array, target: Array) -> Array:
    """The smallest rotation (3, 3) that takes one direction to another."""
    a, b = source / np.linalg.norm(source), target / np.linalg.norm(target)
    axis = np.cross(a, b)
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.eye(3) + cross + cross @ cross / (1 + a @ b)


def _forward(turns: Array, joints: Array) -> Array:
    placed = joints.copy()
    for joint, parent in enumerate(PARENTS):
        if parent >= 0:
            placed[joint] = placed[parent] + turns[parent] @ (joints[joint] - joints[parent])
    return placed


def dual_quaternion_skinning(turns: Array, shift: Array, vertices: Array, weights: Array) -> Array:
    """v' = R v + t with (R, t) blended as dual quaternions: turns (24, 3, 3), shift (24, 3), vertices (V, 3), weights (V, 24)."""
    real = np.roll(Rotation.from_matrix(turns).as_quat(), 1, axis=1)  # (24, 4), w first
    dual = 0.5 * _product(np.pad(shift, ((0, 0), (1, 0))), real)
    sign = np.where((real @ real.T)[weights.argmax(1)] < 0, -1.0, 1.0)
    blended_real, blended_dual = (weights * sign) @ real, (weights * sign) @ dual
    length = np.linalg.norm(blended_real, axis=1, keepdims=True)
    blended_real, blended_dual = blended_real / length, blended_dual / length
    w, u = blended_real[:, :1], blended_real[:, 1:]
    moved = 2 * (w * blended_dual[:, 1:] - blended_dual[:, :1] * u + np.cross(u, blended_dual[:, 1:]))
    return vertices + 2 * np.cross(u, np.cross(u, vertices) + w * vertices) + moved


def _product(a: Array, b: Array) -> Array:
    """Hamilton's product of quaternions (..., 4), w first."""
    w = a[..., :1] * b[..., :1] - (a[..., 1:] * b[..., 1:]).sum(-1, keepdims=True)
    return np.concatenate([w, a[..., :1] * b[..., 1:] + b[..., :1] * a[..., 1:] + np.cross(a[..., 1:], b[..., 1:])], -1)
