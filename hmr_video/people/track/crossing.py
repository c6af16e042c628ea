"""Where people pass each other, trackers may go on with the wrong one. Here their tails are exchanged, on clear evidence only.

A meeting is a time in which boxes of tracklets overlap. Tracklets are cut at it, and every way to continue the heads with the
tails is priced by clothes, course, size and facing, measured where nobody overlaps. The tracker's way stands unless another
is cheaper by a clear margin. Pure numpy, but for the assignment.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import combinations
from typing import NamedTuple

import numpy as np

from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import CLEAR_CONFIDENCE
from hmr_video.people.detect.detections import hidden_share
from hmr_video.people.track.appearance import colour_distance
from hmr_video.people.track.assignment import assigned
from hmr_video.people.track.joining import concatenated, mean_colour
from hmr_video.people.track.tracker import Tracklet

_TOUCH, _COVER = 0.1, 0.3  # share of the smaller box that is hidden: no longer clear; a meeting, if reached in one frame
_PAUSE_SECONDS = 0.2  # between two overlaps of one meeting
_EVIDENCE_SECONDS = 1.0  # before and after a meeting, that describe a person
_LEAST = 5  # clear observations that describe a person
_MEMORY_SECONDS = 1.0  # after which course and facing tell but 1/e as much: people turn
_UNLIKE_COLOUR, _UNLIKE_SIZE, _UNLIKE_FACING = 0.4, np.log(1.4), 0.2  # one unit of cost each; the last in body sizes
_WORST = 1.5  # cost of a single cue
_MARGIN = 0.75  # by which another way must be cheaper, per tail
_NOSE, _LEFT, _RIGHT = 0, [5, 11], [6, 12]  # COCO: nose; shoulder and hip of each side


@dataclass(frozen=True)
class Meeting:
    """Tracklets, by index, with the first and the last frame of their overlaps; per pair the frame in which most is hidden."""

    members: dict[int, tuple[int, int]]
    peaks: dict[frozenset[int], int]

    @property
    def start(self) -> int:
        return min(start for start, _ in self.members.values())

    @property
    def end(self) -> int:
        return max(end for _, end in self.members.values())


def undo_identity_switches(tracklets: Sequence[Tracklet], frame_rate: float) -> list[Tracklet]:
    """The tracklets, with tails exchanged where two or more met and the evidence says that the tracker confused them."""
    tracks, done = list(tracklets), -1
    overlaps = cache(partial(find_overlaps, pause=_PAUSE_SECONDS * frame_rate))  # of pairs that an exchange leaves as they are
    meetings = find_meetings(tracks, frame_rate, overlaps)
    while following := [meeting for meeting in meetings if meeting.end > done]:
        meeting = min(following, key=lambda meeting: meeting.end)
        done = meeting.end
        if links := _links(tracks, meeting, frame_rate):
            tracks = _relinked(tracks, links, meeting)
            meetings = find_meetings(tracks, frame_rate, overlaps)
    return tracks


class Overlap(NamedTuple):
    """The first and the last frame of it, and the one in which most is hidden."""

    start: int
    end: int
    peak: int


def find_meetings(
    tracklets: Sequence[Tracklet], frame_rate: float, overlaps: Callable[[Tracklet, Tracklet], list[Overlap]] | None = None
) -> list[Meeting]:
    """All times at which tracklets overlap, those that share a tracklet and a moment taken together.

    ``overlaps``: :func:`find_overlaps`, or what remembers its answers.
    """
    pause = _PAUSE_SECONDS * frame_rate
    overlaps = overlaps or partial(find_overlaps, pause=pause)
    meetings: list[Meeting] = []
    for i, j in combinations(range(len(tracklets)), 2):
        for start, end, peak in overlaps(tracklets[i], tracklets[j]):
            new = Meeting({i: (start, end), j: (start, end)}, {frozenset((i, j)): peak})
            near = [
                old
                for old in meetings
                if old.members.keys() & new.members.keys() and old.start <= new.end + pause and new.start <= old.end + pause
            ]
            meetings = [old for old in meetings if not any(old is each for each in near)]
            meetings.append(_merged([*near, new]))
    return meetings


def find_overlaps(first: Tracklet, second: Tracklet, pause: float) -> list[Overlap]:
    """When two tracklets overlap; what is apart by no more than ``pause`` frames is one time."""
    start = int(max(first.frame_ids[0], second.frame_ids[0]))
    frames = np.arange(start, int(min(first.frame_ids[-1], second.frame_ids[-1])) + 1)
    if not len(frames) or not hidden_share(_hull(first), _hull(second)):
        return []
    cover = hidden_share(_boxes_at(first, frames), _boxes_at(second, frames))
    touching = np.flatnonzero(cover > _TOUCH)
    runs = np.split(touching, np.flatnonzero(np.diff(touching) > pause) + 1)
    strong = [run for run in runs if len(run) and cover[run].max() > _COVER]
    return [Overlap(int(frames[run[0]]), int(frames[run[-1]]), int(frames[run[np.argmax(cover[run])]])) for run in strong]


def _hull(track: Tracklet) -> Array:
    """(4,) x1 y1 x2 y2 that hold all boxes: whose hulls are apart never meet."""
    return np.concatenate([track.boxes[:, :2].min(0), track.boxes[:, 2:].max(0)])


def _merged(meetings: Sequence[Meeting]) -> Meeting:
    members: dict[int, tuple[int, int]] = {}
    peaks: dict[frozenset[int], int] = {}
    for meeting in meetings:
        peaks |= meeting.peaks
        for member, (start, end) in meeting.members.items():
            known = members.get(member, (start, end))
            members[member] = (min(start, known[0]), max(end, known[1]))
    return Meeting(members, peaks)


def _boxes_at(track: Tracklet, frames: Array) -> Array:
    """(n, 4) at frames (n,), interpolated over gaps."""
    return np.stack([np.interp(frames, track.frame_ids, side) for side in track.boxes.T], 1)


def _links(tracks: Sequence[Tracklet], meeting: Meeting, frame_rate: float) -> dict[int, int]:
    """The exchange of tails at a meeting, see :func:`best_links`. Who is not seen clearly enough takes no part in it."""
    window = round(_EVIDENCE_SECONDS * frame_rate)
    heads: dict[int, Tracklet] = {}  # what is seen of each member before and after, where nobody overlaps
    tails: dict[int, Tracklet] = {}
    for member, (start, end) in meeting.members.items():
        track = tracks[member]
        before = (track.frame_ids < start) & (track.frame_ids >= start - window)
        after = (track.frame_ids > end) & (track.frame_ids <= end + window)
        seen = [track[when & _clear(tracks, member, when)] for when in (before, after)]
        whole = track.frame_ids[0] < start, track.frame_ids[-1] > end
        if all(len(piece) >= _LEAST or not lives for piece, lives in zip(seen, whole, strict=True)):
            heads.update({member: seen[0]} if whole[0] else {})
            tails.update({member: seen[1]} if whole[1] else {})
    return best_links(heads, tails, frame_rate)


def best_links(heads: dict[int, Tracklet], tails: dict[int, Tracklet], frame_rate: float) -> dict[int, int]:
    """Which heads go on with another's tail: none when the tracker's way, by which equal keys belong together, may stand."""
    own = sorted(heads.keys() & tails.keys())
    if not own or len(heads.keys() | tails.keys()) < 2:
        return {}
    rows = [*own, *sorted(heads.keys() - tails.keys())]
    columns = [*own, *sorted(tails.keys() - heads.keys())]
    costs = np.array([[link_cost(heads[i], tails[j], frame_rate) for j in columns] for i in rows])
    kept, best = len(own), tuple(assigned(costs).T)
    rest = costs[kept:, kept:]
    keep = float(np.trace(costs[:kept, :kept]) + rest[tuple(assigned(rest).T)].sum())
    links = {rows[i]: columns[j] for i, j in zip(*best, strict=True)}
    changed = sum(links.get(member) != member for member in own)
    if not changed or keep - float(costs[best].sum()) < _MARGIN * min(2, *costs.shape):
        return {}
    return {head: tail for head, tail in links.items() if head != tail}


def link_cost(head: Tracklet, tail: Tracklet, frame_rate: float) -> float:
    """How unlike one person the clear observations before and after a meeting look: 0 the same, 1 doubtful, above strangers."""
    gap = int(tail.frame_ids[0] - head.frame_ids[-1]) / frame_rate
    sizes = [float(np.median((part.boxes[:, 2:] - part.boxes[:, :2]).max(-1))) for part in (head, tail)]
    recall = float(np.exp(-max(gap, 0.0) / _MEMORY_SECONDS))
    colour = float(colour_distance(mean_colour(head.colours), mean_colour(tail.colours)))
    turn = float(np.nan_to_num(np.abs(_facing(head) - _facing(tail))).max())
    cues = [
        (colour / _UNLIKE_COLOUR, 1.0),
        (_miss(head, tail) / max(sizes) / (0.2 + 0.5 * abs(gap)), recall),
        (abs(float(np.log(sizes[1] / sizes[0]))) / _UNLIKE_SIZE, 1.0),
        (turn / _UNLIKE_FACING, recall),
    ]
    return sum(min(cost, _WORST) * weight for cost, weight in cues)


def _miss(head: Tracklet, tail: Tracklet) -> float:
    """Pixels between the courses of a head and a tail, straight lines both, where either was seen last or first."""
    frames = np.array([head.frame_ids[-1], tail.frame_ids[0]], float)
    courses = [_course(part, frames) for part in (head, tail)]
    return float(np.linalg.norm(courses[0] - courses[1], axis=-1).mean())


def _course(part: Tracklet, frames: Array) -> Array:
    """(n, 2) centre of the box at frames (n,), along the line through all of a piece's observations."""
    times = part.frame_ids - part.frame_ids.mean()
    centres = (part.boxes[:, :2] + part.boxes[:, 2:]) / 2
    velocity = times @ centres / max(float(times @ times), 1.0)
    return centres.mean(0) + (frames - part.frame_ids.mean())[:, None] * velocity


def _facing(part: Tracklet) -> Array:
    """(2,) in body sizes: how far the nose is ahead of the shoulders, and the left side of the right; nan where unseen."""
    poses, size = part.keypoints, (part.boxes[:, 2:] - part.boxes[:, :2]).max(-1)
    x = np.where(poses[..., 2] > CLEAR_CONFIDENCE, poses[..., 0], np.nan)
    measures = np.stack([x[:, _NOSE] - (x[:, 5] + x[:, 6]) / 2, (x[:, _LEFT] - x[:, _RIGHT]).mean(-1)]) / size
    return np.array([np.median(row[np.isfinite(row)]) if np.isfinite(row).any() else np.nan for row in measures])


def _clear(tracks: Sequence[Tracklet], member: int, when: Array) -> Array:
    """(n,) bool: the observations of ``member`` among ``when`` in which no other tracklet covers it, or is covered."""
    track = tracks[member]
    clear = when.copy()
    if not when.any():
        return clear
    start, end = track.frame_ids[when][[0, -1]]
    others = [each for position, each in enumerate(tracks) if position != member]
    for other in (each for each in others if each.frame_ids[0] <= end and each.frame_ids[-1] >= start):
        _, mine, theirs = np.intersect1d(track.frame_ids[clear], other.frame_ids, return_indices=True)
        here = np.flatnonzero(clear)[mine]
        clear[here[hidden_share(track.boxes[here], other.boxes[theirs]) > _TOUCH]] = False
    return clear


def _relinked(tracks: Sequence[Tracklet], links: dict[int, int], meeting: Meeting) -> list[Tracklet]:
    """Heads joined to the tails that ``links`` gives them; whoever is not linked begins or ends at the meeting."""
    involved = links.keys() | set(links.values())
    middle = (meeting.start + meeting.end) // 2

    def half(member: int, frame: int, later: bool) -> Tracklet:
        track = tracks[member]
        return track[(track.frame_ids >= _cut(track, *meeting.members[member], frame)) == later]

    found = [track for position, track in enumerate(tracks) if position not in involved]
    for head, tail in links.items():
        frame = meeting.peaks.get(frozenset((head, tail)), middle)
        found.append(concatenated([half(head, frame, False), half(tail, frame, True)]))
    loose = [half(member, middle, False) for member in involved - links.keys()]
    loose += [half(member, middle, True) for member in involved - set(links.values())]
    return found + [track for track in loose if len(track)]


def _cut(track: Tracklet, start: int, end: int, frame: int) -> int:
    """The first frame of the tail: after the end or before the beginning for who has none, else a gap, else ``frame``."""
    frames = track.frame_ids
    if frames[-1] <= end:
        return int(frames[-1]) + 1
    if frames[0] >= start:
        return int(frames[0])
    inner = np.flatnonzero((frames[1:] >= start) & (frames[:-1] <= end))
    widest = inner[np.argmax(np.diff(frames)[inner])]
    return int(frames[widest + 1]) if frames[widest + 1] - frames[widest] > 2 else frame
