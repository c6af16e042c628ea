"""Videos in containers: one pass over the packets makes an index, then decord or PyAV decodes.

decord reads short files whose index is clean and whose picture needs no turning; PyAV reads all others (long ones, GIF,
damaged or rotated files, platforms without a decord wheel). Both wrap FFmpeg and give the same pixels, so the choice is one
of speed and robustness; it depends on the file alone.
"""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from hmr_video.errors import InputError
from hmr_video.video.source import MAX_PIXELS, Array, Frame, VideoInfo, check_size, equivalent_focal, nominal_rate

_DECORD_CONTAINERS = {"mov", "mp4", "matroska", "webm", "avi"}
_DECORD_BYTES = 500_000_000  # of all frames: decord decodes ahead without limit whenever it is short of processors
_NOT_VIDEO = {"tty"}  # FFmpeg draws any text file as a picture
_FOCAL_KEYS = ("com.apple.quicktime.camera.focal_length.35mm_equivalent", "com.android.capture.focal_length_35mm")
_CLOSEST = 0.1  # of the usual step, between two frames
_MISSING_SECONDS = 0.5  # by which a duration may exceed the frames before that counts as a loss
_OTHER_FILE = "Give a video, a photograph, or a folder of images."
_REMAKE = "Make the file again, or convert it with another program first."


@dataclass(frozen=True)
class PacketIndex:
    """What the packets tell without decoding them (but for the first frame).

    times (N,): presentation times in seconds, ascending. stated: how many frames the header promises, 0 where it does not.
    orientation: see :func:`upright`. clean: no packet is broken, discarded, without a time, or missing.
    """

    container: str
    width: int
    height: int
    orientation: tuple[bool, bool, bool]
    times: Array
    stated: int
    rates: tuple[float, ...]
    origin: float
    focal: float | None
    clean: bool


def upright(image: Array, orientation: tuple[bool, bool, bool]) -> Array:
    """The image (H, W, 3) after (transposed, mirrored left to right, mirrored top to bottom), in this order."""
    transposed, mirrored, upended = orientation
    if transposed:
        image = image.swapaxes(0, 1)
    return image[:: -1 if upended else 1, :: -1 if mirrored else 1]


def _orientation(frame: Any) -> tuple[bool, bool, bool]:
    """How to turn a decoded frame upright, from its display matrix (a b u; c d v; x y w): x' = ax + cy, y' = bx + dy."""
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return (False, False, False)
    a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].tolist()
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return (False, a < 0, d < 0)
    return (True, c < 0, b < 0)


def _open(path: Path) -> Any:
    """An open PyAV container. Raises InputError."""
    import av

    av.logging.set_level(None)  # what matters reaches the user through notes
    try:
        # Only local files: a playlist must not reach into the network. The size limit guards the probing of FFmpeg.
        container = av.open(str(path.absolute()), options={"protocol_whitelist": "file", "max_pixels": str(MAX_PIXELS)})
    except (av.FFmpegError, ValueError, OSError) as error:
        reason = "is empty" if path.stat().st_size == 0 else f"cannot be read as a video ({type(error).__name__})"
        raise InputError(f"{path} {reason}.", f"{_OTHER_FILE} If it is one, it is damaged: {_REMAKE.lower()}") from error
    if container.format.name in _NOT_VIDEO:
        container.close()
        raise InputError(f"{path} is a text, not a video.", _OTHER_FILE)
    return container


def _video_stream(container: Any, path: Path) -> Any:
    """The first stream of moving pictures; a cover image of a song is none. Raises InputError."""
    from av.stream import Disposition

    streams = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not streams:
        kind = "only sound" if container.streams.audio else "no video"
        raise InputError(f"{path} holds {kind}.", _OTHER_FILE)
    stream = streams[0]
    if stream.codec_context is None:
        raise InputError(f"{path} is coded in a way that cannot be decoded here.", "Convert it to H.264 first.")
    check_size(path, stream.codec_context.width or 1, stream.codec_context.height or 1)
    stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    return stream


def _packets(container: Any, stream: Any) -> Iterator[Any]:
    """The stream's packets, the empty one at the end included; a broken end of the file ends them early."""
    import av

    packets = container.demux(stream)
    while True:
        try:
            yield next(packets)
        except (StopIteration, av.FFmpegError):
            return


def _decoded(packet: Any) -> list[Any] | None:
    """The frames that a packet completes; None when it is broken."""
    import av

    try:
        return list(packet.decode())
    except av.error.EOFError:
        return []
    except av.FFmpegError:
        return None


def index_packets(path: Path) -> PacketIndex:
    """Reads all packets of a container and decodes up to the first frame. Raises InputError when there is none."""
    with _open(path) as container:
        stream = _video_stream(container, path)
        first, clean, ticks = None, True, []
        for packet in _packets(container, stream):
            if first is None:
                frames = _decoded(packet)
                clean &= frames is not None
                first = frames[0] if frames else None
            if packet.size:
                clean &= packet.pts is not None and not packet.is_corrupt and not packet.is_discard
                ticks.append(packet.pts)
        if first is None:
            raise InputError(f"No frame of {path} can be decoded.", f"The file is damaged. {_REMAKE}")
        check_size(path, first.width, first.height)
        rates = tuple(float(rate) for rate in (stream.average_rate, stream.guessed_rate) if rate)
        if None in ticks:  # a raw stream without times: frames are evenly spaced
            times = np.arange(len(ticks)) / (rates[0] if rates else 30.0)
        else:
            times = np.sort(np.array(ticks, np.float64)) * float(stream.time_base)
        turned = _orientation(first)
        stated = stream.frames or _promised(container, stream, times)
        width, height = (first.height, first.width) if turned[0] else (first.width, first.height)
        metadata = {**stream.metadata, **container.metadata}
        focals = [metadata[key] for key in _FOCAL_KEYS if key in metadata]
        return PacketIndex(
            container=container.format.name,
            width=width,
            height=height,
            orientation=turned,
            times=times,
            stated=stated,
            rates=rates,
            origin=(container.start_time or 0) / 1e6,
            focal=_focal(focals, width, height),
            clean=clean and stated in (0, len(ticks)) and bool(np.all(np.diff(times) > 0)),
        )


def _promised(container: Any, stream: Any, times: Array) -> int:
    """How many frames the stated duration has room for, where that is clearly more than there are ``times``; else 0.

    Matroska states no number of frames, and no duration of a stream; its own duration is that of the sound, where there is any.
    """
    seconds = float(stream.duration * stream.time_base) if stream.duration else 0.0
    if not seconds and not container.streams.audio:
        seconds = (container.duration or 0) / 1e6
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    room = round(seconds / step) if step > 0 else 0
    return room if (room - len(times)) * step > _MISSING_SECONDS else 0


def _focal(values: list[str], width: int, height: int) -> float | None:
    with contextlib.suppress(ValueError):
        return equivalent_focal(float(values[0]), width, height) if values else None
    return None


class ContainerSource:
    """A video file as a `Source`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.index = index_packets(path)
        self.origin = self.index.origin
        self._losses: dict[str, None] = {}
        times = self.index.times
        self.info = VideoInfo(
            path=path,
            width=self.index.width,
            height=self.index.height,
            frame_rate=nominal_rate(times, self.index.rates),
            frame_count=len(times),
            focal=self.index.focal,
            decoder="pyav" if self._decord is None else "decord",
        )

    def timestamps(self) -> Array:
        return self.index.times

    def losses(self) -> list[str]:
        return list(self._losses)

    def frames(self, first: int) -> Iterator[Frame]:
        if self._decord is not None:
            for frame in self._frames_decord(first):
                yield frame
                first = frame.frame_id + 1
            if first >= len(self.index.times):
                return
        yield from self._frames_pyav(first)

    @cached_property
    def _decord(self) -> Any:
        """The decord module if it is to read this file, else None."""
        plain = not any(self.index.orientation) and self.index.clean
        short = self.index.width * self.index.height * 3 * len(self.index.times) <= _DECORD_BYTES
        if not (plain and short) or not _DECORD_CONTAINERS & set(self.index.container.split(",")):
            return None
        try:
            import decord
        except (ImportError, OSError):
            return None
        decord.logging.set_level(decord.logging.FATAL)
        with contextlib.suppress(Exception):  # decord raises a zoo of types; whatever it is, PyAV takes over
            video = decord.VideoReader(str(self.path.absolute()), num_threads=2)
            if len(video) == len(self.index.times) and video.next().shape == (self.index.height, self.index.width, 3):
                return decord
        return None

    def _frames_decord(self, first: int) -> Iterator[Frame]:
        """Frames until the end or until decord gives up; the caller carries on with PyAV from there."""
        # More threads make decord fail on VP9, and gain nothing.
        video = self._decord.VideoReader(str(self.path.absolute()), num_threads=2)
        if first:
            video.seek_accurate(first)
        for frame_id in range(first, len(self.index.times)):
            try:
                image = video.next().asnumpy()
            except Exception as error:  # decord's own error class is a bare Exception
                logging.getLogger(__name__).debug("decord stopped at frame %d: %s", frame_id, error)
                return
            if image.shape != (self.index.height, self.index.width, 3):
                return
            yield Frame(frame_id, float(self.index.times[frame_id]), image)

    def _frames_pyav(self, first: int) -> Iterator[Frame]:
        """Frames from number ``first`` on; broken packets are skipped and counted."""
        with _open(self.path) as container:
            stream = _video_stream(container, self.path)
            # Concealment of errors is repeatable in one thread only.
            stream.codec_context.thread_type = "AUTO" if self.index.clean else "NONE"
            count, previous, step = 0, -np.inf, 1.0 / self.info.frame_rate
            for frame in _whole_frames(container, stream):
                # A stated time may repeat what a frame without one was given, but for rounding: no two are so close.
                timed = frame.pts is not None and float(frame.pts * frame.time_base) > previous + _CLOSEST * step
                previous = float(frame.pts * frame.time_base) if timed else (previous + step if count else 0.0)
                if count >= first:
                    yield Frame(count, previous, self._image(frame))
                count += 1
        self._count_losses(count)

    def _image(self, frame: Any) -> Array:
        """RGB, upright, of the size of the first frame (a stream may change its size on the way)."""
        width, height = self.info.width, self.info.height
        if self.index.orientation[0]:
            width, height = height, width
        if (frame.width, frame.height) != (width, height):
            check_size(self.path, frame.width, frame.height)
            self._losses["The frames change their size on the way; all were scaled to that of the first."] = None
        image = frame.to_ndarray(format="rgb24", width=width, height=height)
        return np.ascontiguousarray(upright(image, self.index.orientation))

    def _count_losses(self, count: int) -> None:
        wanted = max(len(self.index.times), self.index.stated)
        if count < wanted:
            share = 100 * (wanted - count) / wanted
            self._losses[f"{wanted - count} of {wanted} frames ({share:.1f} %) of {self.path.name} could not be read."] = None


def _whole_frames(container: Any, stream: Any) -> Iterator[Any]:
    """Decoded frames in order of presentation. What the decoder itself marks as broken is left out."""
    flushed = False
    for packet in _packets(container, stream):
        flushed = packet.size == 0
        for frame in _decoded(packet) or []:
            if not frame.is_corrupt:
                yield frame
    if not flushed:  # the file ended in the middle of a packet: the decoder still holds frames
        with contextlib.suppress(Exception):
            yield from stream.codec_context.decode(None)
