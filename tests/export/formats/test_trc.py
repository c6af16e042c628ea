"""OpenSim's pair of files, parsed as its readers do, and its coordinates put back on bones."""

import numpy as np
from scipy.spatial.transform import Rotation

from hmr_video.export import export
from hmr_video.export.actors import place
from hmr_video.geometry.skeleton import JOINT_NAMES

AXES = np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])  # OpenSim's: x forward, y up, z right
JOINTS = {
    "RHip": "right_hip",
    "LKnee": "left_knee",
    "RAnkle": "right_ankle",
    "LShoulder": "left_shoulder",
    "RWrist": "right_wrist",
}


def test_markers_are_where_the_joints_are_and_both_files_keep_one_clock(motions, body, tmp_path):
    paths = export(motions, body, tmp_path, ["trc"])
    assert [path.name for path in paths] == ["person_01.trc", "person_01.mot", "person_02.trc", "person_02.mot"]
    for trc, mot, motion in zip(paths[::2], paths[1::2], motions, strict=True):
        head, times, markers = _read_trc(trc)
        assert (head["DataRate"], head["NumFrames"], head["NumMarkers"], head["Units"]) == (
            "25.000000",
            str(len(motion)),
            "32",
            "m",
        )
        np.testing.assert_allclose(times, motion.timestamps - motions[0].timestamps[0], atol=1e-6)
        np.testing.assert_allclose(_read_mot(mot)["time"], times)
        actor = place(motion, body)
        for marker, joint in JOINTS.items():
            np.testing.assert_allclose(markers[marker] @ AXES, actor.joints[:, JOINT_NAMES.index(joint)], atol=1e-5)
        height = markers["Head"][:, 1] - markers["RBigToe"][:, 1]
        assert ((height > 1.2) & (height < 2)).all()


def test_a_models_legs_and_arms_turned_by_the_coordinates_point_as_the_body_does(motion, body, tmp_path):
    """Pelvis: tilt, list, rotation about z, x, y, each about the axes turned before; limbs alike, the left as in a mirror."""
    read = _read_mot(export([motion], body, tmp_path, ["trc"])[1])
    actor = place(motion, body)
    joints = actor.joints @ AXES.T
    pelvis = _turned(read, "pelvis_tilt", "pelvis_list", "pelvis_rotation")
    trunk = pelvis * _turned(read, "lumbar_extension", "lumbar_bending", "lumbar_rotation")
    down = np.array([0.0, -1, 0])
    for letter, side in (("r", "right"), ("l", "left")):
        for base, names, bone in (
            (pelvis, ("hip_flexion", "hip_adduction", "hip_rotation"), ("hip", "knee")),
            (trunk, ("arm_flex", "arm_add", "arm_rot"), ("shoulder", "elbow")),
        ):
            limb = base * _turned(read, *(f"{name}_{letter}" for name in names), mirrored=letter == "l")
            start, end = (joints[:, JOINT_NAMES.index(f"{side}_{joint}")] for joint in bone)
            rest = (
                actor.rest_joints[JOINT_NAMES.index(f"{side}_{bone[1]}")]
                - actor.rest_joints[JOINT_NAMES.index(f"{side}_{bone[0]}")]
            )
            along = down if bone[0] == "shoulder" else AXES @ rest / np.linalg.norm(rest)
            cosine = ((end - start) / np.linalg.norm(end - start, axis=1, keepdims=True) * limb.apply(along)).sum(1)
            assert np.degrees(np.arccos(cosine.clip(-1, 1))).max() < 0.5
    bend = np.degrees(np.linalg.norm(motion.poses[:, 12:15], axis=1))
    np.testing.assert_allclose(read["knee_angle_l"], bend, atol=4)
    assert np.ptp(read["pelvis_ty"]) < 0.1


def _turned(read, *names, mirrored=False):
    signs = np.array([1, -1, -1]) if mirrored else np.ones(3)
    return Rotation.from_euler("ZXY", np.stack([read[name] for name in names], 1) * signs, degrees=True)


def _read_trc(path):
    lines = path.read_text().split("\n")
    assert lines[0].split("\t") == ["PathFileType", "4", "(X/Y/Z)", path.name]
    head = dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=True))
    names = lines[3].split("\t")[2::3]
    axes = lines[4].split("\t")[2:]
    assert axes == [f"{axis}{number}" for number in range(1, len(names) + 1) for axis in "XYZ"]
    rows = np.array([[float(value) for value in line.split("\t")] for line in lines[6:] if line])
    np.testing.assert_array_equal(rows[:, 0], np.arange(1, len(rows) + 1))
    return head, rows[:, 1], {name: rows[:, 2 + 3 * index : 5 + 3 * index] for index, name in enumerate(names)}


def _read_mot(path):
    lines = path.read_text().split("\n")
    end = lines.index("endheader")
    head = dict(line.split("=") for line in lines[1:end])
    names = lines[end + 1].split("\t")
    rows = np.array([[float(value) for value in line.split("\t")] for line in lines[end + 2 :] if line])
    assert (int(head["nRows"]), int(head["nColumns"]), head["inDegrees"]) == (*rows.shape, "yes")
    return dict(zip(names, rows.T, strict=True))
