"""Videos made with PyAV; each frame shows its own number as stripes, so that no wrong frame can pass for the right one."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from hmr_video.console import Reporter
from hmr_video.video import Chunk, open_video

BITS = 6


def numbered(number: int, width: int = 96, height: int = 64) -> np.ndarray:
    """A frame whose upper half shows ``number`` as bright and dark stripes, the lowest bit on the left, above noise."""
    frame = np.random.default_rng(number).integers(60, 120, (height, width, 3), dtype=np.uint8)
    stripe = width // BITS
    for bit in range(BITS):
        frame[: height // 2, bit * stripe : (bit + 1) * stripe] = 220 if number >> bit & 1 else 20
    return frame


def number_of(frame: np.ndarray) -> int:
    height, width, _ = frame.shape
    stripe = width // BITS
    return sum(int(frame[height // 4, bit * stripe + stripe // 2].mean() > 120) << bit for bit in range(BITS))


def make(
    path: Path,
    count: int = 40,
    size=(96, 64),
    codec="libx264",
    times=None,
    rotation=0,
    audio=False,
    rate=30,
    aspect=None,
    file=None,
    **options,
) -> Path:
    """Writes ``count`` numbered frames; ``times`` in milliseconds make the rate variable, ``aspect`` is that of a pixel.

    ``file`` holds options of the container, the others are the codec's.
    """
    with av.open(str(path), "w", options=file or ({"movflags": "+faststart"} if path.suffix == ".mp4" else {})) as container:
        stream = container.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = {"gif": "rgb8", "mjpeg": "yuvj420p"}.get(codec, "yuv444p" if size[0] % 2 or size[1] % 2 else "yuv420p")
        stream.options = {"g": "10", **options} if codec == "libx264" else options
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        if aspect is not None:
            stream.codec_context.sample_aspect_ratio = aspect
        if rotation:
            stream.set_display_rotation(rotation)
        if audio:
            sound = container.add_stream("aac", rate=44100)
            sound.layout = "mono"
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(numbered(number, *size), format="rgb24")
            if times is not None:
                frame.time_base, frame.pts = Fraction(1, 1000), int(times[number])
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if audio:
            samples = (np.sin(np.arange(44100 * count // rate) / 20) * 8000).astype(np.int16)
            for start in range(0, len(samples) - 1024, 1024):
                block = av.AudioFrame.from_ndarray(samples[None, start : start + 1024], format="s16", layout="mono")
                block.sample_rate, block.pts = 44100, start
                container.mux(sound.encode(block))
            container.mux(sound.encode(None))
    return path


def read(path: Path, size: int = 7, **selection) -> tuple[Chunk, Reporter, str]:
    """All chunks as one, the reporter with its notes, and the decoder's name."""
    reporter = Reporter(quiet=True)
    reader = open_video(path, reporter, **selection)
    chunks = list(reader.chunks(size))
    assert all(len(chunk) == size for chunk in chunks[:-1])
    whole = Chunk(*(np.concatenate([getattr(chunk, name) for chunk in chunks]) for name in Chunk.__dataclass_fields__))
    assert whole.frames.shape[1:] == (reader.info.height, reader.info.width, 3)
    assert whole.frames.dtype == np.uint8
    return whole, reporter, reader.info.decoder


def numbers(frames: np.ndarray) -> list[int]:
    return [number_of(frame) for frame in frames]
