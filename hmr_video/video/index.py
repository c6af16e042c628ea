"""What the packets of a video tell before it is decoded: how many frames to expect and when, and whether anything is amiss."""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from av.format import Flags

from hmr_video.errors import InputError
from hmr_video.video.decoding import packet_frames
from hmr_video.video.pictures import Aspects, Look, look_of
from hmr_video.video.source import Array, check_size, equivalent_focal
from hmr_video.video.streams import REMAKE, VideoFile

_FOCAL_KEYS = ("com.apple.quicktime.camera.focal_length.35mm_equivalent", "com.android.capture.focal_length_35mm")
_MISSING_SECONDS = 0.5  # by which a duration may exceed the frames before that counts as a loss
_FROM_ZERO = {"matroska,webm", "flv"}  # state durations from 0 on, others from their first frame
_PARAMETERS = 7  # the kind of an H.264 unit that may change the size of pictures


@dataclass(frozen=True)
class PacketIndex:
    """What the packets tell without decoding them (but for the first frame).

    times (N,): seconds at which frames are to be shown, ascending; what is hidden or comes before the first picture is none.
    step: seconds that a frame lasts by the stated rate. missing: how many more frames the header promises. lead: seconds at the
    start that hold no picture. timed: it states times, rather than counting at a rate. damaged: packets that are, or follow
    a gap. whole: nothing is broken or missing. ordinary: H.264 in an MP4, whole, nothing hidden, and pictures that cannot change
    their size.
    """

    look: Look
    times: Array
    step: float
    missing: int
    lead: float
    rates: tuple[float, ...]
    origin: float
    focal: float | None
    timed: bool
    damaged: int
    whole: bool
    ordinary: bool
    others: int


class _Packets:
    """What is gathered from the packets, one after the other."""

    def __init__(self, codec: str, container: str) -> None:
        self._codec = codec
        self.damaged, self.ordinary = 0, codec == "h264" and "mp4" in container.split(",")
        self.total = 0
        self.ticks: list[int | None] = []

    def add(self, packet: Any) -> None:
        self.total += 1
        self.damaged += packet.is_corrupt
        if self.ordinary:
            self.ordinary = not (packet.is_discard or packet.pts is None or (packet.is_keyframe and _may_resize(packet)))
        if not packet.is_discard and _shown(self._codec, packet):
            self.ticks.append(packet.dts if packet.pts is None else packet.pts)


def _shown(codec: str, packet: Any) -> bool:
    """Whether a packet holds a picture to be shown. VP8 keeps pictures to predict from in packets of their own."""
    return codec != "vp8" or bool(memoryview(packet)[0] & 0x10)


def _may_resize(packet: Any) -> bool:
    """Whether an H.264 packet of an MP4 file (units behind their lengths of 4 bytes) brings parameters along."""
    if packet.has_sidedata("new_extradata"):
        return True
    data, place = memoryview(packet), 0
    while place + 4 < len(data):
        if data[place + 4] & 31 == _PARAMETERS:
            return True
        place += 4 + int.from_bytes(data[place : place + 4])
    return False


def index_packets(path: Path) -> PacketIndex:
    """Reads all packets of a file and decodes up to the first frame. Raises InputError when there is none."""
    with VideoFile(path) as file:
        stream, container = file.stream, file.container
        codec, kind = stream.codec_context.name, container.format
        packets, first, sound = _Packets(codec, kind.name), None, True
        for packet in file.packets():
            if first is None:
                frames = packet_frames(packet)
                sound &= frames is not None
                first = frames[0] if frames else None
            if packet.size:
                packets.add(packet)
        if first is None:
            raise InputError(f"No frame of {path} can be decoded.", f"The file is damaged. {REMAKE}")
        look = look_of(first, Aspects(stream).now())
        check_size(path, *look.coded)
        check_size(path, *look.size)
        known = [tick for tick in packets.ticks if tick is not None]
        timed = 2 * len(known) >= len(packets.ticks) and not _counts(kind)
        # A bare stream itself knows better than its reader, which says 25 of any.
        stated = (stream.average_rate, stream.guessed_rate) if timed else (stream.codec_context.framerate, stream.guessed_rate)
        rates = tuple(float(rate) for rate in stated if rate)
        step = 1.0 / ((rates[-1] if timed else rates[0]) if rates else 30.0)
        times, lead = _times(known, len(packets.ticks), first, stream, step)
        missing = _missing(file, times, packets)
        whole = not packets.damaged and sound and not missing and not file.broken
        metadata = {**stream.metadata, **container.metadata}
        focals = [metadata[key] for key in _FOCAL_KEYS if key in metadata]
        return PacketIndex(
            look=look,
            times=times,
            step=step,
            missing=missing,
            lead=lead,
            rates=rates,
            origin=(container.start_time or 0) / 1e6,
            focal=_focal(focals, *look.size),
            timed=timed,
            damaged=packets.damaged,
            whole=whole,
            ordinary=packets.ordinary and whole and lead == 0 and bool(np.all(np.diff(times) > 0)),
            others=file.others,
        )


def _counts(kind: Any) -> bool:
    """Whether a format is a bare stream, whose times FFmpeg makes up by counting frames."""
    return bool(kind.flags & Flags.no_timestamps.value) or kind.name.endswith("_pipe")


def _times(known: list[int], count: int, first: Any, stream: Any, step: float) -> tuple[Array, float]:
    """The times in seconds of ``count`` packets by their ``known`` ticks, and how long they go on before the first picture."""
    if 2 * len(known) < count:  # a raw stream: its frames are evenly spaced
        return np.arange(count) * step, 0.0
    times = np.sort(np.array(known, np.float64)) * float(stream.time_base)
    if first.pts is None:  # decoding times, from which presentation lags behind
        return times + (first.dts * float(first.time_base) - times[0] if first.dts is not None else 0.0), 0.0
    begin = first.pts * float(first.time_base)
    shown = times[times > begin - 0.5 * step]
    return (shown, float(begin - times[0])) if 0 < len(shown) < len(times) else (times, 0.0)


def _missing(file: VideoFile, times: Array, packets: _Packets) -> int:
    """How many frames the header promises beyond those of the packets, whose times end before the duration that it states.

    Matroska states no number of frames, and no duration of a stream; its own duration is that of the sound, where there is any.
    An MP4 file counts what its edit list hides, too, so that the number alone proves nothing.
    """
    stream, container = file.stream, file.container
    seconds = float(stream.duration * stream.time_base) if stream.duration else 0.0
    if not seconds and not container.streams.audio:
        seconds = (container.duration or 0) / 1e6
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
    begin = 0.0 if container.format.name in _FROM_ZERO else float((stream.start_time or 0) * stream.time_base)
    absent = round((begin + seconds - float(times[-1])) / step) - 1 if step > 0 else 0
    if container.format.name == "avi":  # its clock counts frames, those that repeat the one before included
        return max(0, stream.frames - 1 - max((tick for tick in packets.ticks if tick is not None), default=-1))
    if stream.frames:
        return max(0, stream.frames - packets.total) if absent > 0 else 0
    return absent if absent * step > _MISSING_SECONDS else 0


def _focal(values: list[str], width: int, height: int) -> float | None:
    with contextlib.suppress(ValueError):
        return equivalent_focal(float(values[0]), width, height) if values else None
    return None
