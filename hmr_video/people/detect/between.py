"""People in frames at which the detector did not look: between two looks, where nothing happened that would need one."""

import numpy as np

from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import COCO_LIMBS
from hmr_video.people.detect.detections import Detections, box_overlap, hidden_share
from hmr_video.people.keypoints.sides import sided_as

_SURE = 0.25  # score from which a detection must be found in both looks
_SAME = 0.5  # overlap of two successive boxes of one person
_COVERED = 0.2  # share of a box that another covers, from which the two may be taken for each other
_FAR = 0.1  # mean movement of the limbs between two looks, in the person's size, beyond which it is not taken for straight


def somebody_lost(first: Detections, second: Detections) -> bool:
    """Whether a sure person of the first look is not found in the second."""
    sure = np.flatnonzero(first.scores >= _SURE)
    return not np.isin(sure, linked(first, second)[:, 0]).all()


def uneventful(first: Detections, second: Detections) -> bool:
    """Whether between two looks everybody just moves on: nobody came or went, met somebody, or moved fast."""
    pairs = linked(first, second)
    for found, linked_ones in zip((first, second), pairs.T, strict=True):
        sure = np.flatnonzero(found.scores >= _SURE)
        if not np.isin(sure, linked_ones).all() or _in_company(found.boxes[sure]):
            return False
    return all(_moves_on(first.keypoints[one], second.keypoints[other], first.boxes[one]) for one, other in pairs)


def linked(first: Detections, second: Detections) -> Array:
    """(m, 2) indices of the detections in two looks that hold one person: each the best for the other."""
    overlap = box_overlap(first.boxes[:, None], second.boxes[None])
    if not overlap.size:
        return np.zeros((0, 2), int)
    ones = np.arange(len(first))
    others = overlap.argmax(1)
    mutual = (overlap.argmax(0)[others] == ones) & (overlap[ones, others] > _SAME)
    return np.column_stack([ones, others])[mutual]


def interpolated(first: Detections, second: Detections, share: float) -> Detections:
    """Who is found in both looks, at a ``share`` of the time between them."""
    one, other = linked(first, second).T
    columns = ((first.boxes, second.boxes), (first.scores, second.scores), (first.keypoints, second.keypoints))
    return Detections(*((1 - share) * before[one] + share * after[other] for before, after in columns))


def _in_company(boxes: Array) -> bool:
    cover = hidden_share(boxes[:, None], boxes[None])
    return bool((cover[~np.eye(len(boxes), dtype=bool)] > _COVERED).any())


def _moves_on(before: Array, after: Array, box: Array) -> bool:
    """Whether keypoints (17, 3) of one person in two looks lie near to each other, and nearest as they are sided."""
    if (sided_as(before, after) != after).any():
        return False
    moved = np.linalg.norm((after - before)[list(COCO_LIMBS), :2], axis=-1).mean()
    return bool(moved < _FAR * (box[2:] - box[:2]).max())
