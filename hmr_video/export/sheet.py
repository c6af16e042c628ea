"""`sheet.png`: eight frames with the bodies on them, and under them how good each person's result is."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from hmr_video.body import Body
from hmr_video.export.overlay import Painter, open_source
from hmr_video.export.palette import person_color
from hmr_video.export.registry import ExportOptions, NewFiles
from hmr_video.export.render import choose_renderer
from hmr_video.motion import Array, Motion
from hmr_video.reconstruction.quality import assess
from hmr_video.video import Chunk, ahead

_ROWS, _COLUMNS = 2, 4
_TILE = 480  # pixels, the longer side of a frame on the sheet
_PAPER, _INK, _FAINT, _WARNING = (250, 250, 248), (30, 30, 34), (120, 120, 126), (178, 40, 30)
_LINE, _TEXT, _GAP = 30, 18, 8
# Heading, a person's number in `quality.assess`, and how it is written.
_TABLE = (
    ("frames", "frames", "{}"),
    ("filled in", "interpolated_frames", "{}"),
    ("confidence", "confidence", "{:.2f}"),
    ("2D residual", "residual_median", "{:.1%}"),
    ("90th percentile", "residual_90th_percentile", "{:.1%}"),
    ("acceleration", "joint_acceleration", "{:.1f} m/s^2"),
)


def write(motions: list[Motion], body: Body, files: NewFiles, options: ExportOptions) -> None:
    """One picture. Raises InputError when the video is not known or does not fit, and OutputError."""
    reader = open_source(motions, options)
    painter = Painter(motions, body, choose_renderer("auto", options.reporter))
    wanted = chosen_frames(motions, _ROWS * _COLUMNS)
    tiles = []
    with options.reporter.progress("Drawing the sheet", reader.info.frame_count) as advance:
        for chunk in ahead(reader.chunks(16)):
            rows = np.isin(chunk.frame_ids, wanted)
            few = Chunk(chunk.frames[rows], chunk.frame_ids[rows], chunk.timestamps[rows])
            for frame_id, shot in zip(few.frame_ids, painter.shots(few), strict=True):
                tiles.append(_tile(painter.draw(shot), f"frame {frame_id}, {shot.time:.2f} s"))
            advance(len(chunk))
    with files.new("sheet.png") as path:
        _sheet(tiles, motions).save(path)


def chosen_frames(motions: list[Motion], count: int) -> Array:
    """Up to ``count`` frame numbers, evenly spread over the frames that show anybody: from the middle of each of equal parts."""
    shown = np.unique(np.concatenate([motion.frame_ids for motion in motions]))
    return shown[np.unique(((np.arange(count) + 0.5) * len(shown) / count).astype(int))]


def _tile(drawn: Array, caption: str) -> Any:
    """A frame (H, W, 3) as a small captioned PIL image."""
    scale = _TILE / max(drawn.shape[:2])
    size = (max(1, round(drawn.shape[1] * scale)), max(1, round(drawn.shape[0] * scale)))
    tile = Image.fromarray(drawn).resize(size, Image.Resampling.LANCZOS)
    ImageDraw.Draw(tile).text(
        (8, size[1] - 8), caption, (255, 255, 255), ImageFont.load_default(14), anchor="ls", stroke_width=2, stroke_fill=(0, 0, 0)
    )
    return tile


def _sheet(tiles: Sequence[Any], motions: Sequence[Motion]) -> Any:
    """The tiles, and the table under them, as one PIL image."""
    width, height = tiles[0].size
    rows = -(-len(tiles) // _COLUMNS)
    columns = min(_COLUMNS, len(tiles))
    full = max(columns * (width + _GAP) + _GAP, 150 * (len(_TABLE) + 1))
    table_top = rows * (height + _GAP) + 2 * _GAP
    sheet = Image.new("RGB", (full, table_top + _LINE * (len(motions) + 1) + 2 * _GAP), _PAPER)
    for place, tile in enumerate(tiles):
        sheet.paste(tile, (_GAP + place % _COLUMNS * (width + _GAP), _GAP + place // _COLUMNS * (height + _GAP)))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(_TEXT)
    step = (full - 2 * _GAP) / (len(_TABLE) + 1)
    for column, (heading, _, _) in enumerate(_TABLE, 1):
        pen.text((_GAP + step * (column + 1), table_top), heading, _FAINT, font, anchor="ra")
    for row, motion in enumerate(motions):
        y, quality = table_top + _LINE * (row + 1), assess(motion)
        ink = _INK if quality["reliable"] else _WARNING
        pen.rounded_rectangle((2 * _GAP, y + 2, 2 * _GAP + 18, y + 20), 4, person_color(row))
        pen.text((2 * _GAP + 30, y), f"person {row + 1}" + ("" if quality["reliable"] else " (unreliable)"), ink, font)
        for column, (_, key, form) in enumerate(_TABLE, 1):
            text = "-" if quality[key] is None else form.format(quality[key])
            pen.text((_GAP + step * (column + 1), y), text, ink, font, anchor="ra")
    return sheet
