"""Options that several commands share, and how they become the pipeline's."""

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmr_video.device import check_device
from hmr_video.errors import InputError, OutputError, UsageError

if TYPE_CHECKING:
    from hmr_video.console import Reporter
    from hmr_video.options import Options

Output = Annotated[
    Path, typer.Option("--output", "-o", help="Folder for the results; each input gets a folder of its own in it.")
]
Format = Annotated[
    list[str] | None,
    typer.Option(
        "--format",
        "-f",
        metavar="NAMES",
        help="Also write obj, ply, glb, bvh, amass, csv, overlay, html, sheet. Commas or repeats.",
    ),
]
People = Annotated[str, typer.Option(help="Whom to keep: all, largest, or how many of the largest.")]
Detector = Annotated[
    str,
    typer.Option(callback=os.path.expanduser, help="YOLO pose weights by name or path; yolo11x-pose finds more and is slower."),
]
Landmarks = Annotated[
    str,
    typer.Option(
        callback=os.path.expanduser,
        help="What looks closely at each person: auto, blazepose, blazepose-full, rtmpose, none, or a .tflite or .onnx file.",
    ),
]
Tracker = Annotated[str, typer.Option(help="bytetrack, or botsort for a camera that zooms or rolls.")]
Engine = Annotated[str, typer.Option("--detector-engine", help="What runs the detector: auto, openvino or torch.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1 (the second GPU) or mps.")]
Weights = Annotated[str, typer.Option(callback=os.path.expanduser, help="Weights of the model: a name or a path.")]
Features = Annotated[str, typer.Option(help="keypoints or resnet50, to insist on it; auto is what the weights read.")]
Body = Annotated[str, typer.Option(callback=os.path.expanduser, help="open, or a body that you have added.")]
Focal = Annotated[
    float | None, typer.Option(help="Focal length in pixels.", show_default="the file's own, else the image diagonal")
]
Height = Annotated[float | None, typer.Option(help="The person's height in metres, which fixes the scale.")]
Refine = Annotated[bool, typer.Option(help="Fit the result to the 2D evidence.")]
World = Annotated[bool, typer.Option("--world", help="Level the result: y up, feet that stand on the floor at y = 0.")]
Start = Annotated[float, typer.Option(help="Begin at this second of the video.")]
End = Annotated[float | None, typer.Option(help="End at this second of the video.")]
Every = Annotated[int, typer.Option(help="Use every n-th frame.")]
FrameRate = Annotated[float | None, typer.Option(help="Frames per second, in place of what inputs state or do not.")]
ImageSize = Annotated[str | None, typer.Option(help="WIDTHxHEIGHT in pixels, of keypoint files that state none.")]
Up = Annotated[
    str | None,
    typer.Option(help="What points up in NPZ files of motion: y, z, or auto: along it most people stand.", show_default="auto"),
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace results that exist.")]
Json = Annotated[bool, typer.Option("--json", help="Print one machine-readable object on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]

_FILES = "3gp abc avi dae fbx gif gltf jpeg jpg json m4v mkv mov mp4 npz obj pkl png stl usd usda usdc usdz webm zip"


def conversion(context: typer.Context, elsewhere: bool = False) -> "Options":
    """The pipeline's options from a command's parameters, which bear the names of its fields. Raises UsageError.

    ``elsewhere``: other machines compute, so the device need not be in this one.
    """
    from hmr_video.options import Options, options_from
    from hmr_video.people import PeopleOptions

    names = Options.__dataclass_fields__.keys() | PeopleOptions.__dataclass_fields__.keys()
    values = {name: value for name, value in context.params.items() if name in names}
    if "image_size" in values:
        values["image_size"] = parse_size(values["image_size"])
    options = options_from(values)
    if not elsewhere:
        check_device(options.people.device)
    return options


def spelled_out(context: typer.Context, names: Iterable[str]) -> list[str]:
    """Of these parameters of a command the options that its user gave, as they are written: ``--every``."""
    options = {parameter.name: parameter.opts[0] for parameter in context.command.params}
    sources = {name: context.get_parameter_source(name) for name in names}
    return [options[name] for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]


def with_known_landmarks(settings: "Options", reporter: "Reporter", fetch: bool = True) -> "Options":
    """The options with the landmark network that ``auto`` means, so that all workers use the same. Without ``fetch`` none is
    fetched: as long as there is none, nothing can have been made with it. Raises AssetError, UsageError."""
    from hmr_video.people.keypoints.choice import NONE, settled, stored_choice

    wanted = settings.people.landmarks
    unknown = wanted == "auto" and not fetch and stored_choice() is None
    return replace(settings, people=replace(settings.people, landmarks=NONE if unknown else settled(wanted, reporter)))


def split_formats(values: list[str] | None) -> list[str]:
    """``["GLB, .bvh", "obj"]`` -> ``["glb", "bvh", "obj"]``."""
    names = [name.strip().removeprefix(".").lower() for value in values or [] for name in value.split(",")]
    return [name for name in names if name]


def check_folder(output: Path) -> None:
    """Raises OutputError where the folder for results is a file, UsageError where its name is a file's."""
    from hmr_video.export.registry import FORMATS

    if output.exists() and not output.is_dir():
        raise OutputError(f"{output} is a file.", "-o names a folder: choose another.")
    kind = output.suffix.lower().removeprefix(".")
    if kind in (*FORMATS, *_FILES.split()) and not output.is_dir():
        remedy = (
            f"Name a folder, and add --format {kind}." if kind in FORMATS else "Name a folder; --format says what is written."
        )
        raise UsageError(f"{output} is the name of a file, and -o names a folder.", remedy)


def must_exist(*paths: Path | None) -> None:
    """Raises InputError for the first that is given and is not there: before anything that takes long to load."""
    for path in paths:
        if path is not None and not path.exists():
            raise InputError(f"{path} does not exist.", "Check the path.")


def parse_size(value: str | None) -> tuple[int, int] | None:
    """``1280x720`` -> (1280, 720). Raises UsageError."""
    if value is None:
        return None
    width, _, height = value.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) > 0 and int(height) > 0):
        raise UsageError(f"{value} is no image size.", "Write it as 1280x720.")
    return int(width), int(height)
