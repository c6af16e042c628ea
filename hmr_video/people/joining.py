"""Tracklets of one person that the tracker lost and found again are joined, by place, size, pose and colour. Pure numpy."""

from collections.abc import Sequence
from dataclasses import fields
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmr_video.people.appearance import colour_distance
from hmr_video.people.tracker import Tracklet

Array = NDArray[Any]

_SPLIT_SECONDS = 0.25  # a tracker's own longer gaps are judged again
_BRIEF_SECONDS, _LONG_SECONDS = 0.5, 2.0  # gaps that are bridged by the best match, and where nobody else could be meant
_OVERLAP_SECONDS = 0.2  # by which a new tracklet may begin before the tracker gives up the old one
_RIVAL = 0.5  # by how much dearer another match must be for a long gap to be bridged
_UNLIKE = 0.65  # distance of colours between two people
_VISIBLE = 0.5  # confidence from which a keypoint counts as seen
_END = 8  # observations that describe an end of a tracklet


def pose_distance(first: Array, second: Array, height: Array) -> Array:
    """Mean distance of the keypoints (..., 17, 3) that both poses show, in ``height`` (...) -> (...); inf below four."""
    shared = (first[..., 2] > _VISIBLE) & (second[..., 2] > _VISIBLE)
    distance = np.linalg.norm(first[..., :2] - second[..., :2], axis=-1)
    count = shared.sum(-1)
    mean = (distance * shared).sum(-1) / np.maximum(count, 1)
    return np.where(count >= 4, mean / np.maximum(height, 1e-9), np.inf)


def split_at_gaps(track: Tracklet, frame_rate: float) -> list[Tracklet]:
    """The pieces of a tracklet between gaps of more than a quarter of a second, across which trackers often err."""
    longest = max(2.0, _SPLIT_SECONDS * frame_rate)
    cuts = np.flatnonzero(np.diff(track.frame_ids) > longest) + 1
    columns = [np.split(getattr(track, field.name), cuts) for field in fields(Tracklet)]
    return [Tracklet(*piece) for piece in zip(*columns, strict=True)]


def join_broken(tracklets: Sequence[Tracklet], frame_rate: float) -> list[Tracklet]:
    """Joins tracklets that one person may have left: over brief gaps the best pairs, over long ones only the sole ones."""
    brief = _joined(tracklets, frame_rate, _BRIEF_SECONDS, rivalry=False)
    return _joined(brief, frame_rate, _LONG_SECONDS, rivalry=True)


def _joined(tracklets: Sequence[Tracklet], frame_rate: float, longest: float, rivalry: bool) -> list[Tracklet]:
    """Chains of tracklets, each end and each beginning used once, the cheapest pair first."""
    costs = np.array([[join_cost(before, after, frame_rate, longest) for after in tracklets] for before in tracklets])
    fleeting = [len(track) < _SPLIT_SECONDS * frame_rate for track in tracklets]
    rivals = np.where(np.logical_or.outer(fleeting, fleeting), np.inf, costs)
    following: dict[int, int] = {}
    taken: set[int] = set()
    for i, j in zip(*np.unravel_index(np.argsort(costs, axis=None, kind="stable"), costs.shape), strict=True):
        if costs[i, j] >= 1:
            break
        others = np.concatenate([np.delete(rivals[i], j), np.delete(rivals[:, j], i)])
        if i not in following and j not in taken and not (rivalry and np.any(others < costs[i, j] + _RIVAL)):
            following[int(i)] = int(j)
            taken.add(int(j))
    chains = []
    for start in range(len(tracklets)):
        if start not in taken:
            chain = [start]
            while chain[-1] in following:
                chain.append(following[chain[-1]])
            chains.append(concatenated([tracklets[index] for index in chain]))
    return chains


def join_cost(before: Tracklet, after: Tracklet, frame_rate: float, longest: float) -> float:
    """Below 1 when ``after`` may carry on ``before``: the worst of the misses of place, size, colour and pose.

    Each is measured against what a person can do in the time between; inf when that is over ``longest`` seconds, or when the
    two overlap by more than a moment.
    """
    frames = int(after.frame_ids[0] - before.frame_ids[-1])
    if frames <= 0:
        if frames <= -_OVERLAP_SECONDS * frame_rate or before.frame_ids[0] + _END > after.frame_ids[0]:
            return np.inf
        before = _until(before, int(after.frame_ids[0]))
        frames = int(after.frame_ids[0] - before.frame_ids[-1])
    gap = frames / frame_rate
    if frames > max(2, longest * frame_rate):
        return np.inf
    sizes = _size(before.boxes[-_END:]), _size(after.boxes[:_END])
    size = max(sizes)
    old, new = _centre(before.boxes[-1]), _centre(after.boxes[0])
    predicted = old + _velocity(before, frame_rate) * min(frames, frame_rate / 2)  # nobody keeps a course for long
    place = min(float(np.linalg.norm(new - predicted)), float(np.linalg.norm(new - old))) / size
    colour = float(colour_distance(mean_colour(before.colours[-_END:]), mean_colour(after.colours[:_END])))
    pose = float(pose_distance(_centred(before.keypoints[-1], old), _centred(after.keypoints[0], new), np.array(size)))
    misses = [
        place / (0.35 + 0.5 * min(gap, 1.0)),
        abs(float(np.log(sizes[1] / sizes[0]))) / np.log(1.6),
        colour / _UNLIKE,
        pose / (0.3 + 0.5 * gap) if np.isfinite(pose) else 0.0,
    ]
    return max(misses)


def _until(track: Tracklet, frame: int) -> Tracklet:
    """The observations before ``frame``."""
    early = track.frame_ids < frame
    return Tracklet(*(getattr(track, field.name)[early] for field in fields(Tracklet)))


def mean_colour(colours: Array) -> Array:
    mean = colours.mean(0)
    return mean / max(float(np.linalg.norm(mean)), 1e-9)


def _size(boxes: Array) -> float:
    """Pixels: the longer side, which a person who bends or turns over keeps better than the height."""
    return max(float(np.median((boxes[:, 2:] - boxes[:, :2]).max(-1))), 1.0)


def _centre(box: Array) -> Array:
    return (box[:2] + box[2:]) / 2


def _velocity(track: Tracklet, frame_rate: float) -> Array:
    """(2,) pixels a frame of the box's centre over the last quarter of a second."""
    last = track.frame_ids >= track.frame_ids[-1] - max(2, round(frame_rate / 4))
    boxes, frames = track.boxes[last], int(track.frame_ids[-1] - track.frame_ids[last][0])
    return (_centre(boxes[-1]) - _centre(boxes[0])) / frames if frames else np.zeros(2)


def _centred(keypoints: Array, centre: Array) -> Array:
    return keypoints - [centre[0], centre[1], 0.0]


def concatenated(parts: Sequence[Tracklet]) -> Tracklet:
    """One tracklet; where two overlap, the later one counts."""
    trimmed = [_until(part, int(after.frame_ids[0])) for part, after in pairwise(parts)] + [parts[-1]]
    return Tracklet(*(np.concatenate([getattr(part, field.name) for part in trimmed]) for field in fields(Tracklet)))
