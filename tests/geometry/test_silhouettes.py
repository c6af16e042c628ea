"""Silhouettes in runs: nothing is lost, and they lie where the person is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hmr_video.geometry.silhouettes import Silhouettes, encode


@given(st.lists(st.none() | st.integers(1, 9).flatmap(lambda side: arrays(bool, (side, side))), min_size=1, max_size=5))
def test_every_frame_comes_back_from_its_runs(masks: list[np.ndarray | None]) -> None:
    runs = [np.zeros(0) if mask is None else encode(mask) for mask in masks]
    silhouettes = Silhouettes.of(runs, np.zeros((len(masks), 2, 3)))
    assert silhouettes.fits(len(masks))
    for frame, mask in enumerate(masks):
        found = silhouettes.in_crop(frame)
        assert found is None if mask is None else np.array_equal(found, mask)


def test_runs_are_cocos() -> None:
    mask = np.array([[True, False], [True, False]])
    assert encode(mask).tolist() == [0, 2, 2]
    assert encode(mask.T).tolist() == [0, 1, 1, 1, 1]


def test_in_the_picture_they_lie_where_the_crop_was_cut_out() -> None:
    mask = np.zeros((64, 64), bool)
    mask[16:48, 8:24] = True
    crops = np.array([[[2.0, 0, -40], [0, 2.0, -20]]])  # the crop begins at 20, 10 and shows two pixels for each of the frame
    silhouettes = Silhouettes.of([encode(mask)], crops)
    picture = silhouettes.in_picture(0, (80, 60))
    assert picture is not None
    rows, columns = np.nonzero(picture)
    assert picture.shape == (60, 80)
    assert (rows.min(), rows.max() + 1, columns.min(), columns.max() + 1) == (18, 34, 24, 32)


def test_those_of_other_frames_do_not_fit() -> None:
    silhouettes = Silhouettes.of([encode(np.eye(3, dtype=bool))], np.zeros((1, 2, 3)))
    assert not silhouettes.fits(2)
    assert not Silhouettes(silhouettes.runs[1:], silhouettes.counts, silhouettes.crops).fits(1)


@pytest.mark.parametrize("value", [False, True])
def test_all_or_nothing(value: bool) -> None:
    found = Silhouettes.of([encode(np.full((4, 4), value))], np.zeros((1, 2, 3))).in_crop(0)
    assert np.array_equal(found, np.full((4, 4), value))
