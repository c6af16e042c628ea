"""Left and right, where a detector takes a person's front for the back in single frames, or one leg for the other. Pure numpy.

Nobody turns about between two frames, so that a jump of all limbs to their opposites and back is the detector's. Each frame
is taken as it is or with its sides exchanged, above the hips, from them down, or everywhere, whichever way through the track
is the likeliest (Viterbi, 1967).
"""

import numpy as np

from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import CLEAR_CONFIDENCE, COCO_LIMBS, MIRRORED_LANDMARKS

_NOSE = 0
_HALVES = tuple(np.intersect1d(COCO_LIMBS, half) for half in (np.arange(11), np.arange(11, 17)))  # above the hips; the rest
_MIRRORED = np.array(MIRRORED_LANDMARKS)
_ALL = np.arange(len(_MIRRORED))
_LOWER = (_ALL >= 11) & (_ALL < 23)  # landmarks from the hips down
# What each state exchanges: nothing, all above the hips, the rest, everything. Between states i and j lies what i ^ j exchanges.
_ORDERS = np.array([_ALL, np.where(_LOWER, _ALL, _MIRRORED), np.where(_LOWER, _MIRRORED, _ALL), _MIRRORED])
_BETWEEN = np.bitwise_xor.outer(np.arange(4), np.arange(4))
_FEWEST = 3  # limb keypoints of a half that two frames must share, to be compared
_SPEED = 1.0  # box heights a second that limbs may move at no cost
_ACROSS_SECONDS = 0.25  # a gap across which nothing is compared
_DOUBT = 0.6  # cost of each second in which the detector is said to err, in box heights; where it is sure of what it sees


def settle_left_right(frame_ids: Array, boxes: Array, keypoints: Array, frame_rate: float) -> Array:
    """Keypoints (n, 17 or 29, 3) of one person, with the sides of whole or half bodies exchanged in frames where that makes one
    continuous movement of them. Observed at ``frame_ids`` (n,) in ``boxes`` (n, 4)."""
    if len(frame_ids) < 3:
        return keypoints
    steps = _jumps(frame_ids, boxes, keypoints, frame_rate)[:, _BETWEEN]  # from each state (rows) into each (columns)
    certainty = _certainty(keypoints)
    sure = np.ones_like(certainty)
    doubt = _DOUBT / frame_rate * np.stack([np.zeros_like(sure), sure, sure, certainty], 1)
    cost, came_from = doubt[0], np.empty((len(frame_ids), 4), int)
    for frame in range(1, len(frame_ids)):
        ways = cost[:, None] + steps[frame - 1]
        came_from[frame] = ways.argmin(0)
        cost = ways.min(0) + doubt[frame]
    states = np.empty(len(frame_ids), int)
    state = int(cost.argmin())
    for frame in range(len(frame_ids) - 1, -1, -1):
        states[frame] = state
        state = came_from[frame, state]
    return np.take_along_axis(keypoints, _ORDERS[states, : keypoints.shape[1], None], 1)


def sided_as(first: Array, second: Array) -> Array:
    """``second`` (17, 3), another finding of the person of ``first`` (17, 3), with the sides of half or the whole body exchanged
    where that brings it nearer."""
    ways = second[_ORDERS[:, :17]]
    return np.asarray(ways[np.linalg.norm((ways - first)[..., :2], axis=-1).sum(1).argmin()])


def _jumps(frame_ids: Array, boxes: Array, keypoints: Array, frame_rate: float) -> Array:
    """(n - 1, 4), in box heights beyond what a person may move: between successive frames, when the sides of one are exchanged
    as each of the `_ORDERS` does; the mean of both halves. 0 of halves that cannot be compared."""
    seconds = np.diff(frame_ids) / frame_rate
    height = np.maximum(boxes[:, 3] - boxes[:, 1], 1)
    height = np.minimum(height[1:], height[:-1])[:, None]
    centred = keypoints[..., :2] - ((boxes[:, :2] + boxes[:, 2:]) / 2)[:, None]
    seen = keypoints[..., 2] > CLEAR_CONFIDENCE

    def jump(half: Array, order: Array) -> tuple[Array, Array]:
        shared = seen[:-1, half] & seen[1:, order[half]]
        distance = np.linalg.norm(centred[:-1, half] - centred[1:, order[half]], axis=-1) / height
        count = shared.sum(1)
        mean = (distance * shared).sum(1) / np.maximum(count, 1)
        return np.maximum(mean - _SPEED * seconds, 0), count >= _FEWEST

    total = np.zeros((len(seconds), len(_ORDERS)))
    for half in _HALVES:
        jumps, enough = (np.stack(column, 1) for column in zip(*(jump(half, order) for order in _ORDERS), strict=True))
        compared = enough.all(1) & (seconds <= max(_ACROSS_SECONDS, 1.5 / frame_rate))
        total += np.where(compared[:, None], jumps, 0) / len(_HALVES)
    return total


def _certainty(keypoints: Array) -> Array:
    """(n,) in 0..1: how well the nose's confidence agrees with the side that shoulders and hips show: faces have noses."""
    across = keypoints[:, [5, 11], 0] - keypoints[:, [6, 12], 0]
    front = (across * keypoints[:, [5, 11], 2] * keypoints[:, [6, 12], 2]).sum(1) > 0
    nose = keypoints[:, _NOSE, 2].clip(0, 1)
    return np.where(front, nose, 1 - nose)
