"""What a photograph lets us guess: past, present and future side by side, and as a loop that plays them to and fro."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from hmr_video.body import Body
from hmr_video.export.overlay import Painter
from hmr_video.export.render import Renderer
from hmr_video.files import replacing
from hmr_video.geometry.rotations import axis_angle_to_matrix, matrix_to_axis_angle, slerp
from hmr_video.motion import Array, Motion
from hmr_video.video import Chunk

LONGEST_SIDE = 720  # pixels of what is drawn of the photograph
_SURROUNDINGS = 0.6  # of the people's height or width that is shown around them
_FADED = 0.65  # of the photograph's contrast that is lost where the people on it have moved away
_CAPTIONS = ("1/6 s before", "the photograph", "1/6 s after")
_LOOP_FRAMES, _MILLISECONDS = 30, 60  # the loop plays its third of a second in slow motion, there and back
_GAP = 8


def write_hallucination(motions: Sequence[Motion], body: Body, photo: Array, folder: Path, renderer: Renderer) -> list[Path]:
    """Writes ``past_present_future.png`` and ``loop.gif`` of the people of a photograph (H, W, 3). Raises OutputError.

    motions: results of one frame, each with its past and future.
    """
    picture, loop = folder / "past_present_future.png", folder / "loop.gif"
    photo, motions = _closer(photo, motions)
    faded = (255 * _FADED + photo * (1 - _FADED)).astype(np.uint8)
    panels: list[Any] = []
    for phase, ground in ((-1.0, faded), (0.0, photo), (1.0, faded)):
        panels += _draw(motions, body, ground, renderer, np.array([phase]))
    with replacing(picture) as temporary:
        _side_by_side(panels).save(temporary)
    phases = -np.cos(2 * np.pi * np.arange(_LOOP_FRAMES) / _LOOP_FRAMES)
    first, *others = (panel.quantize(128) for panel in _draw(motions, body, faded, renderer, phases))
    with replacing(loop) as temporary:
        first.save(temporary, save_all=True, append_images=others, duration=_MILLISECONDS, loop=0)
    return [picture, loop]


def between(motion: Motion, phases: Array) -> Array:
    """Poses (N, 72) of a result of one frame at ``phases`` (N,): -1 its past, 0 the present, 1 its future, slerp between."""
    past, present, future = (
        axis_angle_to_matrix(torch.as_tensor(pose).float().reshape(24, 3))
        for pose in (motion.poses_past, motion.poses, motion.poses_future)
    )
    moments = torch.as_tensor(phases).float()
    other = torch.where((moments < 0)[:, None, None, None], past, future)
    turned = slerp(present.expand_as(other), other, moments.abs()[:, None].expand(-1, 24))
    return matrix_to_axis_angle(turned).flatten(1).numpy()


def _closer(photo: Array, motions: Sequence[Motion]) -> tuple[Array, list[Motion]]:
    """The part of the photograph around its people, scaled to ``LONGEST_SIDE`` at most, and the people in its camera."""
    height, width = photo.shape[:2]
    boxes = np.concatenate([motion.boxes for motion in motions])
    low, high = boxes[:, :2].min(0), boxes[:, 2:].max(0)
    around = _SURROUNDINGS * (high - low).max()
    left, top = np.clip(np.floor(low - around), 0, [width - 2, height - 2]).astype(int)
    right, bottom = np.clip(np.ceil(high + around), [left + 2, top + 2], [width, height]).astype(int)
    scale = min(1.0, LONGEST_SIDE / max(right - left, bottom - top))
    size = (max(2, round((right - left) * scale)), max(2, round((bottom - top) * scale)))
    part = np.asarray(Image.fromarray(photo[top:bottom, left:right]).resize(size, Image.Resampling.LANCZOS))
    to_part = np.array([[scale, 0, -scale * left], [0, scale, -scale * top], [0, 0, 1]])
    return part, [motion.replace(camera_matrix=to_part @ motion.camera_matrix) for motion in motions]


def _draw(motions: Sequence[Motion], body: Body, photo: Array, renderer: Renderer, phases: Array) -> list[Any]:
    """The photograph with its people at each of the phases, as PIL images."""
    painter = Painter([_played(motion, phases) for motion in motions], body, renderer)
    count = len(phases)
    chunk = Chunk(np.broadcast_to(photo, (count, *photo.shape)), np.arange(count), np.arange(count) / 30)
    return [Image.fromarray(painter.draw(shot)) for shot in painter.shots(chunk)]


def _played(motion: Motion, phases: Array) -> Motion:
    """A result of one frame as one of N."""
    frames = np.arange(len(phases))
    return motion.rows(np.zeros_like(frames)).replace(poses=between(motion, phases), frame_ids=frames)


def _side_by_side(panels: Sequence[Any]) -> Any:
    """Three captioned panels on one PIL image."""
    width, height = panels[0].size
    sheet = Image.new("RGB", (3 * width + 4 * _GAP, height + 5 * _GAP), (250, 250, 248))
    pen = ImageDraw.Draw(sheet)
    for place, (panel, caption) in enumerate(zip(panels, _CAPTIONS, strict=True)):
        left = _GAP + place * (width + _GAP)
        sheet.paste(panel, (left, _GAP))
        pen.text((left + width / 2, height + 3 * _GAP), caption, (30, 30, 34), ImageFont.load_default(18), anchor="mm")
    return sheet
