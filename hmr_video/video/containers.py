"""Videos in containers: one pass over the packets makes an index, then PyAV or decord decodes.

PyAV is the reference and reads everything. decord reads ordinary files: short, whole, progressive H.264 in an MP4, upright and of
square pixels, for which it gives the same pictures at the same times. The choice depends on the file alone.
"""

import contextlib
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hmr_video.video.decoding import Damaged, Decoder
from hmr_video.video.index import index_packets
from hmr_video.video.pictures import Look, Pictures
from hmr_video.video.source import Frame, VideoInfo, nominal_rate
from hmr_video.video.streams import VideoFile

if TYPE_CHECKING:
    from hmr_video.video.ordinary import DecordReader

_DECORD_BYTES = 100_000_000  # of all frames: decord decodes ahead without limit whenever it is short of processors
_SAME = 0.1  # of a frame's duration, within which times are the same
_NO_TURN = (False, False, False)


class ContainerSource:
    """A video file as a `Source`. With a ``frame_rate`` its frames are evenly spaced from 0 on, whatever it states."""

    def __init__(self, path: Path, frame_rate: float | None = None) -> None:
        self.path = path
        self.index = index = index_packets(path)
        stated = nominal_rate(index.times, index.rates)
        self._given = None if frame_rate is None or self._keeps(frame_rate) else frame_rate
        self.times = index.times if self._given is None else np.arange(len(index.times)) / self._given
        self.origin = index.origin if self._given is None and index.timed else 0.0
        retimed = self._given is not None and index.timed
        self.notes: dict[str, None] = {}
        self._say(f"{path.name} holds {index.others + 1} videos; its main one was read.", index.others > 0)
        self._say(
            f"{path.name} states no times; its frames were taken for {stated:.6g} a second (--frame-rate takes another rate).",
            frame_rate is None and not index.timed,
        )
        self._say(f"{path.name} states {stated:.6g} frames a second; --frame-rate {self._given or 0:g} was taken.", retimed)
        self._say(
            f"The first {index.lead:.2f} s of {path.name} hold no picture: its stream begins in the middle.", index.lead > 0
        )
        self.info = VideoInfo(
            path=path,
            width=index.look.size[0],
            height=index.look.size[1],
            frame_rate=self._given or stated,
            frame_count=len(index.times),
            focal=index.focal,
            decoder="pyav" if self._decord is None else "decord",
            retimed=retimed,
        )

    def _keeps(self, frame_rate: float) -> bool:
        """Whether the file's own times are those of a rate anyway."""
        times = self.index.times
        off = times - times[0] - np.arange(len(times)) / frame_rate
        return self.index.timed and bool(np.abs(off).max() < _SAME / frame_rate)

    def frames(self, begin: float, every: int) -> Iterator[Frame]:
        done = 0
        if self._decord is not None:
            for frame in self._decord.frames():
                done = frame.frame_id + 1
                if frame.timestamp >= begin and frame.frame_id % every == 0:
                    yield frame
        if done < len(self.times) or self._decord is None:
            yield from self._frames_pyav(begin, every, done)

    def _say(self, text: str, true: bool = True) -> None:
        if true:
            self.notes[text] = None

    @cached_property
    def _decord(self) -> "DecordReader | None":
        """What reads this file in PyAV's place, if it is ordinary and short."""
        index, look = self.index, self.index.look
        plain = Look(look.coded, "yuv420p", _NO_TURN, look.aspect, False)
        short = look.coded[0] * look.coded[1] * 3 * len(index.times) <= _DECORD_BYTES
        if not (index.ordinary and short and look == plain and look.aspect == 1):
            return None
        from hmr_video.video.ordinary import DecordReader

        reader = DecordReader(self.path, look.coded, self.times)
        return reader if reader.is_able() else None

    def _frames_pyav(self, begin: float, every: int, first: int) -> Iterator[Frame]:
        """Frames from ``begin`` (s) and number ``first`` on; broken packets are skipped and counted."""
        pictures = Pictures(self.path, self.index.look)

        def wanted(tag: tuple[int, float]) -> bool:
            return tag[0] >= first and tag[0] % every == 0 and tag[1] >= begin

        for image, (frame_id, time) in pictures.of(self._numbered(), wanted):
            self.notes |= pictures.notes
            yield Frame(frame_id, time, image)
        self.notes |= pictures.notes

    def _numbered(self) -> Iterator[tuple[Any, Look, tuple[int, float]]]:
        """All frames with their looks, and for each its number and its seconds."""
        last, number = -np.inf, 0
        for strict in (True, False) if self.index.whole else (False,):
            with VideoFile(self.path) as file, contextlib.suppress(Damaged):
                decoder = Decoder(file, self.index.step, strict)
                for frame, time in decoder.frames():
                    if time > last:
                        yield frame, decoder.look(frame), (number, self._time(number, time))
                        last, number = time, number + 1
                if not strict or number >= len(self.index.times):
                    self._count_losses(number, decoder.errors, file)
                    return

    def _time(self, frame_id: int, stated: float) -> float:
        return stated if self._given is None else frame_id / self._given

    def _count_losses(self, count: int, errors: int, file: VideoFile) -> None:
        index, name = self.index, self.path.name
        wanted = len(index.times) + index.missing
        lost = max(wanted - count, 0) if errors or file.broken or index.missing else 0
        self._say(f"{lost} of {wanted} frames ({100 * lost / wanted:.1f} %) of {name} could not be read.", lost > 0)
        self._say(f"{name} is damaged at its end.", file.broken and not lost)
        interrupted = index.damaged > 0 and not file.joins
        self._say(f"The stream of {name} is interrupted ({index.damaged} times): pictures may be wrong there.", interrupted)
        self._say(f"The clock of {name} starts anew on the way; what follows was joined on.", file.joins > 0)
