import numpy as np
import pytest

from hmr_video.people.keypoints.knees import raise_knee_confidence

PICTURE = (1280, 720)
BOX = np.array([[300.0, 100.0, 800.0, 700.0]])


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
