"""Widths of a drawn person of known width."""

import cv2
import numpy as np
import pytest

from hmr_video.geometry.skeleton import LANDMARKS
from hmr_video.people.keypoints.widths import STATIONS, widths

SIDE = 256
TRUNK, THIGH, SHIN = 40, 16, 12  # pixels wide
POINTS = {
    "left_shoulder": (150, 60), "right_shoulder": (106, 60), "left_elbow": (200, 40), "right_elbow": (56, 40),
    "left_wrist": (240, 20), "right_wrist": (16, 20), "left_hip": (140, 130), "right_hip": (116, 130),
    "left_knee": (146, 180), "right_knee": (110, 180), "left_ankle": (150, 230), "right_ankle": (106, 230),
    "left_index": (250, 15), "right_index": (6, 15),
}  # fmt: skip


def person(turn: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """A silhouette with arms raised, and its landmarks (29, 3), turned by so many degrees."""
    points = np.zeros((29, 3))
    for name, place in POINTS.items():
        points[LANDMARKS.index(name)] = (*place, 0.9)
    mask = np.zeros((SIDE, SIDE), np.uint8)
    cv2.rectangle(mask, (128 - TRUNK // 2, 50), (128 + TRUNK // 2 - 1, 140), 1, -1)
    for thick, ends in ((THIGH, ((11, 13), (12, 14))), (SHIN, ((13, 15), (14, 16)))):
        for start, end in ends:
            cv2.line(mask, *(tuple(points[point, :2].astype(int)) for point in (start, end)), 1, thick)
    matrix = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), turn, 1)
    points[:, :2] = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
    return cv2.warpAffine(mask, matrix, (SIDE, SIDE)) > 0, points


def of_parts(found: np.ndarray) -> list[np.ndarray]:
    """Widths of trunk, thighs and shins, without the hips, where the thighs begin."""
    first = np.array([min(station.start) for station in STATIONS])
    share = np.array([station.share for station in STATIONS])
    trunk = np.array([station.start == (11, 12) for station in STATIONS])
    return [found[trunk & (share > 0.1)], found[~trunk & (first < 13)], found[~trunk & (first >= 13)]]


@pytest.mark.parametrize("turn", [0, 30, 90])
def test_widths_are_those_of_the_parts_however_the_person_lies(turn: float) -> None:
    for found, true in zip(of_parts(widths(*person(turn))), (TRUNK, THIGH, SHIN), strict=True):
        assert np.isfinite(found).sum() >= 2
        assert np.nanmedian(found) == pytest.approx(true, abs=2)


def test_a_trunk_with_an_arm_beside_it_is_not_measured() -> None:
    silhouette, points = person()
    for name, place in (("left_elbow", (152, 95)), ("left_wrist", (150, 125)), ("left_index", (150, 135))):
        points[LANDMARKS.index(name), :2] = place
    trunk, _, shins = of_parts(widths(silhouette, points))
    assert np.isnan(trunk).all()
    assert np.isfinite(shins).any()


def test_what_is_not_seen_or_has_no_end_is_not_measured() -> None:
    silhouette, points = person()
    unseen = points.copy()
    unseen[:, 2] = 0.2
    assert np.isnan(widths(silhouette, unseen)).all()
    assert np.isnan(widths(np.ones_like(silhouette), points)).all()
    assert np.isnan(widths(np.zeros_like(silhouette), points)).all()
