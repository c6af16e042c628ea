"""Photographs, and folders of images, as videos of one or more frames."""

import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from hmr_video.errors import InputError
from hmr_video.video.kinds import PHOTOGRAPHS
from hmr_video.video.pictures import TRANSPARENT, on_black
from hmr_video.video.source import Array, Frame, VideoInfo, check_size, equivalent_focal

FOLDER_RATE = 30.0  # frames a second, unless told
UNREADABLE = (  # what Pillow raises of damaged files; ultralytics, once imported, makes it raise an ImportError
    *(OSError, ValueError, SyntaxError, EOFError, ImportError, TypeError, KeyError, IndexError, AttributeError, OverflowError),
    *(struct.error, zlib.error),
)
_EXIF_IFD, _ORIENTATION, _FOCAL_35MM = 0x8769, 0x0112, 0xA405
_DEEP_MODES = {"I", "I;16", "I;16B", "I;16L", "F"}  # more than 8 bits: Pillow would cut, not scale, them


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """A sort key that puts ``frame_9`` before ``frame_10``."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part.lower()) for part in re.split(r"([0-9]+)", name) if part]


def images_of(folder: Path) -> list[Path]:
    """The images of a folder in natural order; hidden files are left out. Raises InputError when there is none."""
    names = (path for path in folder.iterdir() if path.suffix.lower() in PHOTOGRAPHS and not path.name.startswith("."))
    images = sorted((path for path in names if path.is_file()), key=lambda path: (natural_key(path.name), path.name))
    if not images:
        raise InputError(
            f"{folder} is a folder without images.",
            "Give a video, a photograph or a folder of images; `hmr-video batch` converts a folder of videos.",
        )
    return images


class ImageSource:
    """Image files, all of one size, as a `Source`. EXIF orientation is applied, EXIF focal length read from the first."""

    def __init__(self, path: Path, images: list[Path], frame_rate: float) -> None:
        self.images = images
        self.origin = 0.0
        self.times: Array = np.arange(len(images)) / frame_rate
        self.notes: dict[str, None] = {}
        width, height, focal = self._facts()
        self.info = VideoInfo(path, width, height, frame_rate, len(images), focal, "pillow")

    def frames(self, begin: float, every: int) -> Iterator[Frame]:
        count = 0
        for position, path in enumerate(self.images):
            time = float(self.times[position])
            wanted = time >= begin and count % every == 0
            image = self._read(path) if wanted else None
            if image is not None:
                if image.shape[:2] != (self.info.height, self.info.width):
                    raise InputError(
                        f"{path} has {image.shape[1]} x {image.shape[0]} pixels, the images before it "
                        f"{self.info.width} x {self.info.height}.",
                        "Keep only images of one size and orientation in the folder.",
                    )
                yield Frame(count, time, image)
            count += image is not None or not wanted

    def _facts(self) -> tuple[int, int, float | None]:
        """Upright width, height and focal length in pixels or None, of the first readable image."""
        reason = ""
        for path in self.images:
            try:
                return _upright_facts(path)
            except UNREADABLE as error:
                reason = reason or f"{path} cannot be read as an image ({type(error).__name__})."
        raise InputError(reason, "The file is damaged or of another kind; give a JPEG, PNG, WebP, TIFF or BMP image.")

    def _read(self, path: Path) -> Array | None:
        """(H, W, 3) uint8 RGB, upright; None, and a note, where the file is broken."""
        try:
            with Image.open(path) as image:
                check_size(path, *image.size)
                pixels, transparent = upright_pixels(image)
        except UNREADABLE as error:
            if len(self.images) == 1:
                raise InputError(
                    f"{path} cannot be read as an image ({type(error).__name__}).", "The file is damaged; give another copy."
                ) from error
            self.notes[f"{path.name} could not be read and was left out."] = None
            return None
        if transparent:
            self.notes[TRANSPARENT] = None
        return pixels


def upright_pixels(image: Any) -> tuple[Array, bool]:
    """Pillow's image as (H, W, 3) uint8 RGB, turned as its EXIF says, on black, and whether any of it is transparent."""
    picture = ImageOps.exif_transpose(image)
    if picture.mode in _DEEP_MODES:
        return _rgb(np.asarray(picture)), False
    if not picture.has_transparency_data:
        return np.asarray(picture.convert("RGB")), False
    pixels = np.asarray(picture.convert("RGBA"))
    return on_black(pixels), bool(pixels[..., 3].min() < 255)


def _rgb(grey: Array) -> Array:
    """A deep grey image (H, W) scaled to (H, W, 3) uint8: 16-bit by its range, others by their own maximum."""
    top = 65535.0 if grey.dtype.kind in "ui" and grey.max(initial=0) > 255 else max(float(grey.max(initial=0)), 1e-9)
    scaled = np.clip(grey.astype(np.float64) / top * 255.0, 0, 255)
    return np.repeat(np.rint(scaled).astype(np.uint8)[..., None], 3, -1)


def _upright_facts(path: Path) -> tuple[int, int, float | None]:
    Image.MAX_IMAGE_PIXELS = None  # check_size is the limit
    with Image.open(path) as image:
        width, height = image.size
        check_size(path, width, height)
        exif = image.getexif()
        if exif.get(_ORIENTATION, 1) in (5, 6, 7, 8):
            width, height = height, width
        stated = exif.get_ifd(_EXIF_IFD).get(_FOCAL_35MM, 0)
    return width, height, equivalent_focal(float(stated or 0), width, height)
