"""`overlay.mp4`: the shaded bodies on the footage, with the original sound; beside it, on request, the people from the side.

Of a photograph it is `overlay.png`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from hmr_video.body import Body
from hmr_video.errors import InputError
from hmr_video.export.actors import by_frame, skinned
from hmr_video.export.palette import person_color
from hmr_video.export.registry import ExportOptions, NewFiles, check_drawing, ending_of_drawn
from hmr_video.export.render import Mesh, Renderer, choose_renderer
from hmr_video.export.stage import SideView, draw_tag
from hmr_video.files import replacing
from hmr_video.motion import Array, Motion
from hmr_video.video import Chunk, VideoReader, ahead, open_video
from hmr_video.video.writer import VideoWriter

_CHUNK = 16  # frames decoded, skinned and drawn at a time
# Seconds from where a person was last seen, or will be seen again, and how solid the body is drawn there: what lies between is
# made up.
_FADE, _SOLID = (0.05, 0.2), (1.0, 0.35)
_DOUBTED = 0.2  # confidence below which a frame shows nothing of a person, whatever was detected


def write(motions: list[Motion], body: Body, files: NewFiles, options: ExportOptions) -> None:
    """``overlay.mp4`` or ``overlay.png``, with the renderer that works here.

    Raises InputError when the video is not known or does not fit.
    """
    target = files.named(f"overlay{ending_of_drawn(options.footage)}")
    write_overlay(motions, body, target, choose_renderer("auto", options.reporter), options)


def write_overlay(
    motions: Sequence[Motion], body: Body, target: Path, renderer: Renderer, options: ExportOptions, side_by_side: bool = False
) -> Path:
    """Draws the people of a result, person 1 first, onto every frame of their video and writes H.264 to ``target``.

    Of a photograph it writes a PNG.

    Times are those of the source; its first sound track is kept. ``side_by_side`` doubles the width with a view from
    the left. Raises InputError, UsageError and OutputError.
    """
    video = options.footage
    check_drawing(target, video)
    reader = open_source(motions, options)
    width, height = reader.info.width, reader.info.height
    painter = Painter(motions, body, renderer)
    side = SideView(motions, (width, height)) if side_by_side else None
    if target.suffix.lower() == ".png":
        picture, _ = next(_drawn(painter, side, reader))
        with replacing(target, options.overwrite) as temporary:
            Image.fromarray(picture).save(temporary, "PNG")
        return target
    sound = None if reader.info.retimed else video
    size = (width * (1 + side_by_side), height)
    writer = VideoWriter(target, reader.info.frame_rate, size, audio_from=sound, overwrite=options.overwrite)
    with writer, options.reporter.progress("Rendering", reader.info.frame_count) as advance:
        for drawn, time in ahead(_drawn(painter, side, reader), _CHUNK):
            writer.write(drawn, time)
            advance(1)
    return target


def _drawn(painter: "Painter", side: SideView | None, reader: VideoReader) -> Iterator[tuple[Array, float]]:
    for chunk in ahead(reader.chunks(_CHUNK)):
        for shot in painter.shots(chunk):
            drawn = painter.draw(shot)
            if side is not None:
                drawn = np.concatenate([drawn, side.draw(painter.renderer, shot.people, shot.frame)], 1)
            yield drawn, shot.time


def open_source(motions: Sequence[Motion], options: ExportOptions) -> VideoReader:
    """The video, with frames numbered and timed as in the result. Raises InputError if there is none, or another."""
    video = options.footage

    def opened(every: int) -> VideoReader:
        return open_video(video, options.reporter, options.start, options.end, every, options.source_rate)

    reader = opened(options.every or 1)
    if options.every is None:
        reader = opened(max(1, round(reader.info.frame_rate / motions[0].frame_rate)))
    size = tuple(int(length) for length in motions[0].image_size)
    if size != (reader.info.width, reader.info.height):
        raise InputError(
            f"{video} has {reader.info.width} x {reader.info.height} pixels, the result {size[0]} x {size[1]}.",
            "Name the video that the result was made from with --video.",
        )
    return reader


class Shot(NamedTuple):
    """A frame to draw: its picture (H, W, 3), the people in it by index, in camera space, how solid each is, its time (s), its
    number, and the camera (3, 3)."""

    image: Array
    people: dict[int, Mesh]
    solid: dict[int, float]
    time: float
    frame: int
    camera: Array


class Painter:
    """Draws the people of one result onto frames of their video."""

    def __init__(self, motions: Sequence[Motion], body: Body, renderer: Renderer) -> None:
        self.renderer = renderer
        self._motions, self._body = list(motions), body
        self._faces = np.asarray(body.faces)
        self._solid = [by_frame([one], [np.interp(unseen_seconds(one), _FADE, _SOLID)]) for one in motions]
        self._zooms = by_frame(motions, [motion.zooms for motion in motions])

    def shots(self, chunk: Chunk) -> Iterator[Shot]:
        """The frames of a chunk, and who is in them."""
        posed = [self._pose(motion, chunk.frame_ids) for motion in self._motions]
        for image, frame, time in zip(chunk.frames, chunk.frame_ids.tolist(), chunk.timestamps.tolist(), strict=True):
            vertices = {index: person[frame] for index, person in enumerate(posed) if frame in person}
            people = {index: Mesh(one, self._faces, np.array(person_color(index)) / 255) for index, one in vertices.items()}
            solid = {index: float(self._solid[index][frame]) for index in people}
            camera = np.array(self._motions[0].camera_matrix)
            camera[[0, 1], [0, 1]] *= self._zooms.get(frame, 1.0)
            yield Shot(image, people, solid, time, frame, camera)

    def draw(self, shot: Shot) -> Array:
        """The picture with the people and their numbers. Who was not seen for a while is faint."""
        camera, people = shot.camera, shot.people
        seen = [mesh for index, mesh in people.items() if shot.solid[index] == 1]
        plain = self.renderer.draw(shot.image, seen, camera)
        drawn = plain
        for index, mesh in people.items():
            if shot.solid[index] < 1:
                change = self.renderer.draw(shot.image, [*seen, mesh], camera).astype(np.float32) - plain
                drawn = (drawn + shot.solid[index] * change).round().clip(0, 255).astype(np.uint8)
        for index, mesh in people.items():
            draw_tag(drawn, index, mesh, camera, int(self._motions[0].image_size[1]))
        return drawn

    def _pose(self, motion: Motion, frame_ids: Array) -> dict[int, Array]:
        """The vertices (V, 3) of one person by frame number, of those frames that show them."""
        rows = np.flatnonzero(np.isin(motion.frame_ids, frame_ids))
        if not len(rows):
            return {}
        return dict(zip(motion.frame_ids[rows].tolist(), skinned(motion, self._body, rows).numpy(), strict=True))


def unseen_seconds(motion: Motion) -> Array:
    """(T,) how far each frame is from the nearest one in which the person was seen, detected where the body is; 0 where nobody
    ever was."""
    times = motion.timestamps
    seen = times[(motion.keypoints2d[..., 2] > 0).any(-1) & (motion.confidence > _DOUBTED)]
    if len(seen) == 0:
        return np.zeros(len(motion))
    after = np.searchsorted(seen, times).clip(0, len(seen) - 1)
    return np.minimum(np.abs(seen[after] - times), np.abs(seen[(after - 1).clip(0)] - times))
