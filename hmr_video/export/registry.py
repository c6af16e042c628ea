"""The formats by name, and the one function that writes them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from hmr_video.console import Reporter
from hmr_video.errors import UsageError
from hmr_video.files import refuse_existing
from hmr_video.motion import Motion

if TYPE_CHECKING:
    from hmr_video.body import Body

# Name -> the module that writes it, what its files are called, and what it is.
# Each module has `write(motions, body, folder, options) -> list[Path]`.
# Modules are imported when first used: some bring heavy libraries along.
FORMATS: dict[str, tuple[str, str, str]] = {
    "obj": ("obj", "person_*_obj", "a Wavefront mesh per frame"),
    "ply": ("ply", "person_*_ply", "a binary PLY mesh per frame, with colours"),
    "glb": ("glb", "pe*.glb", "skinned, animated glTF for Blender, Unity, Unreal, Godot and the web"),
    "bvh": ("bvh", "person_*.bvh", "skeleton animation for retargeting"),
    "amass": ("amass", "amass/*_amass.npz", "SMPL-H poses in the layout of AMASS"),
    "csv": ("tables", "person_*.csv", "joint positions and anatomical angles"),
    "html": ("webpage", "view.html", "a page that plays the people in 3D beside the video"),
    "overlay": ("overlay", "overlay.*", "the bodies drawn on the video"),
    "sheet": ("sheet", "sheet.png", "eight frames on one picture, with the quality of each person"),
}
OF_VIDEO = frozenset({"overlay", "sheet"})  # those that show the footage, and are nothing without

_BY_BLENDER = "Blender opens glb and bvh, and saves"
_OTHERS = {
    "fbx": f"{_BY_BLENDER} FBX; Unreal, Unity, Maya and MotionBuilder open one of the two themselves.",
    "usd": f"{_BY_BLENDER} USD.",
    "abc": f"{_BY_BLENDER} Alembic.",
    "dae": f"{_BY_BLENDER} Collada.",
    "stl": "Write ply or obj.",
    "gltf": "glb is glTF in one file.",
    "npz": "The NPZ is always written.",
    "pkl": "The NPZ, which is always written, holds the same arrays.",
    "json": "summary.json is always written; csv holds numbers as text.",
    "mp4": "overlay is the video with the bodies drawn on it.",
    "png": "sheet is a picture of eight frames.",
    "video": "overlay is the video with the bodies drawn on it.",
}


@dataclass(frozen=True)
class ExportOptions:
    """What a writer may want to know besides the motions and their body.

    Attributes:
        overwrite: replace files that exist.
        video: the source, for the formats that show it; None where there was none.
        start, end: the seconds of it that were converted; the rest is not shown.
        every: that only every n-th frame was used; None finds out by the frame rates.
        source_rate: a rate that was taken in place of the source's own.
        frame_rate: resample to this rate (AMASS and BVH, which have no time per frame); None keeps the source's frames where
            they are evenly spaced.
        reporter: where progress and notes go.
    """

    overwrite: bool = False
    video: Path | None = None
    start: float = 0.0
    end: float | None = None
    every: int | None = None
    source_rate: float | None = None
    frame_rate: float | None = None
    reporter: Reporter = field(default_factory=lambda: Reporter(quiet=True))


def check_formats(names: Iterable[str]) -> list[str]:
    """The names in order and once each. Raises UsageError for one that is not a format."""
    wanted = list(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in FORMATS]
    if unknown:
        hints = [_OTHERS[name] for name in unknown if name in _OTHERS]
        remedy = " ".join([*hints, f"Choose from {', '.join(FORMATS)}."])
        raise UsageError(f"There is no format called {', '.join(unknown)}.", remedy)
    return wanted


def refuse_written(folder: Path, formats: Iterable[str], overwrite: bool) -> None:
    """Raises OutputError when one of the formats is there already: before anything that takes long."""
    for name in check_formats(formats):
        for path in sorted(folder.glob(FORMATS[name][1])):
            refuse_existing(path, overwrite)


def export(
    motions: Sequence[Motion], body: "Body", folder: Path, formats: Iterable[str], options: ExportOptions | None = None
) -> list[Path]:
    """Writes ``motions`` (person 1 first) into ``folder`` in each of ``formats``; returns the files and folders made.

    Raises UsageError for an unknown format and OutputError when something exists or cannot be written.
    """
    options, formats = options or ExportOptions(), list(formats)
    refuse_written(folder, formats, options.overwrite)
    written: list[Path] = []
    for name in check_formats(formats):
        module = import_module(f"hmr_video.export.{FORMATS[name][0]}")
        written += module.write(list(motions), body, folder, options)
    return written


def person_name(index: int) -> str:
    """The stem of a person's files: 0 -> ``person_01``."""
    return f"person_{index + 1:02d}"
