"""Two witnesses of one person: who is believed, where and how much."""

import numpy as np
import pytest

from hmr_video.people.keypoints.fusion import CROP_SHARE, HIDDEN, Witnesses, fuse

T, SIZE = 3, 200.0
RNG = np.random.default_rng(0)
BODY = np.column_stack([RNG.uniform(20, 180, (17, 2)), np.full(17, 0.9)])
ENDS = np.column_stack([RNG.uniform(20, 180, (12, 2)), np.full(12, 0.8)])


def witnesses(**changes) -> Witnesses:
    parts = {
        "detector": np.tile(BODY, (T, 1, 1)),
        "crop": np.tile(np.concatenate([BODY, ENDS]), (T, 1, 1)),
        "presence": np.ones(T),
        "boxes": np.tile([0.0, 0, SIZE / 2, SIZE], (T, 1)),
        "company": np.zeros(T, bool),
    }
    parts["boxes"][:] = [0, 0, SIZE, SIZE]
    return Witnesses(**(parts | changes))


def moved(points: np.ndarray, by: float) -> np.ndarray:
    """(T, K, 3) moved by a share of the person's size across the picture."""
    return points + np.array([by * SIZE, 0, 0])


def test_where_they_agree_both_count():
    seen = witnesses()
    seen = witnesses(crop=moved(seen.crop, 0.03))
    fused = fuse(seen)
    assert fused.shape == (T, 29, 3)
    assert fused[:, :17, 0] == pytest.approx(seen.detector[..., 0] + CROP_SHARE * 0.03 * SIZE)
    assert fused[:, 17:] == pytest.approx(seen.crop[:, 17:])


def test_where_they_differ_the_crop_decides_and_in_company_the_detector():
    seen = witnesses()
    crop = seen.crop.copy()
    crop[:, 15] += [0.09 * SIZE, 0, 0]
    alone, together = fuse(witnesses(crop=crop)), fuse(witnesses(crop=crop, company=np.ones(T, bool)))
    assert alone[:, 15, :2] == pytest.approx(crop[:, 15, :2])
    assert together[:, 15, :2] == pytest.approx(seen.detector[:, 15, :2])


def test_in_company_a_crop_of_somebody_else_is_not_believed_at_all():
    seen = witnesses()
    fused = fuse(witnesses(crop=moved(seen.crop, 0.12), company=np.ones(T, bool)))
    assert fused[:, :17] == pytest.approx(seen.detector)
    assert not fused[:, 17:, 2].any()


def test_nor_one_of_nobody_nor_one_of_somebody_beside_the_box():
    seen = witnesses()
    for fused in (fuse(witnesses(presence=np.zeros(T))), fuse(witnesses(crop=moved(seen.crop, 1.5)))):
        assert fused[:, :17] == pytest.approx(seen.detector)
        assert not fused[:, 17:, 2].any()


def test_a_frame_without_detection_has_the_crop_or_nothing():
    seen = witnesses()
    absent = np.zeros((T, 17, 3))
    assert fuse(witnesses(detector=absent))[..., :2] == pytest.approx(seen.crop[..., :2])
    assert not fuse(witnesses(detector=absent, presence=np.zeros(T)))[..., 2].any()


def test_hidden_limbs_are_believed_less_and_faces_as_the_detector_says():
    crop = witnesses().crop.copy()
    crop[:, :17, 2] = 0.001
    fused = fuse(witnesses(crop=crop))
    assert fused[:, 5:17, 2] == pytest.approx(0.9 * HIDDEN, abs=0.01)
    assert fused[:, :5, 2] == pytest.approx(0.9)


def test_points_that_the_network_does_not_know_are_the_detectors():
    crop = witnesses().crop.copy()
    crop[:, 9] = 0
    assert fuse(witnesses(crop=crop))[:, 9] == pytest.approx(witnesses().detector[:, 9])
