"""World metrics against values worked out by hand."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from hmr_video.geometry import world_metrics as wm

BODY = np.array([[0.0, 0, 0], [0.3, 0, 0], [0, 0.9, 0.1], [0.1, 0.5, 0.4]])


def walk(frames: int, step: float = 0.01) -> np.ndarray:
    """A rigid body that goes ``step`` metres a frame along x, (T, 4, 3)."""
    return BODY + np.arange(frames)[:, None, None] * [step, 0.0, 0.0]


def turned(points: np.ndarray) -> np.ndarray:
    return points @ Rotation.from_rotvec([0.3, -1.0, 0.2]).as_matrix().T + [4.0, -2.0, 7.0]


@pytest.mark.parametrize("frames", [7, 100, 250])
def test_worlds_that_differ_by_a_rigid_transform_are_the_same(frames: int) -> None:
    truth = walk(frames)
    for first_two in (True, False):
        np.testing.assert_allclose(wm.world_error(turned(truth), truth, first_two), 0, atol=1e-6)
    np.testing.assert_allclose(wm.root_translation_error(turned(truth)[:, 0], truth[:, 0]), 0, atol=1e-6)


def test_a_path_that_runs_ahead_counts_from_its_first_two_frames() -> None:
    truth, fast = walk(100), walk(100, 0.012)
    fast[:2] = truth[:2]  # the alignment is the identity
    np.testing.assert_allclose(wm.world_error(fast, truth, True)[2:], np.arange(2, 100) * 2.0, atol=1e-6)
    assert wm.world_error(fast, truth, False).mean() < 50


def test_the_scale_of_the_first_two_frames_is_taken_from_the_truth() -> None:
    np.testing.assert_allclose(wm.world_error(1.1 * walk(100), walk(100), True), 0, atol=1e-6)


def test_parts_are_a_hundred_frames_and_the_last_takes_the_rest() -> None:
    assert wm.chunks(60) == [slice(0, 60)]
    assert wm.chunks(100) == [slice(0, 100)]
    assert wm.chunks(250) == [slice(0, 100), slice(100, 250)]


def test_root_translation_is_in_lengths_of_the_true_path() -> None:
    # Five metres taken for six: aligned at the middle, both ends are half a metre off, a tenth of the path.
    errors = wm.root_translation_error(walk(101, 0.06)[:, 0], walk(101, 0.05)[:, 0])
    np.testing.assert_allclose(errors[[0, 50, 100]], [10.0, 0.0, 10.0], atol=1e-9)


def test_jitter_of_a_cubic_path() -> None:
    seconds = np.arange(20) / 30
    points = np.zeros((20, 1, 3))
    points[:, 0, 1] = seconds**3  # third derivative 6 m/s^3
    np.testing.assert_allclose(wm.jitter(points, 30.0), 0.6, atol=1e-6)


def test_feet_slide_where_the_true_ones_stand() -> None:
    truth, soles = np.zeros((4, 2, 3)), np.zeros((4, 2, 3))
    truth[:, 1, 0] = np.arange(4) * 0.02  # the second foot swings
    soles[:, :, 2] = np.arange(4)[:, None] * 0.003
    np.testing.assert_allclose(wm.foot_sliding(soles, truth), [3.0, 3.0, 3.0])


def test_rotations_are_compared_in_one_world_and_over_ten_seconds() -> None:
    yaw = np.linspace(0, 40, 301)
    truth = Rotation.from_euler("y", yaw[:, None], degrees=True).as_matrix()
    short = Rotation.from_euler("y", 0.9 * yaw[:, None], degrees=True).as_matrix()
    elsewhere = Rotation.from_rotvec([1.0, 2.0, 0.5]).as_matrix()
    np.testing.assert_allclose(wm.rotation_error(elsewhere @ truth, truth), 0, atol=1e-6)
    errors = wm.rotation_error(elsewhere @ short, truth)
    np.testing.assert_allclose(errors[[0, 150, 300]], [2.0, 0.0, 2.0], atol=0.01)
    assert wm.rotation_drift(short, truth, 30.0) == pytest.approx(4.0, abs=1e-6)
