"""An open video file: its one video stream, and the packets of that with times that go on where the file's clock starts anew."""

from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import av
from av.format import Flags
from av.stream import Disposition

from hmr_video.errors import InputError
from hmr_video.video.source import MAX_PIXELS, check_size

if TYPE_CHECKING:
    from hmr_video.video.clocks import BroadcastClock, GifClock

_NOT_VIDEO = {"tty"}  # FFmpeg draws any text file as a picture
_NO_PRESENTATION = {"avi"}  # knows decoding times alone; what FFmpeg makes of them is in no order
_OTHER_FILE = "Give a video, a photograph, or a folder of images."
REMAKE = "Make the file again, or convert it with another program first."


class VideoFile:
    """A context manager over the video stream that a player would show.

    Attributes:
        container, stream: PyAV's.
        others: how many further video streams there are.
        joins: how often the clock started anew so far.
        broken: the file ended in the middle of something.
    """

    def __init__(self, path: Path) -> None:
        """Raises InputError where there is no video."""
        self.path = path
        self.joins, self.broken = 0, False
        self.container = _open(path)
        try:
            self.stream, self.others = _choose(self.container, path)
        except BaseException:
            self.container.close()
            raise

    def __enter__(self) -> "VideoFile":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.container.close()

    def packets(self) -> Iterator[Any]:
        """The stream's packets in the file's order, the empty one at the end included."""
        packets = self.container.demux(self.stream)
        clock = self._clock()
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except av.FFmpegError:
                self.broken = True
                return
            if packet.size == 0 and packet.dts is not None:
                continue  # the frame before goes on; to the decoder it would mean the end
            if self.container.format.name in _NO_PRESENTATION:
                packet.pts = None
            if clock is not None:
                self.joins += clock.set(packet)
            yield packet

    def _clock(self) -> "BroadcastClock | GifClock | None":
        """What mends the times of a format whose own cannot be taken as they are."""
        may_start_anew = self.container.format.flags & Flags.ts_discont.value
        if not may_start_anew and self.container.format.name != "gif":
            return None
        from hmr_video.video.clocks import BroadcastClock, GifClock

        return BroadcastClock(self.stream) if may_start_anew else GifClock(self.stream)


def _open(path: Path) -> Any:
    """An open PyAV container. Raises InputError."""
    av.logging.set_level(None)  # what matters reaches the user through notes
    try:
        # Only local files: a playlist must not reach into the network. The size limit guards the probing of FFmpeg.
        container = av.open(str(path.absolute()), options={"protocol_whitelist": "file", "max_pixels": str(MAX_PIXELS)})
    except (av.FFmpegError, ValueError, OSError) as error:
        reason = "is empty" if path.stat().st_size == 0 else f"cannot be read as a video ({type(error).__name__})"
        raise InputError(f"{path} {reason}.", f"{_OTHER_FILE} If it is one, it is damaged: {REMAKE.lower()}") from error
    if container.format.name in _NOT_VIDEO:
        container.close()
        raise InputError(f"{path} is a text, not a video.", _OTHER_FILE)
    return container


def _choose(container: Any, path: Path) -> tuple[Any, int]:
    """The stream that players show, and how many others there are: the default one, of several the one with the most pixels.

    A cover image and the pictures of chapters are none. Raises InputError.
    """
    still = Disposition.attached_pic | Disposition.timed_thumbnails
    streams = [stream for stream in container.streams.video if not stream.disposition & still]
    if not streams:
        kind = "only sound" if container.streams.audio else "no video"
        raise InputError(f"{path} holds {kind}.", _OTHER_FILE)
    readable = [stream for stream in streams if stream.codec_context is not None]
    if not readable:
        raise InputError(f"{path} is coded in a way that cannot be decoded here.", "Convert it to H.264 first.")

    def rank(stream: Any) -> tuple[bool, int]:
        return bool(stream.disposition & Disposition.default), (stream.width or 0) * (stream.height or 0)

    chosen = max(readable, key=rank)
    check_size(path, chosen.codec_context.width or 1, chosen.codec_context.height or 1)
    chosen.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
    return chosen, len(streams) - 1
