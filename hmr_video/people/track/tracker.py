"""Detections of successive frames joined into tracklets by ByteTrack or BoT-SORT."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from hmr_video.geometry import Array
from hmr_video.geometry.rows import Rows
from hmr_video.people.detect.detections import Detections
from hmr_video.people.track.appearance import torso_colours
from hmr_video.people.track.bytetrack import ByteTrack

_SPLIT_SECONDS = 0.25  # a tracker's own longer gaps are judged again


@dataclass(frozen=True, eq=False)
class Tracklet(Rows):
    """What a tracker believes to be one person, observed frames only. Equal to itself alone, so that it can be a key.

    frame_ids (n,) ascending, gaps possible; boxes (n, 4); scores (n,); keypoints (n, 17, 3); colours (n, 64), see
    :func:`hmr_video.people.track.appearance.torso_colours`. Places are the scene's, see :class:`hmr_video.camera.panning.Pan`.
    """

    frame_ids: Array
    boxes: Array
    scores: Array
    keypoints: Array
    colours: Array

    def long_gaps(self, frame_rate: float) -> Array:
        """(k,) the observations after gaps of more than a quarter of a second, across which trackers often err."""
        return np.flatnonzero(np.diff(self.frame_ids) > max(2.0, _SPLIT_SECONDS * frame_rate)) + 1

    def pieces(self, starts: Array) -> list["Tracklet"]:
        """The tracklet cut before the observations ``starts`` (k,): k + 1 pieces, some of them perhaps empty."""
        return [self[start:end] for start, end in pairwise([0, *starts, len(self)])]


class Associator(Protocol):
    """What trackers do: a frame's boxes (n, 4), scores (n,) and image in, pairs of track and index of detection out."""

    def update(self, boxes: Array, scores: Array, frame: Array) -> list[tuple[int, int]]: ...


class Tracker:
    """Feed frames in order through :meth:`update`, then read :meth:`tracklets`. ``kind``: ``bytetrack`` or ``botsort``."""

    def __init__(self, kind: str, frame_rate: float) -> None:
        patience = max(1, round(frame_rate))  # frames: a lost person is looked for during one second
        self._associator: Associator = ByteTrack(patience)
        self._follows_camera = kind == "botsort"
        if self._follows_camera:
            from hmr_video.people.track.botsort import BotSort

            self._associator = BotSort(patience)
        self._rows: dict[int, list[tuple[int, Array, float, Array, Array]]] = {}

    def update(self, frame_id: int, detections: Detections, frame: Array, offset: Array) -> None:
        """The next frame: its detections, its image (H, W, 3), and where the scene's corner lies in it, (2,) pixels."""
        colours = torso_colours(frame, detections)
        boxes, poses = detections.boxes - np.tile(offset, 2), detections.keypoints - np.append(offset, 0)
        followed = detections.boxes if self._follows_camera else boxes
        for track, found in self._associator.update(followed, detections.scores, frame):
            row = frame_id, boxes[found], float(detections.scores[found]), poses[found], colours[found]
            self._rows.setdefault(track, []).append(row)

    def tracklets(self) -> list[Tracklet]:
        """All tracklets so far, in order of appearance."""
        return [Tracklet(*(np.array(column) for column in zip(*rows, strict=True))) for _, rows in sorted(self._rows.items())]
