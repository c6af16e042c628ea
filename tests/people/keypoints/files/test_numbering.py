"""Which frame a file is, by its name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hmr_video.errors import InputError
from hmr_video.people.keypoints.files.numbering import frame_numbers, from_zero

WORDS = st.text("ab_-. 19", max_size=8)


@given(WORDS, WORDS, st.sets(st.integers(0, 9999), min_size=2, max_size=20), st.integers(1, 6))
def test_what_is_the_same_in_every_name_is_no_frame(before: str, after: str, frames: set[int], width: int) -> None:
    """Whatever stands around the number, and however many digits it has."""
    wanted = list(frames)
    found, notes = frame_numbers([f"{before}x{frame:0{width}d}x{after}" for frame in wanted], "here")
    assert found == wanted
    assert not notes


@given(st.sets(st.integers(0, 9999), min_size=2, max_size=20))
def test_two_views_are_refused(frames: set[int]) -> None:
    names = [f"view{view}_{frame:06d}" for view in (1, 2) for frame in frames]
    with pytest.raises(InputError, match="twice"):
        frame_numbers(names, "here")


def test_of_a_time_and_a_frame_in_a_name_the_frame_is_taken() -> None:
    names = [f"time{frame * 33}ms_frame{frame:04d}" for frame in (3, 4, 5)]
    assert frame_numbers(names, "here")[0] == [3, 4, 5]


def test_counts_begin_with_zero() -> None:
    assert from_zero([0, 1, 2], "here") == ([0, 1, 2], [])
    assert from_zero([5, 6, 7], "here") == ([5, 6, 7], [])  # a cut of a longer video
    for first in (1, 20240101000012):
        numbers, notes = from_zero([first, first + 1, first + 2], "here")
        assert numbers == [0, 1, 2]
        assert f"counted from {first}" in notes[0]
    assert from_zero([10**15, 10**15 + 10**6], "here")[0] == [10**15, 10**15 + 10**6]  # refused later, as too far
