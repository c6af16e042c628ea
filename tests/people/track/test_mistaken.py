"""Detections that a tracker gave to the wrong one of two people who walk past each other, at 30 fps."""

import numpy as np

from hmr_video.people.track.mistaken import reassign_detections
from hmr_video.people.track.tracker import Tracklet

RATE, FRAMES = 30.0, np.arange(60)


def walker(start, speed, colour, without=()) -> Tracklet:
    """Someone whose box begins at ``start`` + ``speed`` * frame; ``colour`` names the shirt."""
    frames = np.setdiff1d(FRAMES, without)
    left = start + speed * frames
    boxes = np.stack([left, np.full(len(frames), 100.0), left + 80, np.full(len(frames), 300.0)], 1)
    colours = np.zeros((len(frames), 64))
    colours[:, [0, 1 + colour]] = np.sqrt(0.5)  # half of what is seen is alike in everybody
    return Tracklet(frames, boxes, np.full(len(frames), 0.9), np.zeros((len(frames), 17, 3)), colours)


def with_detection(track: Tracklet, other: Tracklet, frame: int) -> Tracklet:
    """A track that took another's detection of a frame."""
    rows = [np.concatenate([getattr(track, name), getattr(other, name)[other.frame_ids == frame]]) for name in _NAMES]
    order = rows[0].argsort()
    return Tracklet(*(row[order] for row in rows))


_NAMES = tuple(Tracklet.__dataclass_fields__)


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        for name in _NAMES:
            np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_a_detection_goes_to_the_one_whom_it_shows():
    """The one in front is found all the time, the one behind is hidden, and takes the other's detection in one frame."""
    front, hidden = walker(0, 5, 0), walker(150, 0, 1, without=range(27, 33))
    robbed = [walker(0, 5, 0, without=[29]), with_detection(hidden, front, 29)]
    assert_same(reassign_detections(robbed, RATE), [front, hidden])
    assert_same(reassign_detections(robbed[::-1], RATE), [hidden, front])


def test_what_is_right_or_not_clear_stays():
    hidden = walker(150, 0, 1, without=range(27, 33))
    for tracks in (
        [walker(0, 5, 0, without=[29]), walker(150, 0, 1)],  # each has what shows it
        [walker(0, 5, 1, without=[29]), with_detection(hidden, walker(0, 5, 1), 29)],  # both in the same clothes
        [walker(0, 5, 0, without=range(20, 38)), with_detection(hidden, walker(0, 5, 0), 29)],  # for long
        [walker(0, 5, 0), hidden],
    ):
        assert_same(reassign_detections(tracks, RATE), tracks)
    assert reassign_detections([], RATE) == []
