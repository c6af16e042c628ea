"""Single detections that a tracker took for another person's, while the one whom they show was lost for a moment. Pure numpy."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from hmr_video.geometry import Array
from hmr_video.people.detect.detections import box_overlap
from hmr_video.people.track.appearance import colour_distance
from hmr_video.people.track.joining import mean_colour
from hmr_video.people.track.tracker import Tracklet

_GAP_SECONDS = 0.25  # the longest in which somebody's detections are looked for
_MEMORY_SECONDS = 1.0  # before and after it, that tell what somebody wears
_CLEARER = 0.3  # by how much nearer the colours of a detection must be to the other's than to those of the one who has it


def reassign_detections(tracklets: Sequence[Tracklet], frame_rate: float) -> list[Tracklet]:
    """The tracklets, with each detection handed over that shows, by place and colours, someone who is missing in its frame."""
    seen: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)  # frame id -> indices of tracklets and of observations
    for holder, track in enumerate(tracklets):
        for row, frame_id in enumerate(track.frame_ids):
            seen[int(frame_id)].append((holder, row))
    given: dict[tuple[int, int], int] = {}  # tracklet and observation -> whose it is
    for owner, track in enumerate(tracklets):
        for gap in _gaps(track, frame_rate):
            for frame_id in range(gap[0] + 1, gap[1]):
                shown = (each for each in seen[frame_id] if _shows(tracklets[each[0]], each[1], track, gap, frame_rate))
                given.update(dict.fromkeys(list(shown)[:1], owner))
    return [_rearranged(tracklets, number, given) for number in range(len(tracklets))]


def _gaps(track: Tracklet, frame_rate: float) -> Iterator[tuple[int, int]]:
    """The frames around each time for which somebody is not found: the last before, the first after."""
    for last, first in pairwise(track.frame_ids.tolist()):
        if 1 < first - last <= max(2, _GAP_SECONDS * frame_rate):
            yield last, first


def _shows(holder: Tracklet, row: int, owner: Tracklet, gap: tuple[int, int], frame_rate: float) -> bool:
    """Whether an observation that ``holder`` has shows the ``owner`` of the gap in which it lies."""
    if not holder.frame_ids[0] <= gap[0] < gap[1] <= holder.frame_ids[-1]:
        return False
    box, colours = holder.boxes[row], holder.colours[row]
    (place, clothes), (own_place, own_clothes) = (
        _expected(track, int(holder.frame_ids[row]), gap, frame_rate) for track in (owner, holder)
    )
    nearer = box_overlap(place, box) > box_overlap(own_place, box)
    return bool(nearer and colour_distance(clothes, colours) < colour_distance(own_clothes, colours) - _CLEARER)


def _expected(track: Tracklet, frame_id: int, gap: tuple[int, int], frame_rate: float) -> tuple[Array, Array]:
    """The box (4,) and the colours (64,) of someone in a frame of a gap, by what was seen before and after it."""
    memory = _MEMORY_SECONDS * frame_rate
    start, last = np.searchsorted(track.frame_ids, [gap[0] - memory, gap[0]], "right")
    first, end = np.searchsorted(track.frame_ids, [gap[1], gap[1] + memory])
    share = (frame_id - track.frame_ids[last - 1]) / (track.frame_ids[first] - track.frame_ids[last - 1])
    box = (1 - share) * track.boxes[last - 1] + share * track.boxes[first]
    return box, mean_colour(np.concatenate([track.colours[start:last], track.colours[first : end + 1]]))


def _rearranged(tracklets: Sequence[Tracklet], number: int, given: dict[tuple[int, int], int]) -> Tracklet:
    """A tracklet without what was given away, and with what was given to it."""
    gone = [row for holder, row in given if holder == number]
    come = [each for each, owner in given.items() if owner == number]
    if not gone and not come:
        return tracklets[number]
    kept = np.setdiff1d(np.arange(len(tracklets[number])), gone)
    changed = sum((tracklets[holder][[row]] for holder, row in come), tracklets[number][kept])
    return changed[np.argsort(changed.frame_ids, kind="stable")]
