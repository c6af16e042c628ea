"""Stretches of frames."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hmr_video.geometry.stretches import stretches


@given(st.lists(st.booleans()))
def test_stretches_hold_and_nothing_beside_them_does(values: list[bool]) -> None:
    holds = np.array(values, bool)
    found = np.zeros(len(holds), bool)
    last = -1
    for start, end in stretches(holds):
        assert last < start < end  # with a frame between
        found[start:end] = True
        last = end
    np.testing.assert_array_equal(found, holds)
