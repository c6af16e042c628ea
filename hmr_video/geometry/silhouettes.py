"""Silhouettes: what of a picture is a person, run-length encoded."""

from dataclasses import dataclass

import numpy as np

from hmr_video.geometry import Array


@dataclass(frozen=True)
class Silhouettes:
    """One person's over T frames, each in a square crop of its own.

    Attributes:
        runs: (R,) lengths of all frames, one after the other. A crop is read column by column, and begins with what is not the
            person, as in COCO's uncompressed RLE; the sum of its runs is the number of its pixels.
        counts: (T,) how many of the runs are each frame's; 0 where there is no silhouette.
        crops: (T, 2, 3) from pixels of the frame to those of its crop; the corner of the first pixel is 0, 0.
    """

    runs: Array
    counts: Array
    crops: Array

    @classmethod
    def of(cls, runs: list[Array], crops: Array) -> "Silhouettes":
        """From the runs of each frame, as :func:`encode` gives them, and the ``crops`` (T, 2, 3)."""
        counts = np.array([len(one) for one in runs], np.uint32)
        return cls(np.concatenate([*runs, np.zeros(0)]).astype(np.uint32), counts, np.asarray(crops))

    def __len__(self) -> int:
        return len(self.counts)

    def fits(self, frames: int) -> bool:
        """Whether they are those of so many frames, and whole."""
        shapes = (self.runs.ndim, np.shape(self.counts), np.shape(self.crops)) == (1, (frames,), (frames, 2, 3))
        whole = self.runs.dtype.kind in "iu" and self.counts.dtype.kind in "iu" and self.counts.sum() == len(self.runs)
        return bool(shapes and whole and np.isfinite(self.crops).all())

    def in_crop(self, frame: int) -> Array | None:
        """(M, M) booleans of the ``frame``-th frame of the person, counted from 0; None where there is no silhouette."""
        start = int(self.counts[:frame].sum())
        runs = self.runs[start : start + int(self.counts[frame])]
        if not len(runs):
            return None
        side = round(float(runs.sum()) ** 0.5)
        return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(side, side, order="F")

    def in_picture(self, frame: int, image_size: tuple[int, int]) -> Array | None:
        """(H, W) booleans of the same, in the pixels of a picture of ``image_size``, width and height."""
        mask = self.in_crop(frame)
        if mask is None:
            return None
        import cv2

        matrix = self.crops[frame].astype(np.float64)
        matrix[:, 2] += matrix[:, :2].sum(1) / 2 - 0.5  # OpenCV has the middles of pixels at whole numbers
        width, height = (int(side) for side in image_size)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(mask.astype(np.uint8) * 255, matrix, (width, height), flags=flags) > 127)


def encode(mask: Array) -> Array:
    """The runs (R,) of a silhouette (M, M) booleans, column by column, what is not the person first."""
    edges = np.flatnonzero(np.diff(np.asarray(mask, bool).ravel(order="F"), prepend=False))
    return np.diff(edges, prepend=0, append=mask.size)
