"""`overlay.mp4`: the shaded bodies on the footage, with its sound; of a photograph `overlay.png`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch

from hmr_video.errors import InputError, UsageError
from hmr_video.export.palette import person_color
from hmr_video.export.registry import ExportOptions
from hmr_video.export.render import Mesh, Renderer, choose_renderer
from hmr_video.export.stage import SideView, Tags
from hmr_video.files import replacing
from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.motion import Array, Motion
from hmr_video.video import Chunk, VideoReader, VideoWriter, ahead, open_video
from hmr_video.video.animations import is_animated
from hmr_video.video.kinds import PHOTOGRAPHS

if TYPE_CHECKING:
    from hmr_video.body import Body

_ENDINGS = (".mp4", ".png")
_CHUNK = 16  # frames decoded, skinned and drawn at a time
# Seconds from where a person was last seen, or will be seen again, and how solid the body is drawn there: what lies between is
# made up.
_FADE, _SOLID = (0.05, 0.2), (1.0, 0.35)
_DOUBTED = 0.2  # confidence below which a frame shows nothing of a person, whatever was detected


def write(motions: list[Motion], body: "Body", folder: Path, options: ExportOptions) -> list[Path]:
    """The overlay, with the renderer that works here. Raises InputError when the video is not known or does not fit."""
    renderer = choose_renderer("auto", options.reporter)
    video = source_video(options.video)
    return [write_overlay(motions, body, video, folder / overlay_name(video), renderer, options)]


def write_overlay(
    motions: Sequence[Motion],
    body: "Body",
    video: Path,
    target: Path,
    renderer: Renderer,
    options: ExportOptions,
    side_by_side: bool = False,
) -> Path:
    """Draws the people of a result, person 1 first, onto every frame of their ``video`` and writes it to ``target``.

    An MP4 is in H.264; a PNG shows the one frame of a photograph.

    Times are those of the source; its first sound track is kept, unless the pictures go by another rate. ``side_by_side`` doubles
    the width with a view from the left. Raises InputError, OutputError and UsageError.
    """
    check_target(target)
    reader = open_source(motions, video, options)
    width, height = reader.info.width, reader.info.height
    painter = Painter(motions, body, renderer)
    side = SideView(motions, (width, height)) if side_by_side else None
    if target.suffix.lower() == ".png":
        return _write_picture(target, _drawn(painter, side, reader), reader.info.frame_count, options.overwrite)
    sound = video if options.source_rate is None else None
    size = (width * (1 + side_by_side), height)
    writer = VideoWriter(target, reader.info.frame_rate, size, audio_from=sound, overwrite=options.overwrite)
    with writer, options.reporter.progress("Rendering", reader.info.frame_count) as advance:
        for drawn, time in ahead(_drawn(painter, side, reader), _CHUNK):
            writer.write(drawn, time)
            advance(1)
    return target


def overlay_name(video: Path) -> str:
    """A photograph's overlay is a picture, any other a video."""
    return "overlay.png" if video.suffix.lower() in PHOTOGRAPHS and not is_animated(video) else "overlay.mp4"


def check_target(target: Path) -> None:
    """Raises UsageError for a file that is neither an MP4 nor a PNG by its name."""
    if target.suffix.lower() not in _ENDINGS:
        raise UsageError(f"An overlay cannot be written as {target.name}.", "End the name in .mp4, or .png for a photograph.")


def check_one_frame(count: int | None) -> None:
    """Raises UsageError when a video is to become a picture."""
    if count != 1:
        raise UsageError("A PNG holds one frame, and this is a video.", "End the name in .mp4, or choose one frame by --end.")


def _write_picture(target: Path, drawn: Iterator[tuple[Array, float]], count: int | None, overwrite: bool) -> Path:
    from PIL import Image

    check_one_frame(count)
    picture, _ = next(drawn)
    with replacing(target, overwrite) as temporary:
        Image.fromarray(picture).save(temporary, "PNG")
    return target


def _drawn(painter: "Painter", side: SideView | None, reader: VideoReader) -> Iterator[tuple[Array, float]]:
    for chunk in ahead(reader.chunks(_CHUNK)):
        for shot in painter.shots(chunk):
            drawn = painter.draw(shot)
            if side is not None:
                drawn = np.concatenate([drawn, side.draw(painter.renderer, shot.people)], 1)
            yield drawn, shot.time


def source_video(video: Path | None) -> Path:
    """The video to draw on. Raises InputError when there is none."""
    if video is None:
        raise InputError("The video that this result was made from is not there.", "Name it with --video.")
    return video


def open_source(motions: Sequence[Motion], video: Path, options: ExportOptions) -> VideoReader:
    """The video, with frames numbered and timed as in the result. Raises InputError if it is another."""
    every = options.every
    if every is None:
        whole = open_video(video, options.reporter, frame_rate=options.source_rate)
        every = max(1, round(whole.info.frame_rate / motions[0].frame_rate))
    reader = open_video(video, options.reporter, options.start, options.end, every, options.source_rate)
    size = tuple(int(length) for length in motions[0].image_size)
    if size != (reader.info.width, reader.info.height):
        raise InputError(
            f"{video} has {reader.info.width} x {reader.info.height} pixels, the result {size[0]} x {size[1]}.",
            "Name the video that the result was made from with --video.",
        )
    return reader


class Shot(NamedTuple):
    """A frame to draw: its picture (H, W, 3), the people in it by index, in camera space, how solid each is, its time (s)."""

    image: Array
    people: dict[int, Mesh]
    solid: dict[int, float]
    time: float


class Painter:
    """Draws the people of one result onto frames of their video."""

    def __init__(self, motions: Sequence[Motion], body: "Body", renderer: Renderer) -> None:
        self.renderer = renderer
        self._motions, self._body = list(motions), body
        self._faces = np.asarray(body.faces)
        self._solid = [np.interp(unseen_seconds(motion), _FADE, _SOLID) for motion in motions]
        self._tags = Tags(len(motions), int(motions[0].image_size[1]))

    def shots(self, chunk: Chunk) -> Iterator[Shot]:
        """The frames of a chunk, and who is in them."""
        posed = [self._pose(motion, chunk.frame_ids) for motion in self._motions]
        for position, frame_id in enumerate(chunk.frame_ids):
            present = [index for index, vertices in enumerate(posed) if frame_id in vertices]
            people = {index: Mesh(posed[index][frame_id], self._faces, np.array(person_color(index)) / 255) for index in present}
            solid = {index: float(self._solid[index][frame_id - self._motions[index].frame_ids[0]]) for index in present}
            yield Shot(chunk.frames[position], people, solid, float(chunk.timestamps[position]))

    def draw(self, shot: Shot) -> Array:
        """The picture with the people and their numbers. Who was not seen for a while is faint."""
        camera, people = self._motions[0].camera_matrix, shot.people
        seen = [mesh for index, mesh in people.items() if shot.solid[index] == 1]
        plain = self.renderer.draw(shot.image, seen, camera)
        drawn = plain
        for index, mesh in people.items():
            if shot.solid[index] < 1:
                change = self.renderer.draw(shot.image, [*seen, mesh], camera).astype(np.float32) - plain
                drawn = (drawn + shot.solid[index] * change).round().clip(0, 255).astype(np.uint8)
        for index, mesh in people.items():
            self._tags.draw(drawn, index, mesh, camera)
        return drawn

    def _pose(self, motion: Motion, frame_ids: Array) -> dict[int, Array]:
        """The vertices (V, 3) of one person by frame number, of those frames that show them."""
        first = int(motion.frame_ids[0])
        shown = [int(frame) for frame in frame_ids if 0 <= frame - first < len(motion)]
        if not shown:
            return {}
        rows = np.array(shown) - first
        rotations = axis_angle_to_matrix(torch.as_tensor(motion.poses[rows]).float().reshape(-1, 24, 3))
        betas = torch.as_tensor(motion.betas).float().expand(len(rows), 10)
        with torch.inference_mode():
            vertices, _ = self._body.vertices(rotations, betas)
        return dict(zip(shown, vertices.numpy() + motion.trans[rows, None], strict=True))


def unseen_seconds(motion: Motion) -> Array:
    """(T,) how far each frame is from the nearest one in which the person was seen, detected where the body is; 0 where nobody
    ever was."""
    times = motion.timestamps
    seen = times[(motion.keypoints2d[..., 2] > 0).any(-1) & (motion.confidence > _DOUBTED)]
    if len(seen) == 0:
        return np.zeros(len(motion))
    after = np.searchsorted(seen, times).clip(0, len(seen) - 1)
    return np.minimum(np.abs(seen[after] - times), np.abs(seen[(after - 1).clip(0)] - times))
