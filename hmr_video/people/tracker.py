"""Detections of successive frames joined into tracklets by ByteTrack or BoT-SORT (ultralytics' implementations)."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmr_video.people.appearance import torso_colours
from hmr_video.people.detections import Detections
from hmr_video.people.ultralytics import import_ultralytics

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Tracklet:
    """What a tracker believes to be one person, observed frames only. Equal to itself alone, so that it can be a key.

    frame_ids (n,) ascending, gaps possible; boxes (n, 4); scores (n,); keypoints (n, 17, 3); colours (n, 64), see
    :func:`hmr_video.people.appearance.torso_colours`.
    """

    frame_ids: Array
    boxes: Array
    scores: Array
    keypoints: Array
    colours: Array

    def __len__(self) -> int:
        return len(self.frame_ids)


class Tracker:
    """Feed frames in order through :meth:`update`, then read :meth:`tracklets`."""

    def __init__(self, kind: str, frame_rate: float) -> None:
        import_ultralytics()
        from ultralytics.trackers.bot_sort import BOTSORT
        from ultralytics.trackers.byte_tracker import BYTETracker

        settings = SimpleNamespace(
            tracker_type=kind,
            track_high_thresh=0.25,
            track_low_thresh=0.1,
            new_track_thresh=0.25,
            track_buffer=max(1, round(frame_rate)),  # a lost person is looked for during one second
            match_thresh=0.8,
            fuse_score=True,
            gmc_method="sparseOptFlow",
            proximity_thresh=0.5,
            appearance_thresh=0.8,
            with_reid=False,
            model="auto",
            device="cpu",
        )
        self._tracker: Any = (BOTSORT if kind == "botsort" else BYTETracker)(settings)
        self._wants_image = kind == "botsort"
        self._rows: dict[int, list[tuple[int, Array, float, Array, Array]]] = {}

    def update(self, frame_id: int, detections: Detections, frame: Array) -> None:
        """The next frame: its detections, and its image (H, W, 3)."""
        colours = torso_colours(frame, detections)
        image = np.ascontiguousarray(frame[..., ::-1]) if self._wants_image else None
        for row in self._tracker.update(_Boxes(detections.boxes, detections.scores), image):
            track, found = int(row[4]), int(row[7])
            score, pose = float(detections.scores[found]), detections.keypoints[found]
            self._rows.setdefault(track, []).append((frame_id, detections.boxes[found], score, pose, colours[found]))

    def tracklets(self) -> list[Tracklet]:
        """All tracklets so far, in order of appearance."""
        return [Tracklet(*(np.array(column) for column in zip(*rows, strict=True))) for _, rows in sorted(self._rows.items())]


@dataclass(frozen=True)
class _Boxes:
    """Detections as ultralytics' trackers want to see them."""

    xyxy: Array
    conf: Array

    def __len__(self) -> int:
        return len(self.conf)

    def __getitem__(self, chosen: Array) -> "_Boxes":
        return _Boxes(self.xyxy[chosen], self.conf[chosen])

    @property
    def cls(self) -> Array:
        return np.zeros(len(self))

    @property
    def xywh(self) -> Array:
        """(n, 4) centre, width, height."""
        return np.concatenate([(self.xyxy[:, :2] + self.xyxy[:, 2:]) / 2, self.xyxy[:, 2:] - self.xyxy[:, :2]], 1)
