"""`open_video`: any video, photograph or folder of images as chunks of upright frames."""

import math
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from hmr_video.console import Reporter
from hmr_video.errors import InputError, UsageError
from hmr_video.video.kinds import PHOTOGRAPHS
from hmr_video.video.source import Array, Frame, Source, VideoInfo

_CHUNK_BYTES = 200_000_000  # a chunk of 8K frames is shorter than one of 720p

Item = TypeVar("Item")


@dataclass(frozen=True)
class Chunk:
    """N successive frames.

    frames (N, H, W, 3) uint8 RGB, upright; frame_ids (N,) int64; timestamps (N,) float64 seconds from the container.
    """

    frames: Array
    frame_ids: Array
    timestamps: Array

    def __len__(self) -> int:
        return len(self.frames)


@dataclass(frozen=True)
class Selection:
    """Which frames of the source are wanted: from ``start`` to before ``end`` in a player's seconds, every n-th.

    Frames are numbered 0, 1, ... as they can be read, whatever ``start`` is. With ``every`` = n the frames 0, n, 2n, ... are
    the video, and frame k of it is frame k n of the file: it is what a camera of an n-th of the rate would have taken.
    """

    start: float = 0.0
    end: float | None = None
    every: int = 1

    def __post_init__(self) -> None:
        if self.every < 1:
            raise UsageError(f"--every {self.every} selects nothing.", "Give 1 (all frames) or more.")
        if self.start < 0 or (self.end is not None and self.end <= self.start):
            raise UsageError("The end of the selection lies before its start.", "Give 0 <= --start < --end, in seconds.")


class VideoReader:
    """Frames of one source in chunks, from the start each time :meth:`chunks` is called.

    ``origin``: the time that a player shows as zero, in seconds of the container.
    """

    def __init__(self, source: Source, selection: Selection, reporter: Reporter) -> None:
        self._source, self._selection, self._reporter = source, selection, reporter
        self.origin = source.origin
        times = source.times
        self._begin = source.origin + selection.start - 1e-6
        self._end = math.inf if selection.end is None else source.origin + selection.end - 1e-6
        wanted = np.flatnonzero((times >= self._begin) & (times < self._end))
        wanted = wanted[wanted % selection.every == 0]
        if len(wanted) == 0:
            seconds = float(times[-1]) - source.origin
            raise InputError(
                f"No frame of {source.info.path} lies in the selected time; its last one is at {seconds:.3f} s.",
                "Choose --start and --end inside the video.",
            )
        self.info: VideoInfo = replace(source.info, frame_rate=source.info.frame_rate / selection.every, frame_count=len(wanted))

    def chunks(self, size: int = 32) -> Iterator[Chunk]:
        """Chunks of up to ``size`` frames (fewer where frames are huge); then notes what could not be read and what was done."""
        size = max(1, min(size, _CHUNK_BYTES // (self.info.width * self.info.height * 3)))
        pending: list[Frame] = []
        count = 0
        for frame in self._selected():
            pending.append(frame)
            count += 1
            if len(pending) == size:
                yield _chunk(pending)
                pending = []
        if pending:
            yield _chunk(pending)
        for note in self._source.notes:
            self._reporter.note(note)
        if count == 0:
            raise InputError(f"No frame of {self.info.path} can be decoded.", "The file is damaged; make it again.")

    def _selected(self) -> Iterator[Frame]:
        every = self._selection.every
        for frame in self._source.frames(self._begin, every):
            if frame.timestamp >= self._end:
                return
            yield replace(frame, frame_id=frame.frame_id // every)


def _chunk(frames: list[Frame]) -> Chunk:
    return Chunk(
        frames=np.stack([frame.image for frame in frames]),
        frame_ids=np.array([frame.frame_id for frame in frames], np.int64),
        timestamps=np.array([frame.timestamp for frame in frames], np.float64),
    )


def open_video(
    path: Path, reporter: Reporter, start: float = 0.0, end: float | None = None, every: int = 1, frame_rate: float | None = None
) -> VideoReader:
    """Opens a video, a photograph or a folder of images. ``start``, ``end``, ``every``: see `Selection`.

    ``frame_rate`` is that of sources that state none (default 30), and is taken in place of what others state. Raises InputError,
    UsageError.
    """
    selection = Selection(start, end, every)
    if frame_rate is not None and not (math.isfinite(frame_rate) and frame_rate > 0):
        raise UsageError(f"{frame_rate} is no frame rate.", "Give frames per second, above 0.")
    return VideoReader(_source(Path(path), frame_rate), selection, reporter)


def is_photograph(path: Path) -> bool:
    """Whether a source is one picture, which does not move. Raises InputError."""
    if not path.is_dir() and path.suffix.lower() not in PHOTOGRAPHS:
        return False
    info = open_video(path, Reporter(quiet=True)).info
    return info.decoder == "pillow" and info.frame_count == 1


def _source(path: Path, frame_rate: float | None) -> Source:
    try:
        if not path.exists():
            raise InputError(f"{path} does not exist.", "Check the path.")
        if not path.is_dir() and path.suffix.lower() not in PHOTOGRAPHS:
            from hmr_video.video.containers import ContainerSource

            return ContainerSource(path, frame_rate)
        from hmr_video.video.animations import AnimationSource, is_animated
        from hmr_video.video.photos import FOLDER_RATE, ImageSource, images_of

        if path.is_dir():
            return ImageSource(path, images_of(path), frame_rate or FOLDER_RATE)
        if is_animated(path):
            return AnimationSource(path, frame_rate, FOLDER_RATE)
        return ImageSource(path, [path], frame_rate or FOLDER_RATE)
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.", "Check the path and its permissions.") from error


def ahead(items: Iterator[Item], depth: int = 1) -> Iterator[Item]:
    """The same items, made in a background thread up to ``depth`` ahead, so that decoding overlaps with what follows.

    An exception of the producer is raised here; when the consumer stops early, the producer stops too.
    """
    done = object()
    with ThreadPoolExecutor(1, "ahead") as thread:
        waiting = deque(thread.submit(next, items, done) for _ in range(depth + 1))
        try:
            while (item := waiting.popleft().result()) is not done:
                waiting.append(thread.submit(next, items, done))
                yield item  # type: ignore[misc]
        finally:
            thread.shutdown(cancel_futures=True)
