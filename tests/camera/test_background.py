import cv2
import numpy as np
import pytest

from hmr_video.camera.background import Background
from hmr_video.people.detect.detections import Detections
from hmr_video.people.finder import in_pictures
from hmr_video.people.track.tracker import Tracker
from hmr_video.people.track.tracks import Track

SIZE = (360, 640)
NOBODY = np.zeros((0, 4))


@pytest.fixture(scope="module")
def scenery():
    rough = np.random.default_rng(0).uniform(0, 255, (30, 160, 3)).astype(np.float32)
    return cv2.resize(rough, (3200, 600), interpolation=cv2.INTER_CUBIC).clip(0, 255).astype(np.uint8)


def view(scenery, corner):
    x, y = (int(length) for length in corner)
    return scenery[y : y + SIZE[0], x : x + SIZE[1]]


def test_a_pan_is_followed_to_a_pixel_or_two_and_a_still_camera_stays(scenery):
    corners = np.array([[1000, 100], [1000, 100], [1037, 100], [1100, 96], [1090, 130], [1000, 100]])
    background = Background(30.0)
    found = np.array([background.update(n, view(scenery, corner), NOBODY) for n, corner in enumerate(corners)])
    np.testing.assert_allclose(found, corners[0] - corners, atol=2)
    np.testing.assert_array_equal(found[:2], 0)


def test_neither_a_cut_nor_black_pictures_move_the_scene(scenery):
    background = Background(30.0)
    other = np.random.default_rng(1).integers(0, 255, (*SIZE, 3), np.uint8)
    for number, frame in enumerate(
        (view(scenery, (0, 0)), other, np.zeros_like(other), np.zeros_like(other), view(scenery, (500, 50)))
    ):
        np.testing.assert_array_equal(background.update(number, frame, NOBODY), 0)


def test_people_in_a_row_keep_their_numbers_when_the_camera_swings_by_the_distance_between_them(scenery):
    tracker, background, stride = Tracker("bytetrack", 30.0), Background(30.0), 100
    for frame in range(12):
        corner = np.array([1400 - stride * max(0, frame - 3), 100])
        standing = 1400 + stride * np.arange(-4, 6) - corner[0]
        left = standing[(standing >= 0) & (standing <= SIZE[1] - 60)].astype(float)
        boxes = np.stack([left, np.full_like(left, 100), left + 60, np.full_like(left, 250)], 1)
        poses = np.concatenate([np.repeat(boxes[:, None, :2], 17, 1), np.ones((len(left), 17, 1))], -1)
        image = view(scenery, corner)
        offset = background.update(frame, image, boxes)
        tracker.update(frame, Detections(boxes, np.full(len(left), 0.9), poses), image, offset)
    tracklets = tracker.tracklets()
    assert len(tracklets) == 10
    for track in tracklets:
        assert np.ptp(track.boxes[:, 0]) <= 4
        pictured = in_pictures(Track(track.frame_ids, track.boxes, track.keypoints, track.scores > 0), background.offsets)
        np.testing.assert_array_equal(pictured.keypoints[:, 0, :2], pictured.boxes[:, :2])
        moved = stride * (np.maximum(0, track.frame_ids - 3) - max(0, track.frame_ids[0] - 3))
        np.testing.assert_array_equal(pictured.boxes[:, 0] - pictured.boxes[0, 0], moved)


def test_places_are_given_back_to_the_pictures_but_not_to_what_was_not_seen():
    track = Track(np.arange(2, 5), np.ones((3, 4)), np.zeros((3, 17, 3)), np.array([True, False, True]))
    moved = in_pictures(track, {2: np.array([5.0, 1.0]), 4: np.array([9.0, 3.0])})
    np.testing.assert_array_equal(moved.boxes, [[6, 2, 6, 2], [8, 3, 8, 3], [10, 4, 10, 4]])
    np.testing.assert_array_equal(moved.keypoints[:, 3], [[5, 1, 0], [0, 0, 0], [9, 3, 0]])
