"""The reference decoder: FFmpeg through PyAV, a frame for each picture that a player shows, with the time at which it does."""

import contextlib
from collections.abc import Iterator
from typing import Any

import av

from hmr_video.video.pictures import Aspects, Look, look_of
from hmr_video.video.streams import VideoFile

_CLOSEST = 0.1  # of the usual step, between two frames


class Damaged(Exception):
    """Something of the stream cannot be decoded."""


def packet_frames(packet: Any) -> list[Any] | None:
    """The frames that a packet completes; None when it is broken."""
    try:
        return list(packet.decode())
    except av.error.EOFError:
        return []
    except av.FFmpegError:
        return None


class Decoder:
    """Decodes an open file once, from its start, and counts what is broken after the first frame.

    Args:
        file: what to decode.
        step: seconds between frames, where the stream does not tell.
        strict: raise Damaged at the first thing that is broken. All processors decode then; they could not conceal an error alike
            each time, which one alone can.
    """

    def __init__(self, file: VideoFile, step: float, strict: bool) -> None:
        self._file, self._strict = file, strict
        codec = file.stream.codec_context
        codec.thread_type = "AUTO" if strict else "NONE"
        if strict:  # what is broken is an error of its packet, which comes in order, rather than a mark, which may come too late
            codec.options = {**codec.options, "err_detect": "explode"}
        self._times = _Times(step)
        self._aspects = Aspects(file.stream)
        self.errors = 0

    def frames(self) -> Iterator[tuple[Any, float]]:
        """PyAV's frames in order of presentation, and the seconds of each, ascending. What is marked as broken is left out."""
        begun = False
        for frame in self._raw():
            if frame is None or frame.is_corrupt:
                if self._strict:
                    raise Damaged
                self.errors += begun
                continue
            begun = True
            yield frame, self._times.of(frame)

    def look(self, frame: Any) -> Look:
        """The look of the frame that :meth:`frames` has just given."""
        return look_of(frame, self._aspects.now())

    def _raw(self) -> Iterator[Any]:
        """What the packets give, None for one that gives nothing because it is broken."""
        flushed = False
        for packet in self._file.packets():
            flushed = packet.size == 0
            frames = packet_frames(packet)
            yield from [None] if frames is None else frames
        if not flushed:  # the file ended in the middle of a packet: the decoder still holds frames
            with contextlib.suppress(Exception):
                yield from self._file.stream.codec_context.decode(None)


class _Times:
    """Presentation times: those of the container, or its decoding times where these are the ones in order (FFmpeg's best effort).

    A frame without any comes a step after the one before; one that is not later than that, half a step.
    """

    def __init__(self, step: float) -> None:
        self._step = step
        self._previous: float | None = None
        self._last: dict[str, int | None] = {"pts": None, "dts": None}
        self._faults = {"pts": 0, "dts": 0}

    def of(self, frame: Any) -> float:
        """The seconds of the next frame."""
        ticks = self._best(frame)
        stated = None if ticks is None else ticks * float(frame.time_base)
        if self._previous is None:
            time = 0.0 if stated is None else stated
        elif stated is None:
            time = self._previous + self._step
        else:
            time = stated if stated > self._previous + _CLOSEST * self._step else self._previous + self._step / 2
        self._previous = time
        return time

    def _best(self, frame: Any) -> int | None:
        for name in ("dts", "pts"):
            value, last = getattr(frame, name), self._last[name]
            if value is not None:
                self._faults[name] += last is not None and value <= last
                self._last[name] = value
            elif name == "dts" and frame.pts is not None:
                self._last[name] = frame.pts
        ordered = self._faults["pts"] <= self._faults["dts"] or frame.dts is None
        return frame.pts if frame.pts is not None and ordered else frame.dts
