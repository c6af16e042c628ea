"""Sides, on a person who does jumping jacks before the camera and one who turns about."""

import numpy as np
import pytest

from hmr_video.geometry.skeleton import MIRRORED_COCO
from hmr_video.people.keypoints.sides import settle_left_right

RATE = 30.0
# COCO keypoints from the front, in heights from the middle of the person: x to the person's left, y down.
FRONT = np.array([
    [0.0, -0.45], [0.02, -0.47], [-0.02, -0.47], [0.05, -0.45], [-0.05, -0.45], [0.1, -0.3], [-0.1, -0.3], [0.2, -0.25],
    [-0.2, -0.25], [0.3, -0.2], [-0.3, -0.2], [0.06, 0.0], [-0.06, 0.0], [0.08, 0.22], [-0.08, 0.22], [0.1, 0.45], [-0.1, 0.45],
])  # fmt: skip


def person(turn: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frame ids, boxes and keypoints of someone 300 pixels tall who has turned by angles (n,): 0 faces the camera."""
    count = len(turn)
    points = np.broadcast_to(FRONT, (count, 17, 2)) * 300
    points = np.stack([points[..., 0] * np.cos(turn)[:, None], points[..., 1]], -1) + np.array([320, 240])
    confidence = np.full((count, 17, 1), 0.95)
    confidence[np.cos(turn) < 0, :3] = 0.05  # no face from behind
    boxes = np.tile([220.0, 90.0, 420.0, 390.0], (count, 1))
    return np.arange(count), boxes, np.concatenate([points, confidence], -1)


@pytest.mark.parametrize("wrong", [[20], [0], [39], [*range(10, 22)], [5, 7, 8, 30]])
def test_frames_seen_from_the_wrong_side_are_put_right(wrong):
    frame_ids, boxes, keypoints = person(np.zeros(40))
    confused = keypoints.copy()
    confused[wrong] = keypoints[wrong][:, list(MIRRORED_COCO)]
    confused[wrong, 0, 2] = 0.4  # the detector is not so sure of what it did not see
    settled = settle_left_right(frame_ids, boxes, confused, RATE)
    np.testing.assert_array_equal(settled[..., :2], keypoints[..., :2])
    np.testing.assert_array_equal(settled[:, 0, 2], confused[:, 0, 2])


@pytest.mark.parametrize("half", [range(11), range(11, 17)])
@pytest.mark.parametrize("wrong", [[20], [0], [10, 11, 12], [5, 7, 8, 30]])
def test_one_arm_or_leg_that_was_taken_for_the_other_is_put_right(half, wrong):
    frame_ids, boxes, keypoints = person(np.zeros(40))
    confused = keypoints.copy()
    for point in half:
        confused[wrong, point] = keypoints[wrong, MIRRORED_COCO[point]]
    np.testing.assert_array_equal(settle_left_right(frame_ids, boxes, confused, RATE), keypoints)


def test_legs_that_pass_each_other_in_walking_are_left_alone():
    frame_ids, boxes, keypoints = person(np.full(60, np.pi / 2))
    swing = np.sin(2 * np.pi * frame_ids / RATE)[:, None] * np.array([30, -30])  # a step takes half a second
    for joint, share in ((13, 0.5), (15, 1.0)):
        keypoints[:, joint : joint + 2, 0] += share * swing
    np.testing.assert_array_equal(settle_left_right(frame_ids, boxes, keypoints, RATE), keypoints)


@pytest.mark.parametrize("seconds", [0.4, 1.0])
def test_someone_who_turns_about_is_left_alone(seconds):
    turn = np.concatenate([np.zeros(20), np.linspace(0, np.pi, round(seconds * RATE)), np.full(20, np.pi)])
    frame_ids, boxes, keypoints = person(turn)
    np.testing.assert_array_equal(settle_left_right(frame_ids, boxes, keypoints, RATE), keypoints)


def test_after_a_long_gap_nothing_is_compared():
    frame_ids, boxes, keypoints = person(np.repeat([0, np.pi], 20))
    frame_ids[20:] += 30
    np.testing.assert_array_equal(settle_left_right(frame_ids, boxes, keypoints, RATE), keypoints)
