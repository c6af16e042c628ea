"""A small copy of the source video for the web page: one every browser plays, with every frame at its time."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from hmr_video.export.overlay import open_source
from hmr_video.export.registry import ExportOptions
from hmr_video.motion import Array, Motion
from hmr_video.video import ahead
from hmr_video.video.writer import VideoWriter

LONGEST_SIDE = 960  # pixels
_QUALITY = 26  # of x264; between 23, its default, and 28, where skin gets blocky
_KEYFRAMES = 12  # frames between two; scrubbing decodes at most so many


class Preview(NamedTuple):
    """timestamps: (N,) seconds of all frames in the source, of which the first, number ``first_frame`` there, is shown at 0."""

    timestamps: Array
    first_frame: int


def make_preview(motions: list[Motion], target: Path, options: ExportOptions) -> Preview:
    """Writes the video of a result (a photograph or folder of images too) as H.264 to ``target``, its sound with it.

    The picture is made smaller but no frame that was converted is left out, which takes a fraction of the time of converting;
    memory does not grow with the length. Raises InputError when the video cannot be read or is not the result's, and OutputError.
    """
    reader = open_source(motions, options)
    width, height = reader.info.width, reader.info.height
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    times: list[float] = []
    numbers: list[int] = []
    sound = None if reader.info.retimed else options.video
    writer = VideoWriter(target, reader.info.frame_rate, size, audio_from=sound, quality=_QUALITY, keyframe_interval=_KEYFRAMES)
    with writer, options.reporter.progress("Preparing the video", reader.info.frame_count) as advance:
        for chunk in ahead(reader.chunks(16)):
            for frame, time in zip(chunk.frames, chunk.timestamps.tolist(), strict=True):
                small = frame if scale == 1.0 else np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BILINEAR))
                writer.write(small, time)
            times += chunk.timestamps.tolist()
            numbers += chunk.frame_ids.tolist()
            advance(len(chunk))
    return Preview(np.array(times), numbers[0] if numbers else 0)
