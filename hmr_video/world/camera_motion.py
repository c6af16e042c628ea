"""Whether the camera moves: by what the background does, looked at in passing while people are found."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmr_video.people import People
from hmr_video.people.finder import Reader
from hmr_video.video import Chunk, VideoInfo

Array = NDArray[Any]

_WIDTH = 320  # pixels of the small pictures that are compared
_PAIRS = 24  # pairs of frames over the clip
_APART = 0.4  # seconds between the frames of a pair
_STILL = 0.003  # of the picture's width: what does not move further in that time stands still
_MOVING_SHARE = 0.25  # of the pairs
_AT_REST = 0.3  # of the points: with so many at rest the camera stands, and what moves are shadows, leaves and strangers
_FEWEST = 12  # points of the background that must be followed, or a pair says nothing
_MARGIN = 0.1  # of a box, around it


class Watch:
    """A reader of video that remembers small pictures of a few pairs of frames as they pass. It reads as the given one does."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.info: VideoInfo = reader.info
        self.pictures: dict[int, Array] = {}  # frame id -> (h, w) uint8, grey
        self._gap = max(1, round(_APART * self.info.frame_rate))
        self._stride = max(self._gap, (self.info.frame_count or 40 * self._gap) // _PAIRS)

    def chunks(self, size: int = 32) -> Iterator[Chunk]:
        """The reader's own chunks."""
        count = 0
        for chunk in self._reader.chunks(size):
            for number, (frame_id, frame) in enumerate(zip(chunk.frame_ids, chunk.frames, strict=True), count):
                phase = number % self._stride
                if phase == 0 or phase == self._gap:
                    self.pictures[int(frame_id)] = _small(frame)
            count += len(chunk)
            yield chunk

    def camera_moves(self, people: People) -> bool:
        """Whether the background moves between frames, ``people`` left out. A clip that shows no background counts as still."""
        frame_ids = sorted(self.pictures)
        verdicts = [
            verdict
            for first, second in pairwise(frame_ids)
            if second - first == self._gap and (verdict := self._pair_moves(first, second, people)) is not None
        ]
        return len(verdicts) > 0 and float(np.mean(verdicts)) > _MOVING_SHARE

    def _pair_moves(self, first: int, second: int, people: People) -> bool | None:
        """Whether the background is elsewhere in the second frame; None when too little of it can be followed."""
        import cv2

        before, after = self.pictures[first], self.pictures[second]
        free = np.minimum(self._free(first, people), self._free(second, people))
        corners = cv2.goodFeaturesToTrack(before, 200, 0.01, 6, mask=free)
        if corners is None or len(corners) < _FEWEST:
            return None
        found, known, _ = cv2.calcOpticalFlowPyrLK(before, after, corners, corners.copy())
        back, known_back, _ = cv2.calcOpticalFlowPyrLK(after, before, found, found.copy())
        followed = (
            known[:, 0].astype(bool) & known_back[:, 0].astype(bool) & (np.linalg.norm(back - corners, axis=-1)[:, 0] < 0.5)
        )
        if followed.sum() < _FEWEST:
            return None
        distance = np.linalg.norm(found - corners, axis=-1)[followed, 0]
        return bool(np.quantile(distance, _AT_REST) > _STILL * before.shape[1])

    def _free(self, frame_id: int, people: People) -> Array:
        """(h, w) uint8 mask of what lies outside of all boxes."""
        height, width = self.pictures[frame_id].shape
        free = np.full((height, width), 255, np.uint8)
        for track in people.tracks:
            index = frame_id - int(track.frame_ids[0])
            if 0 <= index < len(track):
                x1, y1, x2, y2 = track.boxes[index] * (width / self.info.width)
                across, down = _MARGIN * (x2 - x1), _MARGIN * (y2 - y1)
                low, high = np.floor([x1 - across, y1 - down]), np.ceil([x2 + across, y2 + down])
                (left, top), (right, bottom) = low.clip(0).astype(int), high.clip(0).astype(int)
                free[top:bottom, left:right] = 0
        return free


def _small(frame: Array) -> Array:
    """A grey picture (h, 320) uint8 of a frame (H, W, 3)."""
    import cv2

    height = max(1, round(frame.shape[0] * _WIDTH / frame.shape[1]))
    return np.asarray(cv2.cvtColor(cv2.resize(frame, (_WIDTH, height), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY))
