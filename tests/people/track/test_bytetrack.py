from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hmr_video.people.track.assignment import assigned
from hmr_video.people.track.bytetrack import ByteTrack


def walker(frame, start=0.0, speed=4.0):
    left = start + speed * frame
    return [left, 50.0, left + 40.0, 150.0]


def numbers(tracker, boxes, scores=None):
    """Which track each detection of the next frame belongs to."""
    boxes = np.array(boxes, float).reshape(-1, 4)
    scores = np.full(len(boxes), 0.9) if scores is None else np.array(scores)
    return {detection: track for track, detection in tracker.update(boxes, scores)}


def test_who_is_lost_for_a_moment_is_the_same_person_and_who_is_lost_for_long_is_not():
    for gap, same in ((10, True), (31, False)):
        tracker = ByteTrack(patience=30)
        for frame in range(30):
            assert numbers(tracker, [walker(frame)]) == {0: 1}
        for _ in range(gap):
            assert numbers(tracker, []) == {}
        frames = range(30 + gap, 33 + gap)
        assert [numbers(tracker, [walker(frame)]) == {0: 1} for frame in frames] == [same] * 3


def test_two_who_pass_each_other_keep_their_numbers():
    tracker = ByteTrack(patience=30)
    for frame in range(60):
        assert numbers(tracker, [walker(frame, 0.0, 6.0), walker(frame, 363.0, -6.0)]) == {0: 1, 1: 2}


def test_faint_detections_carry_on_a_track_but_begin_none():
    tracker = ByteTrack(patience=30)
    numbers(tracker, [walker(0)])
    for frame in range(1, 10):
        boxes = [walker(frame), walker(frame, 500.0)]
        assert numbers(tracker, boxes, [0.15, 0.15]) == {0: 1}


def test_what_is_seen_once_is_nobody():
    tracker = ByteTrack(patience=30)
    numbers(tracker, [walker(0)])
    assert numbers(tracker, [walker(1), walker(0, 500.0)]) == {0: 1}
    assert numbers(tracker, [walker(2)]) == {0: 1}
    assert numbers(tracker, [walker(3), walker(0, 500.0)]) == {0: 1}
    assert numbers(tracker, [walker(4), walker(1, 500.0)]) == {0: 1, 1: 3}


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 4).flatmap(lambda n: arrays(float, (n, 4), elements=st.floats(0, 10).map(lambda x: round(x, 3)))))
def test_assignments_cost_least(costs):
    pairs = assigned(costs)
    assert len(set(pairs[:, 1])) == len(pairs) == len(costs)
    least = min(sum(costs[row, column] for row, column in enumerate(order)) for order in permutations(range(4), len(costs)))
    assert costs[tuple(pairs.T)].sum() == pytest.approx(least)


def test_what_costs_too_much_is_not_assigned():
    assert assigned(np.array([[0.9, 0.2], [0.9, 0.9]]), 0.5).tolist() == [[0, 1]]
    assert assigned(np.zeros((0, 3))).tolist() == []
