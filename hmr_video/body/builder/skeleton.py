"""From MakeHuman's bones to SMPL's 24 joints, at the centres of rotation that anthropometry gives."""

import numpy as np
from scipy.spatial import cKDTree

from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import JOINT_NAMES

# How far the raw bone heads are from the centres of rotation, and in which direction.
#
# Hips: MakeHuman's thighs begin at 0.130 of stature apart. Centres of the hip lie 0.36 of the distance between the anterior
# iliac spines (0.24 m in adults) from the middle (Bell, Pedersen and Brand, J. Biomech. 23, 1990): 0.10 of stature apart.
HIP_INWARD = 0.107  # of the distance between the hips, each
# Knees: raw, thigh to shank is 0.90. Between joint centres it is 0.97 in de Leva (J. Biomech. 29, 1996, men) and 1.00 in
# Drillis and Contini (1966, in Winter, "Biomechanics and Motor Control": 0.245 and 0.246 of stature, the knee 0.285 above
# the floor). Moved down to where the mesh has its kneecap, which gives 0.245 and 0.238, the knee 0.283 above the floor.
KNEE_DOWN = 0.066  # of the raw shank
# The rest agree with those tables as they are: upper arm 0.152 and forearm 0.136 of stature (de Leva 0.162 and 0.155, from a
# shoulder that hangs lower; SMPL's are near 0.15 and 0.155), shoulders 0.204 apart, hips 0.528 above the floor (0.530).


def joint_of_bone(bone: str) -> int:
    """The joint that moves what a bone of MakeHuman moves."""
    stem, _, side = bone.partition(".")
    prefix = {"L": "left_", "R": "right_"}.get(side, "")
    for start, joint in _STEMS:
        if stem.startswith(start):
            return JOINT_NAMES.index(joint if joint in _CENTRAL else prefix + joint)
    raise KeyError(bone)


_CENTRAL = ("pelvis", "spine1", "spine2", "spine3", "neck", "head")
_STEMS = (
    ("root", "pelvis"), ("pelvis", "pelvis"), ("spine05", "pelvis"), ("spine04", "pelvis"),
    ("spine03", "spine1"), ("spine02", "spine2"), ("spine01", "spine3"), ("neck", "neck"), ("head", "head"), ("eye", "head"),
    ("upperleg", "hip"), ("lowerleg", "knee"), ("foot", "ankle"), ("toe", "foot"),
    ("clavicle", "collar"), ("shoulder01", "collar"), ("upperarm", "shoulder"), ("lowerarm", "elbow"),
    ("wrist", "wrist"), ("metacarpal", "wrist"), ("finger1", "wrist"), ("finger", "hand"),
)  # fmt: skip

# Where a joint is: the mean of the heads of these bones.
_HEADS = {
    "pelvis": ("root", "spine04"), "spine1": ("spine03",), "spine2": ("spine02",), "spine3": ("spine01",),
    "neck": ("neck01",), "head": ("head",),
    "hip": ("upperleg01",), "knee": ("lowerleg01",), "ankle": ("foot",), "foot": tuple(f"toe{n}-1" for n in range(1, 6)),
    "collar": ("clavicle", "shoulder01"), "shoulder": ("upperarm01",), "elbow": ("lowerarm01",), "wrist": ("wrist",),
    "hand": tuple(f"finger{n}-1" for n in range(2, 6)),
}  # fmt: skip


def raw_joints(heads: Array, bones: tuple[str, ...]) -> Array:
    """Bone heads (N, B, 3) -> SMPL's joints (N, 24, 3), before they are mended."""
    joints = []
    for name in JOINT_NAMES:
        side, _, stem = name.rpartition("_")
        suffix = {"left": ".L", "right": ".R"}.get(side, "")
        joints.append(heads[:, [bones.index(bone + suffix) for bone in _HEADS[stem]]].mean(1))
    return np.stack(joints, 1).astype(np.float64)


def mended_joints(raw: Array) -> Array:
    """Joints (N, 24, 3) with hips and knees at their centres of rotation."""
    joints = raw.copy()
    for side, other in (("left", "right"), ("right", "left")):
        hip, other_hip, knee, ankle = (
            JOINT_NAMES.index(name) for name in (f"{side}_hip", f"{other}_hip", f"{side}_knee", f"{side}_ankle")
        )
        joints[:, hip] += HIP_INWARD * (raw[:, other_hip] - raw[:, hip])
        joints[:, knee] += KNEE_DOWN * (raw[:, ankle] - raw[:, knee])
    return joints


def joint_weights(weights: Array, bones: tuple[str, ...]) -> Array:
    """Weights of bones (V, B) -> weights of joints (V, 24)."""
    merged = np.zeros((len(weights), len(JOINT_NAMES)))
    for column, bone in enumerate(bones):
        merged[:, joint_of_bone(bone)] += weights[:, column]
    return merged


def strongest(weights: Array, count: int = 4) -> Array:
    """The ``count`` largest weights of each vertex, as SMPL keeps them, and those equal to the least; rows sum to 1. (V, 24)"""
    least = np.sort(weights, 1)[:, -count, None]
    kept = np.where(weights >= np.maximum(least, 1e-3), weights, 0)
    return kept / kept.sum(1, keepdims=True)


def follow_knees(weights: Array, vertices: Array, raw: Array, joints: Array, reach: float = 0.25) -> Array:
    """Moves the bend of the skin with the knees: weights (V, 24) of a mesh (V, 3); ``raw`` joints (24, 3) went to ``joints``.

    A vertex takes the weights that the mesh had at the place it would have been at, had the knee carried its surroundings along;
    the shift fades out ``reach`` metres from the knee.
    """
    moved = weights.copy()
    for name in ("left_knee", "right_knee"):
        joint = JOINT_NAMES.index(name)
        leg = np.nonzero(vertices[:, 0] * joints[joint, 0] > 0)[0]
        distance = np.linalg.norm(vertices[leg] - joints[joint], axis=1) / reach
        fade = np.where(distance < 1, (1 - distance**2).clip(0) ** 2, 0)
        near = leg[fade > 0]
        origin = vertices[near] + fade[fade > 0, None] * (raw[joint] - joints[joint])
        gaps, neighbours = cKDTree(vertices[leg]).query(origin, 4)
        share = 1 / (gaps + 1e-4) ** 2
        share /= share.sum(1, keepdims=True)
        moved[near] = np.einsum("vk,vkj->vj", share, weights[leg[neighbours]])
    return moved
