"""Tracklets of one person that the tracker lost and found again are joined, by place, size, pose and colour. Pure numpy."""

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise
from operator import add

import numpy as np

from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import CLEAR_CONFIDENCE
from hmr_video.people.detect.detections import hidden_share
from hmr_video.people.track.appearance import colour_distance
from hmr_video.people.track.assignment import assigned
from hmr_video.people.track.tracker import Tracklet

_FLEETING_SECONDS = 0.25  # of somebody who is seen for a moment
_BRIEF_SECONDS, _LONG_SECONDS = 0.5, 2.0  # gaps that are bridged by the best match, and where nobody else could be meant
_OVERLAP_SECONDS = 0.2  # by which a new tracklet may begin before the tracker gives up the old one
_LONGER = 0.25  # by how much dearer a long gap is than a brief one that is as well explained
_RIVAL = 0.5  # by how much dearer any other way must be for a long gap to be bridged
_NEVER = 1e6  # cost
_COVERED = 0.3  # share of the smaller of two boxes in both, from which one person is half hidden by another
_HIDDEN = 0.1  # body sizes by which the middle of somebody half hidden may be misplaced
_UNLIKE = 0.65  # distance of colours between two people
_END = 8  # observations that describe an end of a tracklet


def pose_distance(first: Array, second: Array, height: Array) -> Array:
    """Mean distance of the keypoints (..., 17, 3) that both poses show, in ``height`` (...) -> (...); inf below four."""
    shared = (first[..., 2] > CLEAR_CONFIDENCE) & (second[..., 2] > CLEAR_CONFIDENCE)
    distance = np.linalg.norm(first[..., :2] - second[..., :2], axis=-1)
    count = shared.sum(-1)
    mean = (distance * shared).sum(-1) / np.maximum(count, 1)
    return np.where(count >= 4, mean / np.maximum(height, 1e-9), np.inf)


def split_at_gaps(track: Tracklet, frame_rate: float) -> list[Tracklet]:
    """The pieces of a tracklet, cut in gaps of more than a quarter of a second, across which trackers often err, where what
    follows can hardly be the same person. Elsewhere the tracker's way stands: it knows the course that its people kept."""
    first, *others = track.pieces(track.long_gaps(frame_rate))
    kept = [first]
    for piece in others:
        if join_cost(kept[-1], piece, frame_rate) < 1:
            kept[-1] = concatenated([kept[-1], piece])
        else:
            kept.append(piece)
    return kept


def join_broken(tracklets: Sequence[Tracklet], frame_rate: float) -> list[Tracklet]:
    """Joins tracklets that one person may have left, so that all of it together is likeliest: first over brief gaps, unless
    joints over long ones explain more; then over long ones, where there is no other way that is nearly as likely."""
    brief = _chains(tracklets, _brief_joints(tracklets, frame_rate))
    return _chains(brief, _long_joints(brief, frame_rate))


def _brief_joints(tracklets: Sequence[Tracklet], frame_rate: float) -> dict[int, int]:
    """Which tracklet goes on with which over a brief gap, by index."""
    long = _gaps(tracklets) > max(2, _BRIEF_SECONDS * frame_rate)
    joints, _ = _cheapest(_costs(tracklets, frame_rate) + _LONGER * long, 1.0)
    return {i: j for i, j in joints if not long[i, j]}


def _long_joints(tracklets: Sequence[Tracklet], frame_rate: float) -> dict[int, int]:
    """The same over long gaps, where every way to do without the joint is dearer by `_RIVAL` at least."""
    costs = _costs(tracklets, frame_rate) + _LONGER
    fleeting = np.array([len(track) < _FLEETING_SECONDS * frame_rate for track in tracklets], bool)
    slight = np.logical_or.outer(fleeting, fleeting)  # what is seen for a moment is nobody's rival
    following: dict[int, int] = {}
    for group in _groups(costs < 1 + _RIVAL):
        square = np.ix_(group, group)
        following |= {int(group[i]): int(group[j]) for i, j in _clear_joints(costs[square], slight[square])}
    return following


def _clear_joints(costs: Array, slight: Array) -> list[tuple[int, int]]:
    """Of the cheapest joints those without which all would be dearer by `_RIVAL`; costs (n, n), ``slight`` (n, n) no rivals."""
    alone = 1 + _RIVAL
    possible = np.where(costs < 1, costs, _NEVER)
    joints, _ = _cheapest(possible, alone)
    rivals = np.where(slight, _NEVER, costs)  # those that are too dear to be joined cast doubt on others
    ways = np.where(slight, _NEVER, possible)
    for joint in joints:
        ways[joint] = costs[joint]
    _, least = _cheapest(ways, alone)

    def is_clear(i: int, j: int) -> bool:
        others = ways.copy()
        others[i], others[:, j] = rivals[i], rivals[:, j]
        others[i, j] = _NEVER
        return _cheapest(others, alone)[1] >= least + _RIVAL

    return [joint for joint in joints if is_clear(*joint)]


def _groups(related: Array) -> list[Array]:
    """Indices of those who are related, (n, n) bool, directly or through others."""
    from scipy.sparse.csgraph import connected_components

    count, group = connected_components(related, directed=False)
    return [np.flatnonzero(group == number) for number in range(count)]


def _costs(tracklets: Sequence[Tracklet], frame_rate: float) -> Array:
    """(n, n) what it costs to go on with each tracklet (columns) after each (rows)."""
    slack = (_HIDDEN * _hidden_ends(tracklets)).tolist()
    gaps = _gaps(tracklets)
    costs = np.full(gaps.shape, _NEVER)
    for i, j in np.argwhere((gaps > -_OVERLAP_SECONDS * frame_rate) & (gaps <= max(2, _LONG_SECONDS * frame_rate))):
        cost = join_cost(tracklets[i], tracklets[j], frame_rate, slack[i][1] + slack[j][0])
        costs[i, j] = min(cost, _NEVER)
    return costs


def _gaps(tracklets: Sequence[Tracklet]) -> Array:
    """(n, n) frames from the last of each tracklet (rows) to the first of each (columns)."""
    bounds = np.array([(track.frame_ids[0], track.frame_ids[-1]) for track in tracklets]).reshape(-1, 2)
    return bounds[None, :, 0] - bounds[:, None, 1]


def _hidden_ends(tracklets: Sequence[Tracklet]) -> Array:
    """(n, 2) bool: whether another tracklet's box covers that of each tracklet where it begins, and where it ends."""
    hidden = np.zeros((len(tracklets), 2), bool)
    if len(tracklets) < 2:
        return hidden
    owners = np.repeat(np.arange(len(tracklets)), [len(track) for track in tracklets])
    frame_ids = np.concatenate([track.frame_ids for track in tracklets])
    boxes = np.concatenate([track.boxes for track in tracklets])
    order = np.argsort(frame_ids, kind="stable")
    owners, frame_ids, boxes = owners[order], frame_ids[order], boxes[order]
    for number, track in enumerate(tracklets):
        for end in (0, -1):
            present = slice(*np.searchsorted(frame_ids, [track.frame_ids[end], track.frame_ids[end] + 1]))
            others = boxes[present][owners[present] != number]
            hidden[number, end] = np.any(hidden_share(track.boxes[end], others) > _COVERED)
    return hidden


def _cheapest(costs: Array, alone: float) -> tuple[list[tuple[int, int]], float]:
    """The joints, from rows to columns of costs (n, n), with which all costs least, and what it costs.

    ``alone``: the cost of a tracklet that is joined on neither side, half of it on each.
    """
    pairs = assigned(costs, alone)
    total = float(costs[tuple(pairs.T)].sum()) + alone * (len(costs) - len(pairs))
    return [(int(i), int(j)) for i, j in pairs], total


def _chains(tracklets: Sequence[Tracklet], following: dict[int, int]) -> list[Tracklet]:
    """One tracklet of each chain of them; ``following``: from index to index."""
    chains = []
    for start in sorted(set(range(len(tracklets))) - set(following.values())):
        chain = [start]
        while chain[-1] in following:
            chain.append(following[chain[-1]])
        chains.append(concatenated([tracklets[index] for index in chain]))
    return chains


def join_cost(before: Tracklet, after: Tracklet, frame_rate: float, slack: float = 0.0) -> float:
    """Below 1 when ``after`` may carry on ``before``: the worst of the misses of place, size, colour and pose.

    Each is measured against what a person can do in the time between; inf when the two overlap, and the first has but just
    begun. ``slack``: by how many body sizes more the places may differ.
    """
    frames = int(after.frame_ids[0] - before.frame_ids[-1])
    if frames <= 0:
        if before.frame_ids[0] + _END > after.frame_ids[0]:
            return np.inf
        before = _until(before, int(after.frame_ids[0]))
        frames = int(after.frame_ids[0] - before.frame_ids[-1])
    gap = frames / frame_rate
    sizes = _size(before.boxes[-_END:]), _size(after.boxes[:_END])
    size = max(sizes)
    old, new = _centre(before.boxes[-1]), _centre(after.boxes[0])
    predicted = old + _velocity(before, frame_rate) * min(frames, frame_rate / 2)  # nobody keeps a course for long
    place = min(float(np.linalg.norm(new - predicted)), float(np.linalg.norm(new - old))) / size
    colour = float(colour_distance(mean_colour(before.colours[-_END:]), mean_colour(after.colours[:_END])))
    pose = float(pose_distance(_centred(before.keypoints[-1], old), _centred(after.keypoints[0], new), np.array(size)))
    misses = [
        place / (0.35 + 0.5 * min(gap, 1.0) + slack),
        abs(float(np.log(sizes[1] / sizes[0]))) / np.log(1.6),
        colour / _UNLIKE,
        pose / (0.3 + 0.5 * gap) if np.isfinite(pose) else 0.0,
    ]
    return max(misses)


def _until(track: Tracklet, frame: int) -> Tracklet:
    """The observations before ``frame``."""
    return track[track.frame_ids < frame]


def mean_colour(colours: Array) -> Array:
    """The mean of histograms (N, B), scaled to length 1."""
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
    return reduce(add, [_until(part, int(after.frame_ids[0])) for part, after in pairwise(parts)] + [parts[-1]])
