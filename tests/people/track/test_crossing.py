"""Confused tracks: stick figures that walk through each other, whose tails a tracker did or did not exchange, at 30 fps."""

from functools import reduce
from operator import add
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hmr_video.console import Reporter
from hmr_video.options import PeopleOptions
from hmr_video.people import find_people
from hmr_video.people.detect.detections import box_overlap, hidden_share
from hmr_video.people.track.clean import clean_tracklets
from hmr_video.people.track.crossing import find_meetings, undo_identity_switches
from hmr_video.people.track.tracker import Tracklet
from hmr_video.video import open_video

RATE = 30.0
SAMPLES = Path(__file__).parents[3] / "samples"
FRAMES = 120
# Someone from the side who walks to the right: x ahead of the shoulders and y, in heights; the far side hidden.
SIDE = np.array([
    [0.09, 0.08], [0.07, 0.06], [0.07, 0.06], [0.0, 0.07], [0.0, 0.07], [0.01, 0.2], [-0.01, 0.2], [0.04, 0.35], [-0.04, 0.35],
    [0.1, 0.48], [0.0, 0.5], [0.01, 0.5], [-0.01, 0.5], [0.06, 0.73], [-0.04, 0.73], [0.1, 0.95], [-0.12, 0.95],
])  # fmt: skip


def person(centres, colour, facing=1.0, height=200.0, noise=0.0, seed=0) -> Tracklet:
    """Someone whose box has its centre at ``centres`` (T,) pixels; ``colour`` names the shirt, ``facing`` 1 is right."""
    count, random = len(centres), np.random.default_rng(seed)
    corners = np.stack([centres - 0.2 * height, np.full(count, 100.0)], 1)
    boxes = np.concatenate([corners, corners + np.array([0.4 * height, height])], 1) + random.normal(0, noise, (count, 4))
    points = np.stack([centres[:, None] + facing * height * SIDE[:, 0], np.tile(100 + height * SIDE[:, 1], (count, 1))], -1)
    keypoints = np.concatenate([points, np.full((count, 17, 1), 0.9)], -1)
    colours = np.zeros((count, 64))
    colours[:, [0, 1 + colour]] = np.sqrt(0.5)  # half of what is seen is alike in everybody
    return Tracklet(np.arange(count), boxes, np.full(count, 0.9), keypoints, colours)


def crossing(speed=4.0, colours=(0, 1), **details) -> list[Tracklet]:
    """Two who walk through each other; they meet at frame 60."""
    course = speed * (np.arange(FRAMES) - 60.0)
    return [person(320 + sign * course, colour, sign, **details) for sign, colour in zip((1, -1), colours, strict=True)]


def part(track: Tracklet, start: int, end: int) -> Tracklet:
    return track[start:end]


def spliced(*parts: Tracklet) -> Tracklet:
    return reduce(add, parts)


def swapped(tracks, frame: int) -> list[Tracklet]:
    first, second = tracks
    return [spliced(part(a, 0, frame), part(b, frame, FRAMES)) for a, b in ((first, second), (second, first))]


def agreement(found: list[Tracklet], truth: list[Tracklet]) -> float:
    """The least share of a true person's frames that the best of the found ones has."""
    return min(max(_shared(one, other) for one in found) / FRAMES for other in truth)


def _shared(one: Tracklet, other: Tracklet) -> int:
    _, mine, theirs = np.intersect1d(one.frame_ids, other.frame_ids, return_indices=True)
    return int((one.boxes[mine] == other.boxes[theirs]).all(-1).sum())


@settings(max_examples=25, deadline=None)
@given(st.floats(2.5, 8.0), st.integers(-5, 5), st.booleans(), st.integers(0, 2**31))
def test_people_who_pass_each_other_keep_their_tracks(speed, late, swap, seed):
    """Whether or not the tracker swapped them, at the meeting or a little beside it."""
    truth = crossing(speed, noise=1.0, seed=seed)
    found = undo_identity_switches(swapped(truth, 60 + late) if swap else truth, RATE)
    assert len(found) == 2
    assert agreement(found, truth) > 0.95


def test_course_and_facing_suffice_where_clothes_are_alike():
    truth = crossing(colours=(0, 0))
    assert agreement(undo_identity_switches(swapped(truth, 60), RATE), truth) > 0.95


def test_clothes_suffice_where_people_turn_back():
    """Two who meet, and part again to where they came from: the course alone would exchange them."""
    way = np.abs(4.0 * (np.arange(FRAMES) - 60.0))
    truth = [person(300 - way, 0), person(340 + way, 1, facing=-1)]
    assert agreement(undo_identity_switches(truth, RATE), truth) == 1.0


def test_doubt_changes_nothing():
    """Two in the same clothes who meet frontally and stay a while: no way to know, so the tracker's word stands."""
    way = 3.0 * np.maximum(np.abs(np.arange(FRAMES) - 60.0) - 30, 0)
    tracks = [person(300 - way, 0), person(340 + way, 0)]
    assert agreement(undo_identity_switches(tracks, RATE), tracks) == 1.0
    apart = [person(np.full(FRAMES, 200.0), 0), person(np.full(FRAMES, 300.0), 0)]
    assert find_meetings(apart, RATE) == []
    inseparable = [person(np.full(FRAMES, 200.0), 0), person(np.full(FRAMES, 220.0), 1)]
    assert agreement(undo_identity_switches(swapped(inseparable, 60), RATE), swapped(inseparable, 60)) == 1.0


def test_who_is_hidden_and_stolen_from_comes_back():
    """The one behind is lost at the meeting, their track goes on with the one in front, and a third track begins."""
    front, behind = crossing()
    tracks = [part(front, 0, 62), spliced(part(behind, 0, 55), part(front, 62, FRAMES)), part(behind, 61, FRAMES)]
    people, _ = clean_tracklets(tracks, RATE, FRAMES)
    assert [len(person) for person in people] == [FRAMES, FRAMES]
    for truth in (front, behind):
        assert max(np.mean(box_overlap(person.boxes, truth.boxes) > 0.5) for person in people) > 0.95


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(3)), st.booleans())
def test_three_in_a_row_and_any_order(order, swap):
    """A third walks after the first, and meets the same one later."""
    first, second = crossing(speed=5.0)
    third = person(120 + 5.0 * (np.arange(FRAMES) - 60.0), 2)
    tracks = [*(swapped([first, second], 60) if swap else (first, second)), third]
    assert agreement(undo_identity_switches([tracks[i] for i in order], RATE), [first, second, third]) > 0.9


def test_share_that_is_hidden():
    boxes = np.array([[0, 0, 4, 4], [1, 1, 2, 2], [3, 0, 7, 4], [9, 9, 10, 10]], float)
    np.testing.assert_allclose(hidden_share(boxes[:1], boxes), [1, 1, 0.25, 0])


@pytest.mark.slow
def test_each_found_person_follows_one_true_person():
    reporter = Reporter(quiet=True)
    people = find_people(open_video(SAMPLES / "two_crossing.mp4", reporter), PeopleOptions(), reporter)
    truth = []
    for number in (1, 2):
        with np.load(SAMPLES / f"two_crossing_0{number}.npz") as arrays:
            truth.append(arrays["boxes"])
    shares = np.array([
        [np.mean(box_overlap(track.boxes, boxes[track.frame_ids]) > 0.5) for boxes in truth] for track in people.tracks
    ])  # fmt: skip
    assert [len(track) for track in people.tracks] == [len(boxes) for boxes in truth]
    assert sorted(shares.argmax(1)) == [0, 1]
    assert (shares.max(1) > 0.9).all()
