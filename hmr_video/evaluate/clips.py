"""Clips of a wanted length, size and number of people, made from another clip, to be timed on."""

from itertools import chain, cycle, islice
from pathlib import Path

import numpy as np

from hmr_video.console import Reporter
from hmr_video.video import VideoWriter, open_video
from hmr_video.video.source import Array

_GREY = 114


def make_clip(source: Path, target: Path, frames: int, size: tuple[int, int], tiles: tuple[bool, ...] = (True,)) -> None:
    """Writes ``frames`` frames of ``size`` (width, height): the source played to and fro, so that nobody jumps.

    ``tiles`` are as many pictures side by side, each the whole source or, where False, grey.
    """
    reader = open_video(source, Reporter(quiet=True))
    once = [frame for chunk in reader.chunks() for frame in chunk.frames]
    forth_and_back = cycle(chain(once, reversed(once[1:-1])))
    with VideoWriter(target, reader.info.frame_rate, size) as writer:
        for frame in islice(forth_and_back, frames):
            writer.write(_tiled(frame, size, tiles))


def _tiled(frame: Array, size: tuple[int, int], tiles: tuple[bool, ...]) -> Array:
    """The frame (h, w, 3) once per tile, as large as fits, in a picture (H, W, 3)."""
    import cv2

    picture = np.full((size[1], size[0], 3), _GREY, np.uint8)
    room = size[0] // len(tiles)
    scale = min(room / frame.shape[1], size[1] / frame.shape[0])
    width, height = round(frame.shape[1] * scale), round(frame.shape[0] * scale)
    scaled = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    for place in np.flatnonzero(tiles):
        picture[:height, place * room : place * room + width] = scaled
    return picture
