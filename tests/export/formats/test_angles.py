"""Anatomical angles of poses whose angles are known."""

import math

import numpy as np
import pytest
import torch

from hmr_video.export.formats.angles import joint_angles
from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.geometry.skeleton import JOINT_NAMES

# Joint -> axis-angle (x left, y up, z forward), and what an anatomist calls it, in degrees.
CASES = [
    ({"left_hip": (-40, 0, 0)}, {"left_hip_flexion": 40, "left_hip_abduction": 0}),
    ({"right_hip": (-40, 0, 0)}, {"right_hip_flexion": 40}),
    ({"left_hip": (0, 0, 25)}, {"left_hip_abduction": 25, "right_hip_abduction": 0}),
    ({"right_hip": (0, 0, -25)}, {"right_hip_abduction": 25}),
    ({"left_hip": (0, -15, 0)}, {"left_hip_internal_rotation": 15}),
    ({"right_hip": (0, 15, 0)}, {"right_hip_internal_rotation": 15}),
    ({"left_ankle": (-12, 0, 0)}, {"left_ankle_dorsiflexion": 12}),
    ({"left_ankle": (0, 0, -8)}, {"left_ankle_inversion": 8}),
    ({"right_ankle": (0, 0, 8)}, {"right_ankle_inversion": 8}),
    ({}, {"left_shoulder_elevation": 90, "right_shoulder_elevation": 90, "left_shoulder_plane": 0, "right_shoulder_plane": 0}),
    ({"left_shoulder": (0, 0, -60)}, {"left_shoulder_elevation": 30, "left_shoulder_internal_rotation": 0}),
    ({"right_shoulder": (0, 0, 60)}, {"right_shoulder_elevation": 30, "right_shoulder_internal_rotation": 0}),
    ({"left_shoulder": (0, -90, 0)}, {"left_shoulder_elevation": 90, "left_shoulder_plane": 90}),
    ({"right_shoulder": (0, 90, 0)}, {"right_shoulder_elevation": 90, "right_shoulder_plane": 90}),
    ({"spine3": (30, 0, 0)}, {"trunk_flexion": 30, "neck_flexion": -0}),
    ({"spine1": (0, 0, 10), "spine2": (0, 0, 10)}, {"trunk_bend": 20}),
    ({"spine2": (0, 20, 0)}, {"trunk_rotation": 20}),
    ({"head": (-15, 0, 0)}, {"neck_flexion": -15}),
    ({"pelvis": (0, 35, 0)}, {"pelvis_rotation": 35, "pelvis_tilt": 0, "left_hip_flexion": 0}),
    ({"pelvis": (10, 0, 0)}, {"pelvis_tilt": 10}),
]


@pytest.mark.parametrize(("turns", "expected"), CASES, ids=lambda case: "-".join(case) or "rest")
def test_known_rotations(turns, expected, body):
    angles = _angles(turns, body)
    for name, degrees in expected.items():
        assert angles[name] == pytest.approx(degrees, abs=1e-3), name


@pytest.mark.parametrize("side", ["left", "right"])
def test_hinges_bend_by_the_angle_between_their_bones(side, body):
    straight = _angles({}, body)
    sign = 1 if side == "right" else -1
    bent = _angles({f"{side}_knee": (70, 0, 0), f"{side}_elbow": (0, sign * 50, 0)}, body)
    assert straight[f"{side}_knee_flexion"] < 4  # the body stands with straight limbs
    assert straight[f"{side}_elbow_flexion"] < 4
    assert bent[f"{side}_knee_flexion"] == pytest.approx(70, abs=4)
    assert bent[f"{side}_elbow_flexion"] == pytest.approx(50, abs=4)


def test_both_sides_of_a_mirrored_pose_agree(body):
    rng = np.random.default_rng(3)
    turns = {name: rng.normal(0, 25, 3) for name in ("left_hip", "left_knee", "left_ankle", "left_collar", "left_shoulder")}
    mirrored = {name.replace("left", "right"): (x, -y, -z) for name, (x, y, z) in turns.items()}
    left, right = _angles(turns, body), _angles(mirrored, body)
    for name in left:
        if name.startswith("left_") and "knee" not in name and "elbow" not in name:
            assert left[name] == pytest.approx(right[name.replace("left", "right")], abs=1e-3), name


def _angles(turns, body) -> dict[str, float]:
    pose = torch.zeros(1, 24, 3)
    for name, degrees in turns.items():
        pose[0, JOINT_NAMES.index(name)] = torch.tensor([math.radians(value) for value in degrees])
    joints, rotations = body.joints(axis_angle_to_matrix(pose), torch.zeros(1, 10))
    angles = joint_angles(rotations.double().numpy(), joints.double().numpy())
    return {name: math.degrees(values[0]) for name, values in angles.items()}
