"""Image files of several pictures, animated PNG and WebP and AVIF and TIFF of many pages, as videos."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from hmr_video.errors import InputError
from hmr_video.video.photos import UNREADABLE, upright_pixels
from hmr_video.video.pictures import RESIZED, TRANSPARENT, fit, padded
from hmr_video.video.source import MAX_PIXELS, Array, Frame, VideoInfo, check_size, nominal_rate

_FORMATS = {"PNG", "WEBP", "AVIF", "TIFF"}  # others hold several views of one moment
_SUBFILE_TYPE = 254  # a tag of TIFF
_UNTIMED = 0.1  # seconds that browsers show a picture that states none


def is_animated(path: Path) -> bool:
    """Whether an image file holds several pictures that follow each other in time."""
    Image.MAX_IMAGE_PIXELS = None  # ours is the limit
    try:
        with Image.open(path) as image:
            return image.format in _FORMATS and image.width * image.height <= MAX_PIXELS and _goes_on(image)
    except UNREADABLE:
        return False


def _goes_on(image: Any) -> bool:
    """Whether there is a second picture, be it damaged."""
    try:
        image.seek(_hidden(image) + 1)
    except EOFError:
        return False
    except UNREADABLE:
        return True
    return True


def _hidden(image: Any) -> int:
    """How many pictures at the start are for programs that show no animation."""
    return int(bool(image.info.get("default_image", False)))


class AnimationSource:
    """An animated image file as a `Source`. Pages, which have no times, are ``page_rate`` a second.

    With a ``frame_rate`` its pictures are evenly spaced, whatever it states.
    """

    origin = 0.0

    def __init__(self, path: Path, frame_rate: float | None, page_rate: float) -> None:
        self.path = path
        self.notes: dict[str, None] = {}
        self._pages: list[int] = []
        self._size = (0, 0)
        seconds = self._look_through()
        rate = frame_rate or (page_rate if None in seconds else None)
        shown = [second or _UNTIMED for second in seconds]
        self.times: Array = np.arange(len(shown)) / rate if rate else np.cumsum([0.0, *shown[:-1]])
        rate = rate or nominal_rate(self.times, (1.0 / float(np.median(shown)),))
        self.info = VideoInfo(path, *self._size, rate, len(shown), None, "pillow")

    def frames(self, begin: float, every: int) -> Iterator[Frame]:
        with Image.open(self.path) as image:
            for frame_id, (page, time) in enumerate(zip(self._pages, self.times, strict=True)):
                if time >= begin and frame_id % every == 0:
                    image.seek(page)
                    yield Frame(frame_id, float(time), self._pixels(image))

    def _look_through(self) -> list[float | None]:
        """Finds the pictures and their common size; for how many seconds each is shown, None where that is not stated."""
        seconds: list[float | None] = []
        with Image.open(self.path) as image:
            for page in count(_hidden(image)):
                try:
                    image.seek(page)
                    image.load()
                except UNREADABLE as end:
                    if not isinstance(end, EOFError) or page < getattr(image, "n_frames", 1):
                        self.notes[f"{self.path.name} is damaged: its pictures end before number {page + 1}."] = None
                    break
                if not _is_thumbnail(image):
                    check_size(self.path, *image.size)
                    self._size = self._size if seconds else upright_pixels(image)[0].shape[1::-1]
                    self._pages.append(page)
                    stated = image.info.get("duration")
                    seconds.append(None if stated is None else float(stated) / 1000)
        if not seconds:
            raise InputError(f"{self.path} cannot be read as an image.", "The file is damaged; give another copy.")
        return seconds

    def _pixels(self, image: Any) -> Array:
        pixels, transparent = upright_pixels(image)
        if transparent:
            self.notes[TRANSPARENT] = None
        size = fit(pixels.shape[1::-1], self._size)
        if pixels.shape[1::-1] != self._size:
            self.notes[RESIZED] = None
            pixels = np.asarray(Image.fromarray(pixels).resize(size))
        return padded(pixels, self._size)


def _is_thumbnail(image: Any) -> bool:
    """Whether a page of a TIFF file is a smaller copy of another."""
    return bool(image.format == "TIFF" and image.tag_v2.get(_SUBFILE_TYPE, 0) & 1)
