"""Anatomical joint angles from the rotations of the SMPL skeleton.

The convention follows the International Society of Biomechanics (Wu et al., 2002 and 2005; Grood and Suntay, 1983; Baker, 2001
for the pelvis) as far as 24 joints allow. Axes of a segment in the body's rest pose: x left, y up, z forward. All angles are in
radians and 0 in the anatomical position (standing, arms hanging). The left side is mirrored first, so that one sign means one
thing on both sides:

* hip: flexion (thigh forward), abduction (away from the middle), internal rotation; Cardan flexion, abduction, rotation.
* knee, elbow: flexion, the angle between the two bones, 0 when straight; from joint positions, so it is never negative.
* ankle: dorsiflexion (toes up) and inversion (sole inward). COCO keypoints stop at the ankle: a guess of the model.
* shoulder: the upper arm against the thorax; plane of elevation (0 abduction, pi/2 forward flexion; without meaning while the
  arm hangs), elevation (0 hanging), internal rotation. The first two are the society's. Its third angle is counted from the
  plane and jumps with it; ours is the turn about the upper arm's axis that is left after the swing (the sum of both).
* trunk (thorax against pelvis), neck (head against thorax): flexion (forward), bend to the right, rotation to the left.
* pelvis (against the world): rotation to the left, obliquity (right side down), tilt (forward).
"""

import warnings

import numpy as np
from scipy.spatial.transform import Rotation

from hmr_video.geometry.skeleton import JOINT_NAMES
from hmr_video.motion import Array

_MIRROR = np.diag([-1.0, 1.0, 1.0])
_HANGING = Rotation.from_euler("z", -np.pi / 2).as_matrix()  # turns a right arm that hangs to where it rests
_INDEX = {name: index for index, name in enumerate(JOINT_NAMES)}


def joint_angles(global_rotations: Array, joints: Array) -> dict[str, Array]:
    """The angles of one person by name, each (T,) in radians.

    global_rotations: (T, 24, 3, 3) of each joint against a world with y up; joints: (T, 24, 3) positions.
    """
    angles: dict[str, Array] = {}
    pelvis, thorax, head = (global_rotations[:, _INDEX[name]] for name in ("pelvis", "spine3", "head"))
    angles["pelvis_rotation"], angles["pelvis_obliquity"], angles["pelvis_tilt"] = _euler("YZX", pelvis)
    for name, proximal, distal in (("trunk", pelvis, thorax), ("neck", thorax, head)):
        turns = _euler("XZY", _transposed(proximal) @ distal)
        angles |= {f"{name}_{motion}": turn for motion, turn in zip(("flexion", "bend", "rotation"), turns, strict=True)}
    for side in ("left", "right"):
        angles |= {f"{side}_{name}": values for name, values in _limb_angles(side, global_rotations, joints).items()}
    return angles


def _limb_angles(side: str, global_rotations: Array, joints: Array) -> dict[str, Array]:
    """The angles of one leg and one arm, of a left side as if it were a right one."""

    def bend(first: str, middle: str, last: str) -> Array:
        a, b, c = (joints[:, _INDEX[f"{side}_{name}"]] for name in (first, middle, last))
        return _angle(b - a, c - b)

    hip_x, hip_z, hip_y = _euler("XZY", _between(global_rotations, side, "pelvis", "hip"))
    ankle_x, ankle_z, _ = _euler("XZY", _between(global_rotations, side, f"{side}_knee", "ankle"))
    plane, elevation, twist = _shoulder(_between(global_rotations, side, "spine3", "shoulder"))
    return {
        "hip_flexion": -hip_x,
        "hip_abduction": -hip_z,
        "hip_internal_rotation": hip_y,
        "knee_flexion": bend("hip", "knee", "ankle"),
        "ankle_dorsiflexion": -ankle_x,
        "ankle_inversion": ankle_z,
        "shoulder_plane": plane,
        "shoulder_elevation": elevation,
        "shoulder_internal_rotation": twist,
        "elbow_flexion": bend("shoulder", "elbow", "wrist"),
    }


def arm_angles(side: str, global_rotations: Array) -> Array:
    """Flexion, adduction and internal rotation (3, T) of an upper arm against the thorax, Cardan angles from the hanging arm."""
    turns = _euler("XZY", _between(global_rotations, side, "spine3", "shoulder") @ _HANGING)
    return np.unwrap(turns * np.array([[-1.0], [1.0], [1.0]]), axis=1)


def _between(global_rotations: Array, side: str, proximal: str, joint: str) -> Array:
    """Rotations (T, 3, 3) of one side's joint against another joint, of a left side as if it were a right one."""
    relative = _transposed(global_rotations[:, _INDEX[proximal]]) @ global_rotations[:, _INDEX[f"{side}_{joint}"]]
    return _MIRROR @ relative @ _MIRROR if side == "left" else relative


def _shoulder(rotation: Array) -> tuple[Array, Array, Array]:
    """Plane, elevation and internal rotation of a right upper arm against the thorax, (T, 3, 3) -> three of (T,).

    rotation is the identity in the T-pose, where the arm is elevated by pi/2 already.
    """
    first, elevation, second = _euler("YZY", rotation @ _HANGING)
    return _wrap(first + np.pi), elevation, _wrap(first + second)


def _euler(axes: str, rotations: Array) -> Array:
    """Intrinsic angles (3, T) of (T, 3, 3). At a gimbal lock the last is 0, which scipy warns of and we accept."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Gimbal lock")
        return Rotation.from_matrix(rotations).as_euler(axes).T


def _angle(a: Array, b: Array) -> Array:
    """The angle between vectors (T, 3), in [0, pi]; exact near both ends, which the arc cosine is not."""
    return np.arctan2(np.linalg.norm(np.cross(a, b), axis=-1), np.sum(a * b, axis=-1))


def _wrap(angle: Array) -> Array:
    """Into [-pi, pi)."""
    return (angle + np.pi) % (2 * np.pi) - np.pi


def _transposed(rotations: Array) -> Array:
    return np.swapaxes(rotations, -1, -2)
