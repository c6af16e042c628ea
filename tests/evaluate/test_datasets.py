"""Readers of published test sets, on tiny files of their layouts made here."""

import numpy as np
import pytest
import torch

from hmr_video.errors import InputError
from hmr_video.evaluate import compare
from hmr_video.evaluate.datasets import H36M_JOINTS, read_human36m

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
    np.testing.assert_allclose(person.joints[:, 4], points[:, 7] / 1000, atol=1e-6)  # left knee
    np.testing.assert_allclose(person.joints[:, 21], points[:, 27] / 1000, atol=1e-6)  # right wrist
    assert person.joints[:, 3].isnan().all()  # there is no such joint
    expected = [[1145, 0, 512], [0, 1144, 515], [0, 0, 1]]
    np.testing.assert_allclose(person.camera_matrix, expected, rtol=1e-4)


def test_human36m_can_be_compared(human36m):
    (person,) = read_human36m(human36m[0])
    for protocol in ("default", "paper"):
        scores = compare(person, person, protocol)
        assert scores["mpjpe"] == 0
        assert scores["pa_mpjpe"] < 1e-6
    assert compare(person, person)["pck"] == 1


def test_left_and_right_of_human36m_are_not_mixed_up():
    """Human3.6M numbers the right leg and the left arm first."""
    assert [H36M_JOINTS[joint] for joint in (1, 4, 7)] == [6, 7, 8]
    assert [H36M_JOINTS[joint] for joint in (16, 18, 20)] == [17, 18, 19]


def test_human36m_needs_both_of_its_files(human36m):
    path, _ = human36m
    (path.parent.parent / "D2_Positions" / path.name).unlink()
    with pytest.raises(InputError, match="D2_Positions"):
        read_human36m(path)


def test_frames_without_a_valid_pose_do_not_count(human36m):
    (person,) = read_human36m(human36m[0])
    joints = person.joints.clone()
    joints[2] = torch.nan
    scores = compare(type(person)(joints, person.frame_ids, 50.0, person.camera_matrix, person.keypoints), person)
    assert scores["mpjpe"] == 0
    assert scores["pa_mpjpe"] < 1e-6
