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
_PICTURES = 48  # over the clip
_APART = 0.4  # seconds between pictures, at the least
_FAR = 0.02  # of the picture's diagonal: about as many metres does a camera that wanders less err, at each metre of distance
_AT_REST, _STILL = 0.3, 0.5  # with so many of the points within so many pixels the camera stands: shadows, leaves, strangers move
_CONSENT = 0.3  # of the points that must agree on a movement
_NEAR = 1.0  # pixels within which they agree
_FEWEST = 12  # points of the background that must be followed, or two pictures say nothing
_MARGIN = 0.1  # of a box, around it


class Watch:
    """A reader of video that remembers small pictures of some frames as they pass. It reads as the given one does."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self.info: VideoInfo = reader.info
        self.pictures: dict[int, Array] = {}  # frame id -> (h, w) uint8, grey
        apart = max(1, round(_APART * self.info.frame_rate))
        self._stride = max(apart, (self.info.frame_count or 0) // _PICTURES)

    def chunks(self, size: int = 32) -> Iterator[Chunk]:
        """The reader's own chunks."""
        count = 0
        for chunk in self._reader.chunks(size):
            for number, (frame_id, frame) in enumerate(zip(chunk.frame_ids, chunk.frames, strict=True), count):
                if number % self._stride == 0:
                    self.pictures[int(frame_id)] = _small(frame)
            count += len(chunk)
            yield chunk

    def camera_moves(self, people: People) -> bool:
        """Whether the background wanders through the picture, ``people`` left out, by more than an unsteady hand makes it.

        What counts is how far it gets over the whole clip, not how often it moves: its movements from picture to picture are
        chained. A clip that shows no background counts as still.
        """
        if not self.pictures:
            return False
        frame_ids = sorted(self.pictures)
        height, width = self.pictures[frame_ids[0]].shape
        corners = np.array([[0.0, 0.0, 1.0], [width, 0.0, 1.0], [0.0, height, 1.0], [width, height, 1.0]])
        chain, path = np.eye(3), [corners[:, :2]]
        for first, second in pairwise(frame_ids):
            chain = self._movement(first, second, people) @ chain
            path.append((corners @ chain.T)[:, :2])
        wandered = np.linalg.norm(np.ptp(path, axis=0), axis=-1).max()
        return bool(wandered > _FAR * np.hypot(width, height))

    def _movement(self, first: int, second: int, people: People) -> Array:
        """The similarity (3, 3) that carries the background of one picture to that of the other; the identity when it rests, when
        too little of it can be followed, and when it does not agree on any."""
        import cv2

        before, after = self.pictures[first], self.pictures[second]
        free = np.minimum(self._free(first, people), self._free(second, people))
        corners = cv2.goodFeaturesToTrack(before, 200, 0.01, 6, mask=free)
        if corners is None or len(corners) < _FEWEST:
            return np.eye(3)
        found, known, _ = cv2.calcOpticalFlowPyrLK(before, after, corners, corners.copy())
        back, known_back, _ = cv2.calcOpticalFlowPyrLK(after, before, found, found.copy())
        followed = (
            known[:, 0].astype(bool) & known_back[:, 0].astype(bool) & (np.linalg.norm(back - corners, axis=-1)[:, 0] < 0.5)
        )
        if followed.sum() < _FEWEST:
            return np.eye(3)
        start, end = corners[followed, 0], found[followed, 0]
        if np.quantile(np.linalg.norm(end - start, axis=-1), _AT_REST) < _STILL:
            return np.eye(3)
        movement, agreeing = cv2.estimateAffinePartial2D(start, end, ransacReprojThreshold=_NEAR)  # its RANSAC is seeded
        if movement is None or agreeing.mean() < _CONSENT:
            return np.eye(3)
        return np.vstack([movement, [0.0, 0.0, 1.0]])

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
