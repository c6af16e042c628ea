"""Upright crops: geometry of the transforms, what lies in them, and how they are filled and smoothed over time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmr_video.people.keypoints.crops import Crops, crops_of, cut

T, RATE = 12, 30.0


def person(lean: float, centre: tuple[float, float] = (320.0, 240.0), height: float = 200.0) -> np.ndarray:
    """(17, 3) a stick figure that leans clockwise by ``lean`` radians about its hips, all points sure."""
    up = np.array([np.sin(lean), -np.cos(lean)])
    side = np.array([up[1], -up[0]])
    along = np.array([0.48, 0.5, 0.5, 0.49, 0.49, 0.3, 0.3, 0.15, 0.15, 0.02, 0.02, 0, 0, -0.25, -0.25, -0.48, -0.48])
    across = np.array([0, 0.02, -0.02, 0.04, -0.04, 0.1, -0.1, 0.14, -0.14, 0.15, -0.15, 0.06, -0.06, 0.06, -0.06, 0.06, -0.06])
    points = np.array(centre) + height * (along[:, None] * up - across[:, None] * side)
    return np.column_stack([points, np.full(17, 0.9)])


def boxes(keypoints: np.ndarray) -> np.ndarray:
    return np.concatenate([keypoints[..., :2].min(-2), keypoints[..., :2].max(-2)], -1)


@given(st.floats(-3.1, 3.1), st.floats(40, 600))
def test_whoever_leans_stands_upright_in_the_crop_and_all_of_him_is_in_it(lean, height):
    keypoints = np.tile(person(lean, height=height), (T, 1, 1))
    matrix = crops_of(keypoints, boxes(keypoints), np.ones(T, bool), RATE).matrices(256)[0]
    seen = keypoints[0, :, :2] @ matrix[:, :2].T + matrix[:, 2]
    assert seen.min() > 8
    assert seen.max() < 248
    hips, shoulders = seen[[11, 12]].mean(0), seen[[5, 6]].mean(0)
    assert hips == pytest.approx([128, 128], abs=1e-6)
    assert shoulders[0] == pytest.approx(128, abs=1e-6)
    assert shoulders[1] < 128
    assert seen[5, 0] > seen[6, 0]  # not mirrored: the left shoulder is to the right of who faces the camera


def test_gaps_are_filled_and_a_single_wild_frame_does_not_count():
    keypoints = np.stack([person(0.0, (200 + 3 * frame, 240)) for frame in range(T)])
    found = np.ones(T, bool)
    found[5:7] = False
    keypoints[5:7] = 0
    keypoints[9] = person(2.5, (900, 100), 900)
    crops = crops_of(keypoints, boxes(keypoints), found, RATE)
    assert crops.centres[:, 0] == pytest.approx(200 + 3 * np.arange(T), abs=7)
    assert np.ptp(crops.sides) < 0.05 * crops.sides.mean()
    assert np.abs(crops.leans).max() < 0.05


def test_a_person_without_hips_is_framed_by_the_box():
    keypoints = np.tile(person(0.4), (T, 1, 1))
    keypoints[:, 11:, 2] = 0
    framed = np.tile([100.0, 50, 200, 350], (T, 1))
    crops = crops_of(keypoints, framed, np.ones(T, bool), RATE)
    assert crops.centres == pytest.approx(np.tile([150.0, 200.0], (T, 1)))
    assert np.all(crops.sides >= 300)
    assert crops.leans == pytest.approx(np.zeros(T), abs=1e-9)


@pytest.mark.parametrize("side", [100.0, 256.0, 900.0])
def test_pixels_land_where_the_matrix_says(side):
    frame = np.zeros((480, 640, 3), np.uint8)
    spot = np.array([350.0, 190.0])
    size = max(2, round(side / 40))
    frame[190 - size : 190 + size, 350 - size : 350 + size] = 255
    matrix = Crops(np.array([[330.0, 200.0]]), np.array([side]), np.array([0.3])).matrices(256)[0]
    rows, columns = np.nonzero(cut(frame, matrix, 256)[..., 0] > 127)
    expected = matrix[:, :2] @ spot + matrix[:, 2]
    assert [columns.mean() + 0.5, rows.mean() + 0.5] == pytest.approx(expected, abs=0.6)


def test_what_lies_beyond_the_picture_is_black():
    frame = np.full((60, 80, 3), 200, np.uint8)
    crops = Crops(np.array([[0.0, 0.0], [500.0, 500.0]]), np.array([40.0, 40.0]), np.zeros(2))
    corner, beyond = (cut(frame, matrix, 64) for matrix in crops.matrices(64))
    assert corner[40:, 40:].min() == 200
    assert corner[:24].max() == 0
    assert beyond.max() == 0
