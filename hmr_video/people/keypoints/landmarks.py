"""`see_landmarks`: a second look at the people of a video, each cut out upright, by a network that knows more points."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hmr_video.console import Reporter
from hmr_video.geometry.skeleton import COCO_FACE, LANDMARKS
from hmr_video.people.detect.detections import hidden_share
from hmr_video.people.keypoints.choice import choose_landmarks
from hmr_video.people.keypoints.crops import Crops, crops_of, cut
from hmr_video.people.keypoints.fusion import Witnesses, agreement, fuse
from hmr_video.people.keypoints.network import LandmarkNetwork, load_landmark_network
from hmr_video.people.keypoints.sides import settle_sides
from hmr_video.people.track.tracks import People, Track
from hmr_video.video import Chunk, ahead

Array = NDArray[Any]

_COMPANY = 0.3  # share of a person's box, or of another's, from which a crop of one shows both
_CHUNK = 16  # frames
_APART = 1 / 15  # seconds between looks
_GAP = 0.15  # seconds without a detection in which a person is still where the track says; later a crop may show anybody


class Reader(Protocol):
    """What `VideoReader` offers."""

    def chunks(self, size: int = 32) -> Iterator[Chunk]: ...


def look_closely(reader: Reader, people: People, wanted: str, reporter: Reporter) -> People:
    """People as :func:`see_landmarks` gives them, by the network that ``wanted`` means; as they are if it means none.

    Raises AssetError, UsageError.
    """
    chosen = choose_landmarks(wanted, reporter)
    return see_landmarks(reader, people, load_landmark_network(chosen.path), chosen.name, reporter) if chosen else people


def see_landmarks(reader: Reader, people: People, network: LandmarkNetwork, name: str, reporter: Reporter) -> People:
    """People whose evidence is fused from the detector's points and those that a landmark network, called ``name``, sees.

    The video is read once more. A frame that cannot be read again keeps the detector's points.
    """
    crops = [crops_of(track.keypoints, track.boxes, track.detected, people.frame_rate) for track in people.tracks]
    known = [within_short_gaps(track.detected, _GAP * people.frame_rate) for track in people.tracks]
    chosen = [some_of(frames, max(1, round(_APART * people.frame_rate))) for frames in known]
    seen = _look(reader, people.tracks, crops, chosen, network, reporter)
    tracks = [
        _fused(track, *filled_between(*_settled(track, *looks, looked, people.frame_rate), looked, frames), company)
        for track, looks, looked, frames, company in zip(
            people.tracks, seen, chosen, known, in_company(people.tracks), strict=True
        )
    ]
    return replace(people, tracks=tracks, landmark_network=name)


def _look(
    reader: Reader,
    tracks: Sequence[Track],
    crops: Sequence[Crops],
    wanted: Sequence[Array],
    network: LandmarkNetwork,
    reporter: Reporter,
) -> list[tuple[Array, Array]]:
    """For each track what the network sees in the frames that are ``wanted`` (T,).

    That is landmarks (T, 29, 3), in pixels of the frame with confidence, and presence (T,).
    """
    found = [(np.zeros((len(track), len(LANDMARKS), 3)), np.zeros(len(track))) for track in tracks]
    matrices = [crop.matrices(network.size) for crop in crops]
    with reporter.progress("Looking closely", int(sum(frames.sum() for frames in wanted)), "crops") as advance:
        for chunk in ahead(reader.chunks(_CHUNK)):
            places = [
                (person, frame, image)
                for image, frame_id in zip(chunk.frames, chunk.frame_ids, strict=True)
                for person, track in enumerate(tracks)
                if 0 <= (frame := int(frame_id - track.frame_ids[0])) < len(track) and wanted[person][frame]
            ]
            looks = network(cut(image, matrices[person][frame], network.size) for person, frame, image in places)
            for (person, frame, _), points, presence in zip(places, looks.points, looks.presence, strict=True):
                matrix = matrices[person][frame]
                back = (points[:, :2] - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
                found[person][0][frame] = np.where(points[:, 2:] > 0, np.column_stack([back, points[:, 2]]), 0)
                found[person][1][frame] = presence
            advance(len(places))
    return found


def within_short_gaps(detected: Array, longest: float) -> Array:
    """``detected`` (T,), and the gaps in it of at most ``longest`` frames; a track begins and ends with a detection."""
    frames = np.flatnonzero(detected)
    gaps = np.diff(frames) - 1
    known = np.asarray(detected).copy()
    for start, gap in zip(frames, gaps, strict=False):
        known[start : start + gap + 1] |= gap <= longest
    return known


def some_of(frames: Array, every: int) -> Array:
    """(T,) bool: of each run of ``frames`` (T,) the first, each ``every``-th after it and the last."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], frames, [False]])))
    chosen = np.zeros_like(frames)
    for start, end in edges.reshape(-1, 2):
        chosen[start:end:every] = chosen[end - 1] = True
    return chosen


def _settled(track: Track, points: Array, presence: Array, looked: Array, frame_rate: float) -> tuple[Array, Array]:
    """The network's points and presence, sides settled over the time of the frames that were looked at."""
    facing = points.copy()
    facing[:, COCO_FACE, 2] = track.keypoints[:, COCO_FACE, 2]  # the network calls every face visible, turned away or not
    facing[looked] = settle_sides(track.frame_ids[looked], track.boxes[looked], facing[looked], frame_rate)
    return facing, presence


def filled_between(points: Array, presence: Array, looked: Array, known: Array) -> tuple[Array, Array]:
    """Points (T, 29, 3) and presence (T,) where ``looked`` (T,), and between these in all of the ``known`` frames (T,)."""
    at = np.flatnonzero(looked)
    points, presence = points.copy(), presence.copy()
    for start, end in pairwise(at):
        if end - start > 1 and known[start:end].all():
            share = (np.arange(start + 1, end) - start)[:, None, None] / (end - start)
            points[start + 1 : end] = (1 - share) * points[start] + share * points[end]
            points[start + 1 : end, :, 2] *= (points[[start, end], :, 2] > 0).all(0)
            presence[start + 1 : end] = min(presence[start], presence[end])
    return points, presence


def _fused(track: Track, points: Array, presence: Array, company: Array) -> Track:
    """A track with the evidence of both."""
    witnesses = Witnesses(track.keypoints, points, presence, track.boxes, company)
    return replace(track, landmarks=fuse(witnesses), agreement=agreement(witnesses))


def in_company(tracks: Sequence[Track]) -> list[Array]:
    """For each track (T,) in which frames somebody else covers it, or is covered by it."""
    found = [np.zeros(len(track), bool) for track in tracks]
    for person, track in enumerate(tracks):
        for other in (other for other in tracks if other is not track):
            _, mine, theirs = np.intersect1d(track.frame_ids, other.frame_ids, return_indices=True)
            found[person][mine] |= hidden_share(track.boxes[mine], other.boxes[theirs]) > _COMPANY
    return found
