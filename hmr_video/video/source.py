"""What the readers of containers, photographs and folders have in common, and the limits they share."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hmr_video.errors import InputError

Array = NDArray[Any]

MAX_PIXELS = 100_000_000  # of one frame: three times 8K video; a header that claims more is damaged or hostile
FULL_FRAME_DIAGONAL = math.hypot(36.0, 24.0)  # millimetres, what "35 mm equivalent" refers to


@dataclass(frozen=True)
class VideoInfo:
    """What is known of a video before its frames are decoded.

    Attributes:
        path: the file or folder.
        width, height: pixels of the upright frame (rotation metadata applied).
        frame_rate: nominal frames per second, after ``every``.
        frame_count: frames to expect after selection, None where the container does not tell.
        focal: focal length in pixels where the file's metadata state it, else None.
        decoder: ``decord``, ``pyav`` or ``pillow``; decided by the file alone.
        retimed: the frames go at a rate that was given, and not at the times that the file states.
    """

    path: Path
    width: int
    height: int
    frame_rate: float
    frame_count: int | None
    focal: float | None
    decoder: str
    retimed: bool = False


@dataclass(frozen=True)
class Frame:
    """One upright frame: image (H, W, 3) uint8 RGB; its number among the readable frames; seconds from the container."""

    frame_id: int
    timestamp: float
    image: Array


class Source(Protocol):
    """Where frames come from: a container or image files.

    Attributes:
        origin: the time that a player shows as zero, in the container's seconds.
        times: (N,) seconds of the frames that the index lists; damaged files may yield fewer.
        notes: what could not be read and what was done to the pictures so far, in sentences, which are the keys.
    """

    info: VideoInfo
    origin: float
    times: Array
    notes: dict[str, None]

    def frames(self, begin: float, every: int) -> Iterator[Frame]:
        """The readable frames that are shown at ``begin`` (s) or later and whose number ``every`` divides, in order."""
        ...


def check_size(path: Path, width: int, height: int) -> None:
    """Raises InputError before memory is asked for that no real frame needs."""
    if width * height > MAX_PIXELS:
        raise InputError(
            f"{path} says that its frames have {width} x {height} pixels, more than the {MAX_PIXELS // 10**6} million allowed.",
            "Scale the video down, or check whether the file is damaged.",
        )
    if width < 1 or height < 1:
        raise InputError(f"{path} states no size for its frames.", "The file is damaged; make it again or give another.")


def equivalent_focal(millimetres: float, width: int, height: int) -> float | None:
    """The focal length in pixels from its 35 mm equivalent (by the diagonal, as CIPA defines it); None unless positive."""
    if not (math.isfinite(millimetres) and millimetres > 0):
        return None
    return millimetres / FULL_FRAME_DIAGONAL * math.hypot(width, height)


def nominal_rate(timestamps: Array, stated: tuple[float, ...]) -> float:
    """Frames per second from presentation times (N,) s: the steady interval if there is one, else the mean.

    The nearest ``stated`` rate within half a per cent wins, because containers round times but state rates exactly.
    """
    rates = [rate for rate in stated if math.isfinite(rate) and rate > 0]
    steps = np.diff(timestamps)
    steps = steps[steps > 0]
    if len(steps) == 0:
        return rates[0] if rates else 30.0
    middle = float(np.median(steps))
    steady = np.mean(np.abs(steps - middle) < 0.1 * middle) >= 0.9
    measured = 1.0 / (float(np.mean(steps[np.abs(steps - middle) < 0.1 * middle])) if steady else float(np.mean(steps)))
    nearest = min(rates, key=lambda rate: abs(rate / measured - 1), default=measured)
    return nearest if abs(nearest / measured - 1) < 0.005 else measured
