"""From tracklets to people: mended, ghosts out, sides settled, gaps filled, boxes smoothed. Pure numpy."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import CLEAR_CONFIDENCE
from hmr_video.people.keypoints.sides import settle_left_right
from hmr_video.people.track.tracker import Tracklet
from hmr_video.people.track.tracks import Track

_SHORTEST_SECONDS = 0.5  # of a track, unless the clip itself is short
_DOUBTFUL_SCORE = 0.35  # median detection score of what is rarely a person
_DOUBTFUL_SHARE = 0.5  # of the frames of a track in which it was detected
_LEGS = [13, 14, 15, 16]  # COCO: knees and ankles
_BACKGROUND, _CROWD = 0.2, 0.5  # height against the tallest: too far away; far away, and a crowd if the legs are hidden


def clean_tracklets(
    tracklets: Sequence[Tracklet], frame_rate: float, frame_count: int, limit: int | None = None, cuts: Sequence[int] = ()
) -> tuple[list[Track], list[str]]:
    """People, largest on screen first and at most ``limit``, and notes on what was dropped and why.

    frame_count: the length of the clip, by which short tracks are judged. cuts: the frames with which new shots begin, where
    all tracks end.
    """
    joined = [track for shot in split_at_cuts(tracklets, cuts) for track in _put_right(shot, frame_rate)]
    shortest = min(_SHORTEST_SECONDS * frame_rate, frame_count / 2)
    lasting = [track for track in joined if _extent(track) >= shortest]
    sure = [track for track in lasting if not is_doubtful(track)]
    subjects = drop_onlookers(sure)
    reasons = ("shorter than half a second", "hardly a person", "far behind the others or in a crowd")
    notes = [
        f"{len(before) - len(after)} track(s) dropped: {why}."
        for (before, after), why in zip(pairwise((joined, lasting, sure, subjects)), reasons, strict=True)
        if len(before) > len(after)
    ]
    settled = [settle_left_right(track.frame_ids, track.boxes, track.keypoints, frame_rate) for track in subjects]
    filled = [fill(track.frame_ids, track.boxes, poses) for track, poses in zip(subjects, settled, strict=True)]
    people = sorted(filled, key=lambda track: -track.size)
    return people[:limit], notes


def _put_right(tracklets: Sequence[Tracklet], frame_rate: float) -> list[Tracklet]:
    """One tracklet per person of one shot."""
    if len(tracklets) < 2 and not any(len(track.long_gaps(frame_rate)) for track in tracklets):
        return list(tracklets)  # who is alone, and always seen, is confused with nobody
    from hmr_video.people.track.mending import mend

    return mend(tracklets, frame_rate)


def split_at_cuts(tracklets: Sequence[Tracklet], cuts: Sequence[int]) -> list[list[Tracklet]]:
    """What tracklets show of each shot; ``cuts``: the frames with which new shots begin, ascending."""
    pieces = [track.pieces(np.searchsorted(track.frame_ids, cuts)) for track in tracklets]
    return [[piece for piece in shot if len(piece)] for shot in zip(*pieces, strict=True)]


def is_doubtful(track: Tracklet) -> bool:
    """Whether a track is rarely a person: faint or rare detections, or hardly any keypoint that can be trusted."""
    faint = float(np.median(track.scores)) < _DOUBTFUL_SCORE
    rare = len(track) < _DOUBTFUL_SHARE * _extent(track)
    seen = np.median((track.keypoints[:, :, 2] > CLEAR_CONFIDENCE).sum(-1))
    return faint or rare or bool(seen < 4)


def drop_onlookers(tracklets: Sequence[Tracklet]) -> list[Tracklet]:
    """Without those who are far behind the tallest person, and without the small ones whose legs are hidden (stands)."""
    heights = [float(np.median(track.boxes[:, 3] - track.boxes[:, 1])) for track in tracklets]
    tallest = max(heights, default=0.0)

    def is_onlooker(track: Tracklet, height: float) -> bool:
        legs = float(np.median(track.keypoints[:, _LEGS, 2].max(-1)))
        return height < _BACKGROUND * tallest or (height < _CROWD * tallest and legs < CLEAR_CONFIDENCE)

    return [track for track, height in zip(tracklets, heights, strict=True) if not is_onlooker(track, height)]


def _extent(track: Tracklet) -> int:
    return int(track.frame_ids[-1] - track.frame_ids[0]) + 1


def fill(observed: Array, boxes: Array, keypoints: Array) -> Track:
    """A `Track` of consecutive frames from observed ones: ids (n,) ascending, boxes (n, 4), keypoints (n, 17 or 29, 3).

    Boxes are interpolated over the gaps and smoothed; keypoints are zero where nothing was detected.
    """
    frame_ids = np.arange(observed[0], observed[-1] + 1)
    at = observed - observed[0]
    whole = np.stack([np.interp(frame_ids, observed, side) for side in boxes.T], 1)
    poses = np.zeros((len(frame_ids), *keypoints.shape[1:]))
    poses[at] = keypoints
    detected = np.zeros(len(frame_ids), bool)
    detected[at] = True
    return Track(frame_ids, smooth_boxes(whole), poses, detected)


def smooth_boxes(boxes: Array) -> Array:
    """(T, 4) -> (T, 4): a median over 5 frames against jumps, then a Gaussian of one frame."""
    if len(boxes) < 3:
        return boxes
    calm = np.median(_windows(boxes, 2), -1)
    weights = np.exp(-0.5 * np.arange(-4, 5) ** 2)
    return np.asarray(_windows(calm, 4) @ (weights / weights.sum()))


def _windows(values: Array, reach: int) -> Array:
    """(T, K, 2 * reach + 1): around each frame of (T, K), the ends held."""
    return sliding_window_view(np.pad(values, ((reach, reach), (0, 0)), "edge"), 2 * reach + 1, 0)
