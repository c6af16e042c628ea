"""The formats by name, and the one function that writes them."""

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from hmr_video.console import Reporter
from hmr_video.errors import InputError, UsageError, missing_extra
from hmr_video.files import refuse_existing, replacing

if TYPE_CHECKING:
    from hmr_video.body import Body
    from hmr_video.motion import Motion


def _need_usd() -> None:
    """Raises UsageError where usd-core is not installed."""
    if find_spec("pxr") is None:
        raise missing_extra("usd", "USD")


def _need_blender() -> None:
    """Raises UsageError where Blender is not installed."""
    from hmr_video.export.formats.blender import find_blender

    find_blender()


class Format(NamedTuple):
    """A format of results.

    Attributes:
        writer: a function below `hmr_video.export`, of motions, their body, :class:`NewFiles` and :class:`ExportOptions`. Its
            module is imported when first used: some bring heavy libraries along.
        files: the files and folders that it makes; ``{}`` stands for a person's name, and ``{drawn}`` for the ending of what is
            drawn on the source.
        meshes: it has a mesh a frame; all such formats asked for are written at once, by their names.
        bones: it has a rig.
        together: it has a file of all people, too.
        on_footage: its frames are the footage's.
        of_video: it shows the footage, and is nothing without.
        check: raises UsageError where a package or program that it cannot do without is not here.
    """

    writer: str
    files: tuple[str, ...]
    meshes: bool = False
    bones: bool = False
    together: bool = False
    on_footage: bool = False
    of_video: bool = False
    check: Callable[[], object] | None = None


FORMATS = {
    "obj": Format("formats.meshes.write", ("{}_obj",), meshes=True),  # a Wavefront mesh per frame
    "ply": Format("formats.meshes.write", ("{}_ply",), meshes=True),  # a binary PLY mesh per frame, with colours
    "glb": Format("formats.glb.write", ("{}.glb",), bones=True, together=True),  # skinned, animated glTF
    "bvh": Format("formats.bvh.write", ("{}.bvh",), bones=True),  # skeleton animation for retargeting
    "fbx": Format(
        "formats.fbx.write", ("{}.fbx",), bones=True, together=True, check=_need_blender
    ),  # the same as GLB, by Blender
    "usd": Format("formats.usd.write", ("{}.usd",), bones=True, together=True, check=_need_usd),  # UsdSkel, and the camera
    "usdz": Format("formats.usd.write_usdz", ("{}.usdz",), bones=True, together=True, check=_need_usd),  # the same, for AR
    "amass": Format("formats.amass.write", ("amass/{}_amass.npz",)),  # SMPL-H poses in the layout of AMASS
    "trc": Format("formats.trc.write", ("{}.trc", "{}.mot")),  # OpenSim's markers and coordinates
    "csv": Format("formats.tables.write", ("{}.csv",)),  # joint positions and anatomical angles
    "html": Format("webpage.write", ("view.html",), on_footage=True),  # a page that plays the people in 3D beside the video
    "overlay": Format("overlay.write", ("overlay{drawn}",), on_footage=True, of_video=True),  # the bodies drawn on the video
    "sheet": Format("sheet.write", ("sheet.png",), on_footage=True, of_video=True),  # eight frames, and each person's quality
}
_GLB = "Blender, Unreal, Godot and Unity (with glTFast) open glb."
_PICTURES = "overlay writes a video of the bodies on the footage, of a photograph a picture."
# What people ask for that is not written -> what serves them.
_INSTEAD = {
    **dict.fromkeys(("gltf", "dae", "abc", "blend"), _GLB),
    **dict.fromkeys(("usda", "usdc"), "usd is USD in its binary form."),
    "stl": "MeshLab, Blender and slicers open ply and obj.",
    **dict.fromkeys(("mp4", "video", "png", "jpg", "gif"), _PICTURES),
    **dict.fromkeys(("npz", "json"), "NPZ and summary.json are always written."),
    "mot": "trc writes both of OpenSim's files.",
    **dict.fromkeys(("pkl", "smpl", "smplh"), "amass is the layout that SMPL tools read."),
    **dict.fromkeys(("c3d", "xlsx"), "csv holds joint positions and angles, trc markers."),
}
OF_VIDEO = frozenset(name for name, one in FORMATS.items() if one.of_video)
ON_FOOTAGE = frozenset(name for name, one in FORMATS.items() if one.on_footage)
WITH_BONES = frozenset(name for name, one in FORMATS.items() if one.bones)


@dataclass(frozen=True)
class ExportOptions:
    """What a writer may want to know besides the motions and their body.

    Attributes:
        overwrite: replace files that exist.
        video: the source, for the formats that show it; None where there was none.
        start, end: the seconds of it that were converted; the rest is not shown.
        every: that only every n-th frame was used; None finds out by the frame rates.
        source_rate: a rate that was taken in place of the source's own.
        frame_rate: resample the motion to this rate, for all formats but those that show the footage; None keeps the source's
            frames, where a format has one rate only if they are evenly spaced.
        rig: whose names and rest pose the bones have (`rigs.names.RIGS`), in formats with bones.
        root_motion: a bone on the ground takes the way and the heading of the hips.
        reduce: keep only keys without which something would be off by more than so many millimetres; in GLB, whose bones have
            keys of their own.
        loop: cut everybody to the part that repeats itself, closed.
        reporter: where progress and notes go.
    """

    overwrite: bool = False
    video: Path | None = None
    start: float = 0.0
    end: float | None = None
    every: int | None = None
    source_rate: float | None = None
    frame_rate: float | None = None
    rig: str = "smpl"
    root_motion: bool = False
    reduce: float | None = None
    loop: bool = False
    reporter: Reporter = field(default_factory=lambda: Reporter(quiet=True))

    @property
    def footage(self) -> Path:
        """The video to draw on. Raises InputError where there is none."""
        if self.video is None:
            raise InputError("The video that this result was made from is not there.", "Name it with --video.")
        return self.video


class NewFiles:
    """What an export writes into ``folder``: every file and folder is there whole or not at all.

    Attributes:
        made: their paths, in the order in which they were begun.
    """

    def __init__(self, folder: Path, overwrite: bool) -> None:
        self.made: list[Path] = []
        self._folder, self._overwrite = folder, overwrite

    def new(self, name: str) -> AbstractContextManager[Path]:
        """Where to write what will be called ``name`` when all went well; see `files.replacing`. Raises OutputError."""
        return replacing(self.named(name), self._overwrite)

    def named(self, name: str) -> Path:
        """The path itself, for who writes it whole or not at all."""
        self.made.append(self._folder / name)
        return self.made[-1]


def check_formats(names: Iterable[str]) -> list[str]:
    """The names in order and once each.

    Raises:
        UsageError: for a name that is no format, or lacks what writes it; the remedy tells what serves instead.
    """
    wanted = list(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in FORMATS]
    if unknown:
        instead = [_INSTEAD[name] for name in unknown if name in _INSTEAD]
        remedy = " ".join(dict.fromkeys([*instead, f"Choose from {', '.join(FORMATS)}."]))
        raise UsageError(f"There is no format called {', '.join(unknown)}.", remedy)
    for name in wanted:
        if (check := FORMATS[name].check) is not None:
            check()
    return wanted


def export(
    motions: Sequence["Motion"], body: "Body", folder: Path, formats: Iterable[str], options: ExportOptions | None = None
) -> list[Path]:
    """Writes people in the formats asked for.

    Args:
        motions: the people of one source, person 1 first, in camera space or with ``world_from_camera``.
        body: the body that they were fitted with; see `hmr_video.body.load_body`.
        folder: where to write. It must exist.
        formats: names, keys of ``FORMATS``.
        options: what writers may want to know beside that.

    Returns:
        The files and folders made. Their coordinates are metres, y up, right-handed; of AMASS z up.

    Raises:
        UsageError: for an unknown format.
        OutputError: when something exists or cannot be written.
    """
    options = options or ExportOptions()
    wanted = check_formats(formats)
    check_options(wanted, options)
    refuse_written(folder, len(motions), wanted, options)
    changed = _as_asked(motions, body, options)
    files = NewFiles(folder, options.overwrite)
    if meshes := [name for name in wanted if FORMATS[name].meshes]:
        _writer(meshes[0])(changed, body, files, options, meshes)
    for name in wanted:
        if name not in meshes:
            _writer(name)(list(motions) if FORMATS[name].on_footage else changed, body, files, options)
    return files.made


def _writer(name: str) -> Callable[..., None]:
    """The function that writes a format."""
    module, _, function = FORMATS[name].writer.rpartition(".")
    writer: Callable[..., None] = getattr(import_module(f"hmr_video.export.{module}"), function)
    return writer


def _as_asked(motions: Sequence["Motion"], body: "Body", options: ExportOptions) -> list["Motion"]:
    """The motions for formats that do not show the footage: cut to a cycle, at the rate asked for."""
    changed = list(motions)
    if options.loop:
        from hmr_video.export.loop import looped

        changed = [looped(motion, body) for motion in motions]
        for index, cycle in enumerate(changed):
            span = f"{cycle.timestamps[0]:.2f} to {cycle.timestamps[-1]:.2f}"
            options.reporter.note(f"{person_name(index)} repeats best what is from second {span}.")
    if options.frame_rate is not None:
        from hmr_video.export.resample import resampled

        zero = min(motion.timestamps[0] for motion in changed)
        changed = [resampled(motion, options.frame_rate, zero) for motion in changed]
    return changed


def check_options(formats: Collection[str], options: ExportOptions) -> None:
    """Raises UsageError for a rig that is none, and for options that change nothing about the formats."""
    if options.rig != "smpl":
        from hmr_video.export.rigs.names import find_rig

        find_rig(options.rig)
    bones = f"Leave it out, or ask for --format {' or '.join(sorted(WITH_BONES))}."
    for option, given in (("--rig", options.rig != "smpl"), ("--root-motion", options.root_motion)):
        if given and not WITH_BONES.intersection(formats):
            raise UsageError(f"{option} changes formats with bones only.", bones)
    if options.reduce is not None and "glb" not in formats:
        raise UsageError("--reduce changes GLB only.", "Leave it out, or ask for --format glb.")
    for option, given in (("--loop", options.loop), ("--fps", options.frame_rate is not None)):
        if given and ON_FOOTAGE.issuperset(formats):
            raise UsageError(f"{option} changes nothing that shows the footage.", "Leave it out, or ask for another format.")


def refuse_written(folder: Path, people: int, formats: Collection[str], options: ExportOptions) -> None:
    """Raises OutputError when anything exists that would be written, before any of it is."""
    drawn = ending_of_drawn(options.video) if "overlay" in formats else ""
    for name in formats:
        stems = [stem for stem, who in casts(people) if len(who) == 1 or FORMATS[name].together]
        for file in {pattern.format(stem, drawn=drawn): None for pattern in FORMATS[name].files for stem in stems}:
            refuse_existing(folder / file, options.overwrite)


def ending_of_drawn(source: Path | None) -> str:
    """What is drawn on a photograph is a picture, on all else a video."""
    from hmr_video.video import is_photograph  # and numpy, which the help, which names the formats, does without

    return ".png" if source is not None and is_photograph(source) else ".mp4"


def check_drawing(target: Path, source: Path) -> None:
    """Raises UsageError where the file to draw into does not have the ending of what is written there."""
    ending = ending_of_drawn(source)
    if target.suffix.lower() != ending:
        drawn = "photograph, which is drawn on as a picture" if ending == ".png" else "video, which is drawn on as a video"
        raise UsageError(f"{target} cannot be written: {source} is a {drawn}.", f"Give a name that ends in {ending}.")


def casts(count: int) -> list[tuple[str, list[int]]]:
    """The files of a format that can hold several people: their names without ending, and who is in each.

    >>> casts(2)
    [('person_01', [0]), ('person_02', [1]), ('people', [0, 1])]
    """
    alone = [(person_name(index), [index]) for index in range(count)]
    return alone if count < 2 else [*alone, ("people", list(range(count)))]


def person_name(index: int) -> str:
    """The stem of a person's files: 0 -> ``person_01``."""
    return f"person_{index + 1:02d}"
