"""From tracklets to people: ghosts out, broken tracks joined, gaps filled, boxes smoothed, the largest first. Pure numpy."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmr_video.people.tracker import Tracklet
from hmr_video.people.tracks import Track

Array = NDArray[Any]

_JOIN_SECONDS = 1.0  # the longest gap over which two tracklets may be one person
_SHORTEST_SECONDS = 0.5  # of a track, unless the clip itself is short
_DOUBTFUL_SCORE = 0.35  # median detection score of what is rarely a person
_VISIBLE = 0.5  # confidence from which a keypoint counts as seen
_SAME_OVERLAP = 0.65  # intersection over union from which two boxes hold one person
_SAME_POSE = 0.08  # mean distance of shared keypoints, in box heights, below which two poses are one


def clean_tracklets(
    tracklets: Sequence[Tracklet], frame_rate: float, frame_count: int, limit: int | None = None
) -> tuple[list[Track], list[str]]:
    """People, largest on screen first and at most ``limit``, and notes on what was dropped and why.

    frame_count: the length of the clip, by which short tracks are judged.
    """
    notes = []
    kept = drop_doubles(tracklets)
    doubles = len(tracklets) - len(kept)
    joined = join_broken(kept, frame_rate)
    shortest = min(_SHORTEST_SECONDS * frame_rate, frame_count / 2)
    lasting = [track for track in joined if _extent(track) >= shortest]
    sure = [track for track in lasting if not is_doubtful(track)]
    dropped = (
        (doubles, "doubles another"),
        (len(joined) - len(lasting), "is shorter than half a second"),
        (len(lasting) - len(sure), "is hardly a person"),
    )
    notes += [f"{count} track{'s' * (count > 1)} dropped: each {why}." for count, why in dropped if count]
    people = sorted((fill(track) for track in sure), key=lambda track: -track.size)
    return people[:limit], notes


def box_overlap(first: Array, second: Array) -> Array:
    """Intersection over union of boxes (..., 4) x1 y1 x2 y2 -> (...)."""
    corner = np.maximum(first[..., :2], second[..., :2])
    inner = np.clip(np.minimum(first[..., 2:], second[..., 2:]) - corner, 0, None).prod(-1)
    areas = [(box[..., 2:] - box[..., :2]).prod(-1) for box in (first, second)]
    return inner / np.maximum(areas[0] + areas[1] - inner, 1e-9)


def pose_distance(first: Array, second: Array, height: Array) -> Array:
    """Mean distance of the keypoints (..., 17, 3) that both poses show, in ``height`` (...) -> (...); inf below four."""
    shared = (first[..., 2] > _VISIBLE) & (second[..., 2] > _VISIBLE)
    distance = np.linalg.norm(first[..., :2] - second[..., :2], axis=-1)
    count = shared.sum(-1)
    mean = (distance * shared).sum(-1) / np.maximum(count, 1)
    return np.where(count >= 4, mean / np.maximum(height, 1e-9), np.inf)


def drop_doubles(tracklets: Sequence[Tracklet]) -> list[Tracklet]:
    """Without tracklets that, for most of their life, sit on a longer or surer one (one person tracked twice)."""
    kept: list[Tracklet] = []
    for track in sorted(tracklets, key=lambda track: -float(track.scores.sum())):
        if not any(_is_double(track, other) for other in kept):
            kept.append(track)
    return sorted(kept, key=lambda track: int(track.frame_ids[0]))


def _is_double(track: Tracklet, other: Tracklet) -> bool:
    shared, mine, theirs = np.intersect1d(track.frame_ids, other.frame_ids, return_indices=True)
    if len(shared) * 2 < len(track):
        return False
    boxes = track.boxes[mine], other.boxes[theirs]
    height = np.maximum(boxes[0][:, 3] - boxes[0][:, 1], boxes[1][:, 3] - boxes[1][:, 1])
    same = box_overlap(*boxes) > _SAME_OVERLAP
    same |= pose_distance(track.keypoints[mine], other.keypoints[theirs], height) < _SAME_POSE
    return bool(same.sum() * 2 > len(track))


def is_doubtful(track: Tracklet) -> bool:
    """Whether a track is rarely a person: faint detections, or hardly any keypoint that can be trusted."""
    faint = float(np.median(track.scores)) < _DOUBTFUL_SCORE
    seen = np.median((track.keypoints[:, :, 2] > _VISIBLE).sum(-1))
    return faint or bool(seen < 4)


def join_broken(tracklets: Sequence[Tracklet], frame_rate: float) -> list[Tracklet]:
    """Joins tracklets that end and begin within a second, about where the first was heading and of about its size.

    Pairs are joined in order of their cost, each end and each beginning once.
    """
    costs = []
    for i, before in enumerate(tracklets):
        for j, after in enumerate(tracklets):
            cost = _join_cost(before, after, frame_rate) if i != j else np.inf
            if cost < 1:
                costs.append((cost, i, j))
    following: dict[int, int] = {}
    for _, i, j in sorted(costs):
        if i not in following and j not in following.values():
            following[i] = j
    chains = []
    for start in range(len(tracklets)):
        if start in following.values():
            continue
        chain = [start]
        while chain[-1] in following:
            chain.append(following[chain[-1]])
        chains.append(_concatenated([tracklets[index] for index in chain]))
    return chains


def _join_cost(before: Tracklet, after: Tracklet, frame_rate: float) -> float:
    """Below 1 when ``after`` may carry on ``before``: the misses of place, size and pose, each against what is allowed."""
    gap = int(after.frame_ids[0] - before.frame_ids[-1])
    if not 0 < gap <= max(2, _JOIN_SECONDS * frame_rate):
        return np.inf
    old, new = before.boxes[-1], after.boxes[0]
    size = np.maximum(old[2:] - old[:2], 1.0), np.maximum(new[2:] - new[:2], 1.0)
    height = (size[0][1] + size[1][1]) / 2
    reach = 0.3 + 0.4 * gap / (_JOIN_SECONDS * frame_rate)  # in heights; grows with the time unseen
    old_centre, new_centre = (old[:2] + old[2:]) / 2, (new[:2] + new[2:]) / 2
    predicted = old_centre + _velocity(before, frame_rate) * gap
    place = min(float(np.linalg.norm(new_centre - predicted)), float(np.linalg.norm(new_centre - old_centre)))
    stretch = float(np.abs(np.log(np.sqrt(size[1].prod() / size[0].prod()))))
    pose = float(pose_distance(_inside(before.keypoints[-1], old), _inside(after.keypoints[0], new), np.array(1.0)))
    misses = [place / height / reach, stretch / np.log(1.5)]
    if np.isfinite(pose):
        misses.append(pose / 0.35)
    return max(misses) if max(misses) < 1 else np.inf


def _velocity(track: Tracklet, frame_rate: float) -> Array:
    """(2,) pixels a frame of the box's centre over the last quarter of a second."""
    span = max(2, round(frame_rate / 4))
    centres = (track.boxes[-span:, :2] + track.boxes[-span:, 2:]) / 2
    frames = int(track.frame_ids[-1] - track.frame_ids[-len(centres) :][0])
    return (centres[-1] - centres[0]) / frames if frames else np.zeros(2)


def _inside(keypoints: Array, box: Array) -> Array:
    """Keypoints (17, 3) in units of the box's height, from its corner."""
    return (keypoints - [box[0], box[1], 0.0]) / [max(box[3] - box[1], 1.0), max(box[3] - box[1], 1.0), 1.0]


def _concatenated(parts: Sequence[Tracklet]) -> Tracklet:
    return Tracklet(*(np.concatenate([getattr(part, name) for part in parts]) for name in Tracklet.__dataclass_fields__))


def _extent(track: Tracklet) -> int:
    return int(track.frame_ids[-1] - track.frame_ids[0]) + 1


def fill(track: Tracklet) -> Track:
    """Consecutive frames: boxes interpolated over the gaps and smoothed, keypoints zero where nothing was detected."""
    frame_ids = np.arange(track.frame_ids[0], track.frame_ids[-1] + 1)
    at = track.frame_ids - frame_ids[0]
    boxes = np.stack([np.interp(frame_ids, track.frame_ids, side) for side in track.boxes.T], 1)
    keypoints = np.zeros((len(frame_ids), 17, 3))
    keypoints[at] = track.keypoints
    detected = np.zeros(len(frame_ids), bool)
    detected[at] = True
    return Track(frame_ids, smooth_boxes(boxes), keypoints, detected)


def smooth_boxes(boxes: Array) -> Array:
    """(T, 4) -> (T, 4): a median over 5 frames against jumps, then a Gaussian of one frame; ends mirrored."""
    from scipy.ndimage import gaussian_filter1d, median_filter

    if len(boxes) < 3:
        return boxes
    return gaussian_filter1d(median_filter(boxes, size=(5, 1), mode="nearest"), 1.0, axis=0, mode="nearest")
