"""Readers of published test sets, on tiny files of their layouts made here."""

import os
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from hmr_video.errors import InputError
from hmr_video.evaluate import compare
from hmr_video.evaluate.datasets import read_3dpw, read_emdb, read_human36m, read_rich

FRAMES = 6


def write_cdf(path, values):
    """A file like those of Human3.6M: one float32 variable `Pose` of shape (1, T, D)."""
    from cdflib.cdfwrite import CDF

    path.parent.mkdir(parents=True, exist_ok=True)
    with CDF(str(path), {"Majority": "row_major", "Encoding": 6}) as cdf:
        spec = {
            "Variable": "Pose", "Data_Type": 44, "Num_Elements": 1, "Rec_Vary": True, "Dim_Sizes": list(values.shape),
        }  # fmt: skip
        cdf.write_var(spec, var_data=values[None].astype(np.float32))


@pytest.fixture
def human36m(tmp_path):
    """Random points 4 m before a camera with focal lengths 1145 and 1144 and centre (512, 515)."""
    points = np.random.default_rng(0).normal(np.array([0, 0, 4000]), 400, (FRAMES, 32, 3))
    pixels = points[..., :2] / points[..., 2:] * [1145, 1144] + [512, 515]
    folder = tmp_path / "S9" / "MyPoseFeatures"
    write_cdf(folder / "D3_Positions_mono" / "Walking.54138969.cdf", points.reshape(FRAMES, 96))
    write_cdf(folder / "D2_Positions" / "Walking.54138969.cdf", pixels.reshape(FRAMES, 64))
    return folder / "D3_Positions_mono" / "Walking.54138969.cdf", points


def test_human36m_in_metres_with_its_camera(human36m):
    path, points = human36m
    (person,) = read_human36m(path)
    assert person.frame_rate == 50
    assert person.joints.shape == (FRAMES, 24, 3)
    left_leg, left_arm = points[:, [6, 7, 8]], points[:, [17, 18, 19]]  # Human3.6M numbers the right leg and the left arm first
    np.testing.assert_allclose(person.joints[:, [1, 4, 7]], left_leg / 1000, atol=1e-6)
    np.testing.assert_allclose(person.joints[:, [16, 18, 20]], left_arm / 1000, atol=1e-6)
    np.testing.assert_allclose(person.joints[:, 21], points[:, 27] / 1000, atol=1e-6)  # right wrist
    assert person.joints[:, 3].isnan().all()  # there is no such joint
    expected = [[1145, 0, 512], [0, 1144, 515], [0, 0, 1]]
    np.testing.assert_allclose(person.camera_matrix, expected, rtol=1e-4)


def test_human36m_can_be_compared(human36m):
    (person,) = read_human36m(human36m[0])
    joints = person.joints.clone()
    joints[2] = torch.nan  # no valid pose, and so not counted
    with_gap = replace(person, joints=joints)
    for predicted, protocol in ((person, "default"), (person, "paper"), (with_gap, "default")):
        scores = compare(predicted, person, protocol)
        assert scores["mpjpe"] == 0
        assert scores["pa_mpjpe"] < 1e-6
    assert compare(person, person)["pck"] == 1


def test_human36m_needs_both_of_its_files(human36m):
    path, _ = human36m
    (path.parent.parent / "D2_Positions" / path.name).unlink()
    with pytest.raises(InputError, match="D2_Positions"):
        read_human36m(path)


@pytest.fixture
def walkers():
    """Two people in the layout of 3DPW, before a camera that moves; protocol 2 with text as Python 2 wrote it."""
    dice = np.random.default_rng(2)
    to_camera = np.tile(np.eye(4), (FRAMES, 1, 1))
    to_camera[:, :3, :3] = np.diag([1.0, -1.0, -1.0])  # the world is y up
    to_camera[:, :3, 3] = [[0.1 * t, 1.0, 5.0] for t in range(FRAMES)]
    people = [dice.normal(0, 0.4, (FRAMES, 72)) for _ in range(2)]
    return {
        "sequence": "downtown_walking_00",
        "jointPositions": people,
        "poses2d": [dice.uniform(0, 1, (FRAMES, 3, 18)) * np.array([[[900.0], [900.0], [1.0]]]) for _ in people],
        "campose_valid": [np.array([1, 1, 1, 1, 0, 1]), np.ones(FRAMES, int)],
        "cam_poses": to_camera,
        "cam_intrinsics": np.array([[1960.0, 0, 540], [0, 1960, 960], [0, 0, 1]]),
        "genders": ["m", "f"],
        "betas": [dice.normal(size=10) for _ in people],
    }


def test_3dpw_in_camera_space(tmp_path, walkers):
    path = tmp_path / "downtown_walking_00.pkl"
    path.write_bytes(pickle.dumps(walkers, protocol=2))
    one, two = read_3dpw(path)
    wrist = walkers["jointPositions"][1][3].reshape(24, 3)[20]
    np.testing.assert_allclose(two.joints[3, 20], wrist * [1, -1, -1] + [0.3, 1, 5])
    assert one.joints[4].isnan().all()
    assert not one.joints[[0, 1, 2, 3, 5]].isnan().any()
    np.testing.assert_allclose(two.keypoints[2, 0, :2], walkers["poses2d"][1][2, :2, 11])  # the left hip
    assert two.keypoints[2, 0, 2] == (walkers["poses2d"][1][2, 2, 11] > 0.1)
    assert compare(one, one)["mpjpe"] == 0


def test_a_pickle_of_something_else_is_refused_and_not_run(tmp_path, walkers):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    for name, content in (("trap", walkers | {"genders": [Trap()]}), ("other", {"a": 1}), ("list", [1, 2])):
        path = tmp_path / f"{name}.pkl"
        path.write_bytes(pickle.dumps(content, protocol=2))
        with pytest.raises(InputError):
            read_3dpw(path)
    assert not (tmp_path / "sprung").exists()


def test_emdb_in_the_world(tmp_path):
    generator, turn = np.random.default_rng(1), np.diag([1.0, -1.0, -1.0])
    extrinsics = np.tile(np.eye(4), (FRAMES, 1, 1))
    extrinsics[:, :3, :3], extrinsics[:, 2, 3] = turn, np.arange(FRAMES)
    smpl = {"poses_root": generator.normal(size=(FRAMES, 3)), "poses_body": generator.normal(size=(FRAMES, 69))}
    smpl |= {"trans": generator.normal(size=(FRAMES, 3)), "betas": generator.normal(size=10)}
    camera = {"extrinsics": extrinsics, "intrinsics": np.diag([900.0, 900.0, 1.0]), "width": 720, "height": 960}
    good = np.arange(FRAMES) > 1
    path = tmp_path / "P0_09_outdoor_walk_data.pkl"
    path.write_bytes(pickle.dumps({"gender": "female", "smpl": smpl, "camera": camera, "good_frames_mask": good}))
    capture = read_emdb(path)
    np.testing.assert_allclose(capture.poses, np.concatenate([smpl["poses_root"], smpl["poses_body"]], 1))
    np.testing.assert_allclose(capture.world_from_camera[3, :3, 3], [0, 0, 3])  # the centre, not the shift
    np.testing.assert_array_equal(capture.good, good)
    path.write_bytes(pickle.dumps({"smpl": smpl}))
    with pytest.raises(InputError):
        read_emdb(path)


def test_rich_in_the_world(tmp_path):
    bodies = np.random.default_rng(2).normal(size=(3, 63)).astype(np.float32)
    for frame, pose in enumerate(bodies):
        row = {
            "global_orient": np.ones((1, 3), np.float32),
            "body_pose": pose[None],
            "transl": np.full((1, 3), frame, np.float32),
        }
        row |= {"betas": np.zeros((1, 10), np.float32)}
        (tmp_path / f"{frame:05d}").mkdir()
        (tmp_path / f"{frame:05d}" / "001.pkl").write_bytes(pickle.dumps(row))
    calibration = tmp_path / "002.xml"
    matrix = "<rows>3</rows><cols>{}</cols><dt>d</dt><data>{}</data>"
    calibration.write_text(
        '<?xml version="1.0"?><opencv_storage><CameraMatrix type_id="opencv-matrix">'
        + matrix.format(4, "1 0 0 2. 0 1 0 0. 0 0 1 5.")
        + '</CameraMatrix><Intrinsics type_id="opencv-matrix">'
        + matrix.format(3, "700 0 320 0 700 180 0 0 1")
        + "</Intrinsics></opencv_storage>"
    )
    capture = read_rich(tmp_path, calibration, 1)
    np.testing.assert_allclose(capture.poses[2, 3:66], bodies[2])
    np.testing.assert_allclose(capture.trans[:, 0], [0, 1, 2])
    np.testing.assert_allclose(capture.world_from_camera[0, :3, 3], [-2, 0, -5])
    assert capture.camera_matrix[0, 2] == 320
    with pytest.raises(InputError):
        read_rich(tmp_path, calibration, 7)
