"""Tidying of tracks, on people drawn by numbers: upright stick figures that walk through a 640 x 480 picture at 30 fps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmr_video.people.detect.detections import box_overlap
from hmr_video.people.track.clean import clean_tracklets, fill, smooth_boxes
from hmr_video.people.track.joining import join_broken, split_at_gaps
from hmr_video.people.track.tracker import Tracklet

RATE = 30.0
# COCO keypoints of someone who stands, in heights from the top left of the box.
FIGURE = np.array([
    [0.2, 0.05], [0.22, 0.03], [0.18, 0.03], [0.25, 0.05], [0.15, 0.05], [0.3, 0.2], [0.1, 0.2], [0.35, 0.35], [0.05, 0.35],
    [0.35, 0.5], [0.05, 0.5], [0.25, 0.5], [0.15, 0.5], [0.25, 0.73], [0.15, 0.73], [0.25, 0.95], [0.15, 0.95],
])  # fmt: skip


def walker(frames, x=100.0, speed=2.0, height=200.0, colour=0, score=0.8, y=100.0, legs=0.9) -> Tracklet:
    """Someone at x + speed * frame; ``colour`` names the shirt."""
    frames = np.asarray(frames)
    corner = np.stack([x + speed * frames, np.full(len(frames), y)], 1)
    keypoints = np.concatenate([corner[:, None] + FIGURE * height, np.full((len(frames), 17, 1), 0.9)], -1)
    keypoints[:, 13:, 2] = legs
    colours = np.zeros((len(frames), 64))
    colours[:, colour] = 1.0
    boxes = np.concatenate([corner, corner + np.array([0.4 * height, height])], 1)
    return Tracklet(frames, boxes, np.full(len(frames), score), keypoints, colours)


def clean(tracklets, count=100, **options):
    return clean_tracklets(tracklets, RATE, count, **options)


def test_a_whole_track_stays_as_it_is():
    track = walker(range(100))
    people, notes = clean([track])
    assert notes == []
    np.testing.assert_array_equal(people[0].keypoints, track.keypoints)
    np.testing.assert_allclose(people[0].boxes[5:-5], track.boxes[5:-5], atol=1e-6)
    assert people[0].detected.all()


def test_gaps_are_filled_without_inventing_keypoints():
    track = walker([*range(40), *range(45, 100)])
    (person,), _ = clean([track])
    assert person.frame_ids.tolist() == list(range(100))
    assert np.flatnonzero(~person.detected).tolist() == [40, 41, 42, 43, 44]
    assert not person.keypoints[40:45].any()
    np.testing.assert_allclose(person.boxes[5:95, 0], 100 + 2 * np.arange(5, 95), atol=1e-6)


def test_one_person_lost_and_found_is_one_track():
    people, _ = clean([walker(range(50)), walker(range(65, 100))])
    assert [len(person) for person in people] == [100]


@pytest.mark.parametrize(
    "other",
    [walker(range(65, 100), colour=1), walker(range(65, 100), x=300), walker(range(65, 100), height=90)],
    ids=["another shirt", "another place", "another size"],
)
def test_another_person_is_another_track(other):
    assert len(clean([walker(range(50)), other])[0]) == 2


def test_a_long_gap_is_bridged_only_when_nobody_else_could_be_meant():
    before, after = walker(range(50)), walker(range(95, 140))
    assert len(join_broken([before, after], RATE)) == 1
    rival = walker(range(80, 140), x=150)
    assert len(join_broken([before, after, rival], RATE)) == 3


def test_who_comes_back_first_is_not_whoever_left_last():
    """Two who stand are hidden, the first for longer; over the briefest gap the one would go on with the other."""
    first = [walker(span, speed=0) for span in (range(50), range(70, 120))]
    second = [walker(span, speed=0, x=200) for span in (range(45), range(62, 120))]
    people, _ = clean([first[0], second[0], second[1], first[1]], 120)
    assert sorted(np.ptp(person.boxes[:, 0]).round(6) for person in people) == [0, 0]
    assert [len(person) for person in people] == [120, 120]


def test_who_is_half_hidden_may_come_out_on_the_other_side():
    """Of someone behind another one the detector sees first the one side and then the other."""
    before, after = walker(range(50), speed=0), walker(range(52, 100), x=190, speed=0)
    in_front = walker(range(100), x=150, speed=0, height=300, colour=1, y=60)
    assert len(join_broken([before, after], RATE)) == 2
    assert sorted(len(track) for track in join_broken([before, after, in_front], RATE)) == [98, 100]


def test_a_tracker_that_errs_over_a_gap_is_corrected():
    """The tracker lost a person and went on with another in another shirt, elsewhere."""
    wrong = Tracklet(
        *map(np.concatenate, zip(*map(_columns, (walker(range(50)), walker(range(70, 120), x=400, colour=1))), strict=True))
    )
    assert [len(piece) for piece in split_at_gaps(wrong, RATE)] == [50, 50]
    assert len(clean([wrong], 120)[0]) == 2


def test_a_tracker_s_word_stands_over_a_gap_that_one_person_may_have_left():
    """Someone goes behind a tree, and is found again; another one comes out where the first went in."""
    walked = walker([*range(50), *range(70, 120)], speed=3)
    assert [len(piece) for piece in split_at_gaps(walked, RATE)] == [100]
    people, _ = clean([walked, walker(range(60, 120), x=250, speed=0)], 120)
    assert sorted(len(person) for person in people) == [60, 120]


def _columns(track: Tracklet):
    return tuple(getattr(track, name) for name in Tracklet.__dataclass_fields__)


def test_doubles_and_overlapping_ends_become_one():
    person = walker(range(100))
    ghost = walker(range(10, 60), x=105, score=0.5)
    assert len(clean([person, ghost])[0]) == 1
    (joined,), _ = clean([walker(range(53)), walker(range(50, 100))])
    assert len(joined) == 100


def test_two_people_close_together_stay_two():
    assert len(clean([walker(range(100)), walker(range(100), x=160, colour=1)])[0]) == 2


@pytest.mark.parametrize(
    ("track", "why"),
    [
        (walker(range(10), x=400), "shorter"),
        (walker(range(100), x=400, score=0.2), "hardly"),
        (walker(range(0, 100, 3), x=400), "hardly"),
        (walker(range(100), x=400, height=30), "far behind"),
        (walker(range(100), x=400, height=90, legs=0.1), "crowd"),
    ],
)
def test_what_is_no_subject_is_dropped_with_a_note(track, why):
    people, notes = clean([walker(range(100)), track])
    assert len(people) == 1
    assert any(why in note for note in notes)


def test_a_photograph_and_a_short_clip_keep_their_people():
    assert len(clean([walker([0])], count=1)[0]) == 1
    assert len(clean([walker(range(4))], count=5)[0]) == 1


def test_the_largest_come_first_and_the_number_is_limited():
    tracks = [walker(range(100), x=20, height=150), walker(range(100), x=300, height=300, colour=1)]
    people, _ = clean(tracks)
    assert [round(person.boxes[0, 3] - person.boxes[0, 1]) for person in people] == [300, 150]
    assert len(clean(tracks, limit=1)[0]) == 1


def test_nobody():
    assert clean([]) == ([], [])


def test_smoothing_takes_out_a_jump_and_keeps_a_line():
    boxes = np.linspace([0, 0, 50, 100], [90, 45, 140, 145], 30)
    jumped = boxes.copy()
    jumped[12] += 40
    np.testing.assert_allclose(smooth_boxes(jumped)[8:20], boxes[8:20], atol=3.0)


def test_overlap_of_boxes():
    boxes = np.array([[0, 0, 2, 2], [1, 0, 3, 2], [5, 5, 6, 6]], float)
    np.testing.assert_allclose(box_overlap(boxes[:1], boxes), [1, 1 / 3, 0])


@settings(max_examples=30, deadline=None)
@given(st.sets(st.integers(0, 60), min_size=1, max_size=40))
def test_filled_tracks_are_consecutive_and_keep_every_observation(frames):
    track = walker(sorted(frames))
    filled = fill(track.frame_ids, track.boxes, track.keypoints)
    assert filled.frame_ids.tolist() == list(range(min(frames), max(frames) + 1))
    np.testing.assert_array_equal(filled.frame_ids[filled.detected], track.frame_ids)
    np.testing.assert_array_equal(filled.keypoints[filled.detected], track.keypoints)
    assert np.isfinite(filled.boxes).all()
    assert (filled.boxes[:, 2:] > filled.boxes[:, :2]).all()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=5), st.integers(0, 2**31))
def test_order_of_tracklets_does_not_matter(gaps, seed):
    """One person seen in pieces, another one apart: whatever the order, the result is the same."""
    pieces, frame = [], 0
    for gap in gaps:
        pieces.append(walker(range(frame, frame + 20)))
        frame += 20 + gap
    tracks = [*pieces, walker(range(frame), x=420, speed=0, colour=2)]
    shuffled = [tracks[i] for i in np.random.default_rng(seed).permutation(len(tracks))]
    first, second = clean(tracks, frame)[0], clean(shuffled, frame)[0]
    assert [person.frame_ids.tolist() for person in first] == [person.frame_ids.tolist() for person in second]
    assert len(first) == 2
