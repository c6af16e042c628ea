"""From decoded frames to pictures: upright, of square pixels, whole fields, 8 bits of RGB, all of one size."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import av
import numpy as np

from hmr_video.errors import InputError
from hmr_video.video.source import Array, check_size

Tag = TypeVar("Tag")
Wanted = Callable[[Tag], bool]
Turn = tuple[bool, bool, bool]  # transposed, mirrored left to right, mirrored top to bottom, in this order

_TURNS = {
    (True, True, False): "turned by 90 degrees clockwise",
    (True, False, True): "turned by 90 degrees anticlockwise",
    (False, True, True): "turned by 180 degrees",
    (False, True, False): "mirrored",
    (False, False, True): "turned upside down",
    (True, False, False): "turned and mirrored",
    (True, True, True): "turned and mirrored",
}
RESIZED = "The pictures change their size on the way; all were fitted into that of the first, with black beside them."
TRANSPARENT = "What is transparent was put on black."
_MOST_ANAMORPHIC = 8  # pixels wider or higher than this are a mistake of the header
_HDR = {16: "PQ", 18: "HLG"}  # of FFmpeg's transfer characteristics


@dataclass(frozen=True)
class Look:
    """How the frames of a stream lie in memory, and how they are meant to be seen.

    Attributes:
        coded: width and height in pixels.
        pixels: FFmpeg's name of the pixel format.
        turn: what makes the picture upright.
        aspect: width of a pixel of the upright picture by its height.
        fields: the picture consists of two fields, one after the other.
    """

    coded: tuple[int, int]
    pixels: str
    turn: Turn
    aspect: Fraction
    fields: bool

    @property
    def upright(self) -> tuple[int, int]:
        """Width and height of the upright picture, in its own pixels."""
        return self.coded[::-1] if self.turn[0] else self.coded

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in square pixels; the height is the upright picture's own."""
        width, height = self.upright
        return max(1, width * self.aspect.numerator // self.aspect.denominator), height


def look_of(frame: Any, aspect: Fraction) -> Look:
    """The look of one of PyAV's frames. ``aspect``: width of a coded pixel by its height."""
    turn = _turn(frame)
    upright = 1 / aspect if turn[0] else aspect
    return Look((frame.width, frame.height), frame.format.name, turn, upright, bool(frame.interlaced_frame))


class Aspects:
    """Width by height of a stream's coded pixels: the container's word, or else the stream's own, which may change on the way."""

    def __init__(self, stream: Any) -> None:
        self._codec, self._stated = stream.codec_context, stream.sample_aspect_ratio
        self._alike = self._stated == self._codec.sample_aspect_ratio

    def now(self) -> Fraction:
        """That of the frame that was decoded last; 1 where nothing likely is stated."""
        aspect = self._codec.sample_aspect_ratio if self._alike else self._stated
        return aspect if aspect and 1 / _MOST_ANAMORPHIC <= aspect <= _MOST_ANAMORPHIC else Fraction(1)


def _turn(frame: Any) -> Turn:
    """How to turn a frame upright, from its display matrix (a b u; c d v; x y w): x' = ax + cy, y' = bx + dy."""
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return (False, False, False)
    a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].tolist()
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return (False, a < 0, d < 0)
    return (True, c < 0, b < 0)


class Pictures:
    """Makes the pictures of a stream, of the size of its first one; ``notes`` are what had to be done, in sentences.

    The work is FFmpeg's, by its own filters, so that pixels are those which its programs show.
    """

    def __init__(self, path: Path, first: Look) -> None:
        self._path, self.size = path, first.size
        self._fields = first.fields
        self._chain: _Chain | None = None
        self.notes: dict[str, None] = {}

    def of(self, frames: Iterator[tuple[Any, Look, Tag]], wanted: Wanted[Tag]) -> Iterator[tuple[Array, Tag]]:
        """The (H, W, 3) uint8 RGB pictures of the frames whose tag is ``wanted``, in their order."""
        tags: deque[Tag] = deque()
        for frame, look, tag in frames:
            self._fields |= look.fields
            if not (self._fields or wanted(tag)):
                continue  # only who looks at neighbours must see all frames
            if self._chain is None or self._chain.look != (look, self._fields):
                yield from self._leave(tags, wanted)
                self._chain = self._enter(look, frame)
            tags.append(tag)
            self._chain.push(frame)
            yield from self._ready(self._chain, tags, wanted)
        yield from self._leave(tags, wanted)

    def _ready(self, chain: "_Chain", tags: deque[Tag], wanted: Wanted[Tag]) -> Iterator[tuple[Array, Tag]]:
        for image in chain.pull():
            tag = tags.popleft()
            if wanted(tag):
                yield padded(self._opaque(image), self.size), tag

    def _leave(self, tags: deque[Tag], wanted: Wanted[Tag]) -> Iterator[tuple[Array, Tag]]:
        if self._chain is not None:
            self._chain.push(None)
            yield from self._ready(self._chain, tags, wanted)
            self._chain = None

    def _enter(self, look: Look, frame: Any) -> "_Chain":
        check_size(self._path, *look.coded)
        check_size(self._path, *look.size)
        self._tell(look, frame)
        try:
            return _Chain(look, self._fields, fit(look.size, self.size), frame.time_base)
        except (av.FFmpegError, ValueError) as error:
            kind = f"{look.coded[0]} x {look.coded[1]} pixels of {look.pixels}"
            raise InputError(f"Pictures of {kind} cannot be shown ({self._path}).", "Convert the file to H.264 first.") from error

    def _tell(self, look: Look, frame: Any) -> None:
        sizes = f"{look.upright[0]} x {look.upright[1]}", f"{look.size[0]} x {look.size[1]}"
        remarks = {
            f"The pictures were {_TURNS.get(look.turn)}, as the file says.": any(look.turn),
            f"Pixels that are not square ({look.aspect}) were made so: {sizes[0]} became {sizes[1]}.": look.size != look.upright,
            RESIZED: look.size != self.size,
            "The pictures are interlaced; of their fields whole pictures were made.": self._fields,
            f"Colours of more than 8 bits ({look.pixels}) were made ones of 8.": any(
                part.bits > 8 for part in frame.format.components
            ),
            f"Brightness of high dynamic range ({_HDR.get(frame.color_trc)}) was not mapped to that of a screen.": (
                frame.color_trc in _HDR
            ),
        }
        self.notes |= {text: None for text, true in remarks.items() if true}

    def _opaque(self, image: Array) -> Array:
        """Transparent parts on black."""
        if image.shape[2] == 3:
            return image
        if image[..., 3].min() < 255:
            self.notes[TRANSPARENT] = None
        return on_black(image)


class _Chain:
    """FFmpeg's filters that turn frames of one look into RGB pictures of ``size`` (RGBA where they may be transparent)."""

    def __init__(self, look: Look, fields: bool, size: tuple[int, int], time_base: Fraction | None) -> None:
        self.look = (look, fields)
        self._graph = graph = av.filter.Graph()
        pixels = av.VideoFormat(look.pixels)
        transparent = pixels.has_palette or any(part.is_alpha for part in pixels.components)
        width, height = look.coded
        steps = [graph.add_buffer(width=width, height=height, format=pixels, time_base=time_base or Fraction(1, 1000))]
        if fields:
            steps.append(graph.add("bwdif", "mode=send_frame:deint=interlaced"))
        names = ("transpose", "dir=cclock_flip"), ("hflip", None), ("vflip", None)
        steps += [graph.add(*name) for name, wanted in zip(names, look.turn, strict=True) if wanted]
        steps.append(graph.add("scale", f"{size[0]}:{size[1]}:flags=bicubic"))
        steps.append(graph.add("format", "rgba" if transparent else "rgb24"))
        graph.link_nodes(*steps, graph.add("buffersink")).configure()

    def push(self, frame: Any) -> None:
        """Takes a frame, or with None the end."""
        self._graph.push(frame)

    def pull(self) -> Iterator[Array]:
        """What is done by now."""
        while True:
            try:
                frame = self._graph.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            yield frame.to_ndarray()


def on_black(image: Array) -> Array:
    """(H, W, 4) uint8 with transparency -> (H, W, 3)."""
    opacity = image[..., 3:].astype(np.uint16)
    return ((image[..., :3] * opacity + 127) // 255).astype(np.uint8)


def fit(size: tuple[int, int], frame: tuple[int, int]) -> tuple[int, int]:
    """The largest width and height of the shape of ``size`` within ``frame``."""
    scale = min(frame[0] / size[0], frame[1] / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def padded(image: Array, size: tuple[int, int]) -> Array:
    """The picture (h, w, 3) in the middle of a black one of ``size``, width and height."""
    width, height = size
    if image.shape[:2] == (height, width):
        return image
    top, left = (height - image.shape[0]) // 2, (width - image.shape[1]) // 2
    whole = np.zeros((height, width, 3), np.uint8)
    whole[top : top + image.shape[0], left : left + image.shape[1]] = image
    return whole
