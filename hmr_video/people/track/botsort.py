"""BoT-SORT, which follows the camera's motion too: ultralytics' implementation."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from hmr_video.geometry import Array
from hmr_video.people.detect.ultralytics import import_ultralytics
from hmr_video.people.track.bytetrack import FAINT, SURE


class BotSort:
    """Feed frames in order through :meth:`update`. ``patience``: for how many frames a lost person is looked for."""

    def __init__(self, patience: int) -> None:
        import_ultralytics()
        from ultralytics.trackers.bot_sort import BOTSORT

        self._tracker: Any = BOTSORT(
            SimpleNamespace(
                tracker_type="botsort",
                track_high_thresh=SURE,
                track_low_thresh=FAINT,
                new_track_thresh=SURE,
                track_buffer=patience,
                match_thresh=0.8,
                fuse_score=True,
                gmc_method="sparseOptFlow",
                proximity_thresh=0.5,
                appearance_thresh=0.8,
                with_reid=False,
                model="auto",
                device="cpu",
            )
        )

    def update(self, boxes: Array, scores: Array, frame: Array) -> list[tuple[int, int]]:
        """The next frame's boxes (n, 4), scores (n,) and image (H, W, 3) RGB: pairs of track and index of detection."""
        rows = self._tracker.update(_Boxes(boxes, scores), np.ascontiguousarray(frame[..., ::-1]))
        return [(int(row[4]), int(row[7])) for row in rows]


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
