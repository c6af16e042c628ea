"""Shots of made-up scenery, joined by cuts and dissolves, told from cameras that turn, flashes and fades."""

import cv2
import numpy as np
import pytest

from hmr_video.camera.background import Background
from hmr_video.camera.shots import Shots
from hmr_video.people.track.clean import clean_tracklets
from hmr_video.people.track.tracker import Tracklet

SIZE, RATE, LENGTH = (90, 160), 30.0, 40


@pytest.fixture(scope="module")
def places():
    """Three pieces of scenery, much wider than the picture."""
    rough = np.random.default_rng(0).uniform(0, 255, (3, 6, 75, 3)).astype(np.float32)
    return [cv2.resize(each, (1200, 90), interpolation=cv2.INTER_CUBIC).clip(0, 255) for each in rough]


def shot(place, speed=0, length=LENGTH):
    """(T, H, W, 3) views of a place by a camera that turns by ``speed`` pixels a frame."""
    return np.stack([place[:, 20 + speed * frame :][:, : SIZE[1]] for frame in range(length)])


def dissolved(first, second, steps):
    """One shot after the other, mixed over ``steps`` frames."""
    share = (np.arange(1, steps + 1) / (steps + 1))[:, None, None, None]
    middle = (1 - share) * first[len(first) - steps :] + share * second[:steps]
    return np.concatenate([first[: len(first) - steps], middle, second[steps:]])


def beginnings(frames):
    background = Background(RATE)
    for number, frame in enumerate(frames):
        background.update(100 + number, frame.round().astype(np.uint8), np.zeros((0, 4)))
    return [frame_id - 100 for frame_id in background.cuts]


@pytest.mark.parametrize("speeds", [(0, 0), (1, 0), (0, 1)])
@pytest.mark.parametrize("steps", [0, 3, 7, 15])
def test_cuts_and_dissolves_are_found_in_their_middle(places, speeds, steps):
    frames = dissolved(shot(places[0], speeds[0]), shot(places[1], speeds[1]), steps)
    (found,) = beginnings(frames)
    assert abs(found - (LENGTH - steps / 2)) <= 2


def test_every_shot_of_several_is_reported(places):
    first, second, third = (shot(place) for place in places)
    assert beginnings(np.concatenate([first, second, third])) == [LENGTH, 2 * LENGTH]


@pytest.mark.parametrize("speed", [0, 1, 3, 8, 20])
def test_a_camera_that_turns_makes_no_shots(places, speed):
    assert beginnings(shot(places[0], speed)) == []


@pytest.mark.parametrize(("carried", "expected"), [(0.0, [LENGTH]), (0.9, [])])
def test_pictures_with_nothing_in_common_are_one_shot_if_points_are_followed_through(places, carried, expected):
    shots = Shots(RATE, lambda frame_id: carried)
    for number, frame in enumerate(np.concatenate([shot(places[0]), shot(places[1])])):
        shots.update(number, frame[..., 1].round().astype(np.uint8))
    assert shots.beginnings == expected


def test_neither_a_flash_nor_a_fade_nor_a_black_picture_ends_a_shot(places):
    still = shot(places[0])
    flash = still.copy()
    flash[20] = shot(places[1])[0]
    assert beginnings(flash) == []
    assert beginnings(still * np.linspace(0, 1, LENGTH)[:, None, None, None]) == []
    gone = still.copy()
    gone[15:25] = 0
    assert beginnings(gone) == []


def test_nobody_is_followed_into_the_next_shot():
    """One tracklet that a tracker drew across a cut, and a person who stands just where another one stood before it."""
    frames = np.arange(100)
    boxes = np.tile([100.0, 100.0, 180.0, 300.0], (100, 1))
    keypoints = np.concatenate([np.full((100, 17, 2), 150.0), np.full((100, 17, 1), 0.9)], -1)
    person = Tracklet(frames, boxes, np.full(100, 0.9), keypoints, np.eye(64)[np.zeros(100, int)])
    ends = [(track.frame_ids[0], track.frame_ids[-1]) for track in clean_tracklets([person], RATE, 100, cuts=[40])[0]]
    assert sorted(ends) == [(0, 39), (40, 99)]
    assert len(clean_tracklets([person], RATE, 100)[0]) == 1
