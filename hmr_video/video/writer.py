"""`VideoWriter`: frames to an H.264 MP4 with exact presentation times and, where given, the original sound."""

from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np

from hmr_video.errors import OutputError
from hmr_video.files import replacing
from hmr_video.video.source import Array

_TIME_BASE = Fraction(1, 90_000)  # divides 24, 25, 30, 50, 60 and 30000/1001 evenly


class VideoWriter:
    """A context manager that writes frames (H, W, 3) uint8 RGB as H.264, yuv420p.

    Frames of odd width or height lose their last column or row, which the format cannot hold. Presentation times are those given
    to :meth:`write`, or evenly spaced by ``frame_rate``. ``audio_from``
    names a video whose first sound track is copied without recoding, cut to the pictures' time; one that MP4 cannot hold is
    left out. With a ``keyframe_interval`` (frames) players jump faster. The file appears under its name
    when all went well. Raises OutputError.
    """

    def __init__(
        self,
        path: Path,
        frame_rate: Fraction | float,
        size: tuple[int, int],
        audio_from: Path | None = None,
        overwrite: bool = False,
        quality: int = 20,
        keyframe_interval: int | None = None,
    ) -> None:
        self._rate = Fraction(frame_rate).limit_denominator(100_000)
        self._width, self._height = size
        if min(size) < 2:
            raise OutputError(f"Frames of {size[0]} x {size[1]} pixels cannot be coded as H.264.", "Use frames of 2 x 2 or more.")
        self._start = 0.0
        self._audio_from, self._quality, self._keyframe_interval = audio_from, quality, keyframe_interval
        self._path, self._overwrite = path, overwrite
        self._count, self._last = 0, -1

    def __enter__(self) -> "VideoWriter":
        with ExitStack() as stack:
            temporary = stack.enter_context(replacing(self._path, self._overwrite))
            self._container = stack.enter_context(av.open(str(temporary), "w", format="mp4", options={"movflags": "+faststart"}))
            self._sound = _Sound(self._audio_from, self._container)
            stack.callback(self._sound.close)
            self._stream = self._video_stream()
            stack.push(self._finish)
            self._open = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool | None:
        return self._open.__exit__(kind, error, trace)

    def _finish(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self._container.mux(self._stream.encode(None))
            self._sound.copy(self._start, float(self._last * _TIME_BASE) + float(1 / self._rate))

    def _video_stream(self) -> Any:
        stream = self._container.add_stream("libx264", rate=self._rate)
        stream.width, stream.height = self._width // 2 * 2, self._height // 2 * 2
        stream.pix_fmt = "yuv420p"
        # Macroblock trees bring superfast's files down to veryfast's size, for two thirds of its time. Fixed threads: same bytes.
        stream.options = {"crf": str(self._quality), "preset": "superfast", "threads": "2"}
        # The trees' fastest code reads past the ends of rows of most widths: only what is the same on all processors is the same
        # each time.
        stream.options |= {"x264-params": "mbtree=1:rc-lookahead=10:cpu-independent=1"}
        stream.codec_context.time_base = _TIME_BASE
        if self._keyframe_interval is not None:
            stream.codec_context.gop_size = self._keyframe_interval
        return stream

    def write(self, frame: Array, timestamp: float | None = None) -> None:
        """Appends one frame (H, W, 3) uint8 RGB, at ``timestamp`` (seconds; then every frame has one) where it is given."""
        if frame.shape != (self._height, self._width, 3):
            raise OutputError(
                f"A frame of shape {frame.shape} does not fit a video of {self._width} x {self._height}.", "Report this."
            )
        even = np.ascontiguousarray(frame[: self._height // 2 * 2, : self._width // 2 * 2])
        picture = av.VideoFrame.from_ndarray(even, format="rgb24")
        picture.time_base = _TIME_BASE
        picture.pts = self._last = max(self._last + 1, self._ticks(self._count, timestamp))
        self._count += 1
        self._container.mux(self._stream.encode(picture))

    def _ticks(self, position: int, timestamp: float | None) -> int:
        """Presentation time of the n-th frame in units of the time base, the first at 0."""
        if timestamp is None:
            return round(position / self._rate / _TIME_BASE)
        if position == 0:
            self._start = timestamp
        return round((timestamp - self._start) / float(_TIME_BASE))


class _Sound:
    """The first sound track of a video, to be copied packet by packet into another container."""

    def __init__(self, source: Path | None, target: Any) -> None:
        self._source: Any = None
        self.stream: Any = None
        if source is None or not Path(source).is_file():
            return
        try:
            self._source = av.open(str(Path(source).absolute()), options={"protocol_whitelist": "file"})
            template = self._source.streams.audio[0]
            if template.codec_context.name in _MP4_SOUND:
                self.stream = target.add_stream_from_template(template)
        except (av.FFmpegError, IndexError, ValueError, AttributeError):
            self.stream = None

    def copy(self, start: float, duration: float) -> None:
        """Copies the packets from ``start`` (seconds of the source) on for ``duration`` seconds; ``start`` becomes 0."""
        if self.stream is None:
            return
        track = self._source.streams.audio[0]
        offset = round(start / track.time_base)
        try:
            for packet in self._source.demux(track):
                if packet.dts is None or packet.pts is None or (offset > 0 and packet.pts < offset):
                    continue  # what lies before 0 in a whole file primes the decoder, and stays
                if (packet.pts - offset) * track.time_base >= duration:
                    break
                packet.pts, packet.dts = packet.pts - offset, packet.dts - offset
                packet.stream = self.stream
                self.stream.container.mux(packet)
        except av.FFmpegError:
            return  # a damaged track is copied as far as it goes

    def close(self) -> None:
        if self._source is not None:
            self._source.close()


_MP4_SOUND = {"aac", "mp3", "mp3float", "ac3", "eac3", "alac", "opus", "libopus", "flac"}  # what players expect inside an MP4
