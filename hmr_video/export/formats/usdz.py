"""USDZ: what `usd` writes, packed into one file for AR Quick Look and others."""

from pathlib import Path
from typing import TYPE_CHECKING

from hmr_video.export.formats.usd import write_as
from hmr_video.export.registry import ExportOptions
from hmr_video.motion import Motion

if TYPE_CHECKING:
    from hmr_video.body import Body


def write(motions: list[Motion], body: "Body", folder: Path, options: ExportOptions) -> list[Path]:
    """One file per person, and one of all."""
    return write_as(".usdz", motions, body, folder, options)
