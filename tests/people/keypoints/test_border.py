import numpy as np
import pytest

from hmr_video.people.keypoints.border import raise_knee_confidence, within_picture

PICTURE = (1280, 720)
BOX = np.array([[300.0, 100.0, 800.0, 700.0]])


def test_doubted_points_at_a_border_are_taken_to_lie_beyond_it() -> None:
    keypoints = np.full((1, 17, 3), [400.0, 300.0, 0.9])
    keypoints[0, 15] = [400, 719.5, 0.3]  # an ankle cut off by the lower border
    keypoints[0, 16] = [430, 719.5, 0.9]  # a foot that stands on it
    keypoints[0, 13] = [400, 600, 0.3]  # a knee behind a table
    keypoints[0, 9] = [3, 300, 0.2]  # a wrist out of the left border
    boxes = np.array([[0.0, 200.0, 500.0, 720.0]])
    inside = within_picture(keypoints, boxes, (1280, 720))
    assert inside[0, [15, 9], 2].tolist() == [0, 0]
    assert inside[0, [16, 13, 5], 2].tolist() == [0.9, 0.3, 0.9]
    assert np.array_equal(inside[..., :2], keypoints[..., :2])
    far = within_picture(keypoints, boxes / 100, (1280, 720))  # for a small person four pixels are a lot
    assert far[0, 9, 2] == 0.2


def confidences(left: tuple[float, float, float], right: tuple[float, float, float]) -> np.ndarray:
    """The confidences of two knees, x, y and confidence each, as the model gets them."""
    keypoints = np.full((1, 17, 3), [500.0, 300.0, 0.5])
    keypoints[0, 13:15] = left, right
    result = raise_knee_confidence(keypoints, BOX, PICTURE)
    assert np.array_equal(np.delete(result, [13, 14], 1), np.delete(keypoints, [13, 14], 1))
    assert np.array_equal(result[..., :2], keypoints[..., :2])
    return result[0, 13:15, 2]


def test_doubted_knees_inside_the_picture_are_believed_together() -> None:
    assert confidences((500, 560, 0.46), (620, 560, 0.26)) == pytest.approx([0.97, 0.97])


def test_knees_that_are_out_of_the_picture_are_not() -> None:
    assert confidences((500, 717, 0.46), (620, 719, 0.26)) == pytest.approx([0.46, 0.26])  # where detectors put what is beyond
    assert confidences((500, 560, 0.2), (620, 560, 0.15)) == pytest.approx([0.2, 0.15])  # nothing to go by
    assert confidences((500, 560, 0.9), (0, 0, 0.0)) == pytest.approx([0.97, 0.0])  # a knee that was not reported


def test_belief_grows_steadily_and_never_takes_away() -> None:
    by_confidence = [confidences((500, 560, c), (620, 560, c))[0] for c in np.linspace(0.2, 1, 41)]
    by_place = [confidences((500, y, 0.5), (620, y, 0.5))[0] for y in np.linspace(720, 600, 61)]
    for run in (by_confidence, by_place):
        steps = np.diff(run)
        assert steps.min() > -1e-9
        assert steps.max() < 0.25
    assert confidences((500, 560, 0.99), (620, 560, 1.0)) == pytest.approx([0.99, 1.0])
