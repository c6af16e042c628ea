"""Left and right, where a detector takes a person's front for the back in single frames. Pure numpy.

Nobody turns about between two frames, so that a jump of all limbs to their opposites and back is the detector's. Each frame
is taken as it is or with its sides exchanged, whichever way through the track is the likeliest (Viterbi, 1967).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmr_video.geometry.skeleton import COCO_LIMBS, MIRRORED_COCO

Array = NDArray[Any]

_NOSE = 0
_VISIBLE = 0.5  # confidence from which a keypoint counts as seen
_FEWEST = 6  # limb keypoints that two frames must share, to be compared
_SPEED = 1.0  # box heights a second that limbs may move at no cost
_ACROSS_SECONDS = 0.25  # a gap across which nothing is compared
_DOUBT = 0.6  # cost of each second in which the detector is said to err, in box heights; where it is sure of what it sees


def settle_sides(frame_ids: Array, boxes: Array, keypoints: Array, frame_rate: float) -> Array:
    """Keypoints (n, 17, 3) of one person, observed at ``frame_ids`` (n,) in ``boxes`` (n, 4), with the sides of whole frames
    exchanged where that makes one continuous movement of them."""
    if len(frame_ids) < 3:
        return keypoints
    as_found, exchanged = _jumps(frame_ids, boxes, keypoints, frame_rate)
    doubt = _DOUBT / frame_rate * _certainty(keypoints)
    cost, came_from = np.array([0.0, doubt[0]]), np.empty((len(frame_ids), 2), int)
    for frame in range(1, len(frame_ids)):
        step = np.array([[as_found[frame - 1], exchanged[frame - 1]], [exchanged[frame - 1], as_found[frame - 1]]])
        ways = cost[:, None] + step  # from each state (rows) into each (columns)
        came_from[frame] = ways.argmin(0)
        cost = ways.min(0)
        cost[1] += doubt[frame]
    wrong = np.empty(len(frame_ids), bool)
    state = int(cost.argmin())
    for frame in range(len(frame_ids) - 1, -1, -1):
        wrong[frame] = state == 1
        state = came_from[frame, state]
    return np.where(wrong[:, None, None], keypoints[:, list(MIRRORED_COCO)], keypoints)


def _jumps(frame_ids: Array, boxes: Array, keypoints: Array, frame_rate: float) -> tuple[Array, Array]:
    """(n - 1,) each, in box heights beyond what a person may move: between successive frames as they are, and with the sides
    of one exchanged. 0 where two frames cannot be compared."""
    seconds = np.diff(frame_ids) / frame_rate
    height = np.maximum(boxes[:, 3] - boxes[:, 1], 1)
    height = np.minimum(height[1:], height[:-1])[:, None]
    centred = keypoints[..., :2] - ((boxes[:, :2] + boxes[:, 2:]) / 2)[:, None]
    seen = keypoints[..., 2] > _VISIBLE

    def jump(order: Array) -> tuple[Array, Array]:
        shared = (seen[:-1] & seen[1:, order])[:, COCO_LIMBS]
        distance = np.linalg.norm(centred[:-1] - centred[1:, order], axis=-1)[:, COCO_LIMBS] / height
        count = shared.sum(1)
        mean = (distance * shared).sum(1) / np.maximum(count, 1)
        return np.maximum(mean - _SPEED * seconds, 0), count >= _FEWEST

    (as_found, enough), (exchanged, enough_too) = jump(np.arange(17)), jump(np.array(MIRRORED_COCO))
    compared = enough & enough_too & (seconds <= max(_ACROSS_SECONDS, 1.5 / frame_rate))
    return np.where(compared, as_found, 0), np.where(compared, exchanged, 0)


def _certainty(keypoints: Array) -> Array:
    """(n,) in 0..1: how well the nose's confidence agrees with the side that shoulders and hips show: faces have noses."""
    across = keypoints[:, [5, 11], 0] - keypoints[:, [6, 12], 0]
    front = (across * keypoints[:, [5, 11], 2] * keypoints[:, [6, 12], 2]).sum(1) > 0
    nose = keypoints[:, _NOSE, 2].clip(0, 1)
    return np.where(front, nose, 1 - nose)
