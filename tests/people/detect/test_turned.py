import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import center_of_mass

from hmr_video.people.detect.detections import Detections
from hmr_video.people.detect.lying import RotatedPass
from hmr_video.people.detect.turned import picture, rotation, tilt, turned_back, view

SIZE = (240, 320)  # height, width
UPRIGHT, LYING, UPSIDE_DOWN = (0.0, -1.0), (1.0, 0.0), (0.0, 1.0)
NOBODY = Detections(np.zeros((0, 4)), np.zeros(0), np.zeros((0, 17, 3)))
turns = st.floats(-180, 180)
corners = st.tuples(st.floats(0, 250), st.floats(0, 180), st.floats(40, 300), st.floats(40, 300))


def person(head: np.ndarray, feet: np.ndarray, score: float) -> Detections:
    """Somebody whose shoulders are where the head is, and whose hips are where the feet are."""
    keypoints = np.tile([*feet, 0.9], (17, 1))
    keypoints[:7, :2] = head
    room = 0.7 * np.linalg.norm(head - feet)
    low, high = np.minimum(head, feet) - room, np.maximum(head, feet) + room
    return Detections(np.concatenate([low, high])[None], np.array([score]), keypoints[None])


def photograph(middle: tuple[float, float], up: tuple[float, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A frame with a red head and blue feet 60 pixels apart, and where these are."""
    down, across = np.mgrid[: SIZE[0], : SIZE[1]] + 0.5
    frame, places = np.zeros((*SIZE, 3)), [np.array(middle) + sign * 30 * np.array(up) for sign in (1, -1)]
    for channel, (x, y) in zip((0, 2), places, strict=True):
        frame[..., channel] = 255 * np.exp(-((across - x) ** 2 + (down - y) ** 2) / 50)
    return frame.round().astype(np.uint8), *places


class Network:
    """Finds red heads above blue feet, and takes those who are upside down for upright."""

    def __init__(self) -> None:
        self.pictures = 0

    def __call__(self, pictures: list[np.ndarray]) -> list[Detections]:
        self.pictures += len(pictures)
        return [self.find(one) for one in pictures]

    def find(self, frame: np.ndarray) -> Detections:
        head, feet = (centroid(frame[..., channel]) for channel in (0, 2))
        up = (feet - head)[1] / np.linalg.norm(feet - head)
        return person(head, feet, 0.9) if up > 0.9 else person(feet, head, 0.3) if up < -0.9 else NOBODY


def centroid(values: np.ndarray) -> np.ndarray:
    bright = (values.astype(float) - 120).clip(0)  # beyond the border all is grey, 114
    return np.array(center_of_mass(bright))[::-1] + 0.5


@given(corners, turns)
def test_what_is_seen_in_a_turned_picture_lies_in_the_frame_where_it_is(corner, turn):
    box = np.array([corner[0], corner[1], corner[0] + corner[2], corner[1] + corner[3]])
    points = np.random.default_rng(0).uniform(0, SIZE[::-1], (2, 17, 2))
    way = view(box, turn, 1.5)
    there = points @ way[:, :2].T + way[:, 2]
    outer = np.concatenate([there.min(1), there.max(1)], -1)
    back = turned_back(Detections(outer, np.ones(2), np.concatenate([there, np.ones((2, 17, 1))], -1)), way, SIZE)
    np.testing.assert_allclose(back.keypoints[..., :2], points, atol=1e-9)
    low, high = points.min(1), points.max(1)
    assert (back.boxes[:, :2] < low + 1e-9).all()
    assert (back.boxes[:, 2:] > high - 1e-9).all()
    if turn % 90 == 0:
        np.testing.assert_allclose(back.boxes, np.concatenate([low, high], -1), atol=1e-9)


@settings(max_examples=20, deadline=None)  # the first picture imports OpenCV
@given(st.tuples(st.floats(100, 220), st.floats(80, 160)), turns)
def test_the_picture_shows_pixels_where_the_way_leads(middle, turn):
    frame, head, feet = photograph(middle, UPRIGHT)
    way = view(np.array([*np.subtract(middle, 70), *np.add(middle, 70)]), turn, 1.5)
    shown = picture(frame, way)
    for channel, place in ((0, head), (2, feet)):
        np.testing.assert_allclose(centroid(shown[..., channel]), way[:, :2] @ place + way[:, 2], atol=0.3)  # half a pixel is 0.8


def test_the_tilt_is_clockwise_from_upright_and_needs_a_torso():
    torsos = [person(np.array(up) * 30, np.zeros(2), 1.0).keypoints for up in (UPRIGHT, LYING, (-1.0, 0.0), UPSIDE_DOWN)]
    torsos.append(torsos[-1] * [1, 1, 0])
    np.testing.assert_allclose(tilt(np.concatenate(torsos)), [0, 90, -90, 180, 0])


@given(turns)
def test_a_tilted_torso_is_upright_in_a_picture_turned_by_as_much(turn):
    keypoints = person(np.array([0.0, -30.0]), np.zeros(2), 1.0).keypoints
    keypoints[..., :2] = keypoints[..., :2] @ rotation(turn).T
    np.testing.assert_allclose(rotation(tilt(keypoints)[0]), rotation(turn), atol=1e-9)


def test_upright_people_are_not_looked_at_again():
    frame, head, feet = photograph((160, 120), UPRIGHT)
    network, found = Network(), person(head, feet, 0.5)
    assert RotatedPass(network)(frame, found) is found
    assert network.pictures == 0


@pytest.mark.parametrize("up", [LYING, (-1.0, 0.0), UPSIDE_DOWN])
def test_who_leans_is_found_again_where_he_is(up):
    frame, head, feet = photograph((160, 120), up)
    other = person(np.array([40, 40]), np.array([40, 100]), 0.7)
    wrong = person(head + 3, feet + 3, 0.4)
    both = wrong + other
    found = RotatedPass(Network())(frame, both)
    np.testing.assert_allclose(found.scores, [0.9, 0.7])
    np.testing.assert_allclose(found.keypoints[0, [5, 11], :2], [head, feet], atol=0.3)
    np.testing.assert_array_equal(found.keypoints[1], other.keypoints[0])


def test_a_surer_first_finding_stays():
    frame, head, feet = photograph((160, 120), LYING)
    found = person(head + 3, feet + 3, 0.95)
    assert RotatedPass(Network())(frame, found) is found


def test_who_falls_is_found_where_the_first_look_finds_nobody_or_takes_him_for_upright():
    frame, head, feet = photograph((160, 120), LYING)
    look = RotatedPass(Network())
    look(frame, person(head, feet, 0.95))
    upright = person(np.array([165, 90]), np.array([165, 150]), 0.3)
    for up in (LYING, UPSIDE_DOWN):
        frame, head, feet = photograph((165, 120), up)
        for first in (NOBODY, upright):
            found = look(frame, first)
            assert len(found) == 1
            np.testing.assert_allclose(found.keypoints[0, [5, 11], :2], [head, feet], atol=0.3)


def test_the_place_of_somebody_who_is_gone_is_forgotten():
    frame, head, feet = photograph((160, 120), LYING)
    blind = Network()
    blind.find = lambda picture: NOBODY
    look = RotatedPass(blind)
    look(frame, person(head, feet, 0.9))
    for _ in range(30):
        assert look(frame, NOBODY) is NOBODY
    assert 6 < blind.pictures / 3 < 12
