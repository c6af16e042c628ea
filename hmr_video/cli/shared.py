"""Options that several commands share: those of a reconstruction from its own fields, and those of a command line."""

import functools
import inspect
import os
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_type_hints

import typer

from hmr_video.errors import InputError, OutputError, UsageError
from hmr_video.export.registry import FORMATS
from hmr_video.options import Options, PeopleOptions, option_fields, options_from

if TYPE_CHECKING:
    from hmr_video.console import Reporter

Output = Annotated[
    Path, typer.Option("--output", "-o", help="Folder for the results; each input gets a folder of its own in it.")
]
FORMAT_NAMES = f"{', '.join(FORMATS)}. Commas or repeats."
Format = Annotated[list[str] | None, typer.Option("--format", "-f", metavar="NAMES", help=f"Also write {FORMAT_NAMES}")]
Weights = Annotated[str, typer.Option(callback=os.path.expanduser, help="Weights of the model: a name or a path.")]
Device = Annotated[str, typer.Option(help=next(one for one in option_fields() if one.name == "device").metadata["help"])]
Up = Annotated[
    str | None,
    typer.Option(help="What points up in NPZ files of motion: y, z, or auto: along it most people stand.", show_default="auto"),
]
Rig = Annotated[str, typer.Option(help="Names and rest pose of the bones: smpl, mixamo, unity, unreal, vrm or rigify.")]
RootMotion = Annotated[bool, typer.Option("--root-motion", help="A bone on the ground takes the hips' way and heading.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace results that exist.")]
Json = Annotated[bool, typer.Option("--json", help="Print one machine-readable object on standard output.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
# Of commands that work through many videos.
Include = Annotated[
    list[str] | None,
    typer.Option(metavar="GLOB", help="Only what fits this glob, such as 'day1/*.mp4'. Repeats.", show_default="all videos"),
]
Exclude = Annotated[list[str] | None, typer.Option(metavar="GLOB", help="Nothing that fits this glob. Repeats.")]
Workers = Annotated[int | None, typer.Option(help="Videos at a time.", min=1, show_default="one per GPU or per four processors")]
Timeout = Annotated[float | None, typer.Option(help="Give up a video after this many seconds.", min=0.1)]
RetryFailed = Annotated[bool, typer.Option("--retry-failed", help="Do again what failed in an earlier run.")]
Log = Annotated[Path | None, typer.Option(help="Append what happens to this file, as JSON lines.")]

_FILES = "3gp abc avi dae fbx gif gltf jpeg jpg json m4v mkv mov mp4 npz obj pkl png stl usd usda usdc usdz webm zip"


def takes_options(only: Collection[str] = (), but: Collection[str] = ()) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Gives a command the options of a reconstruction (``only`` those named, or all ``but`` some) in the place of its parameter
    ``options``, which becomes the :class:`Options` that they say. Raises UsageError for values that mean nothing."""
    names = [one.name for one in option_fields() if (not only or one.name in only) and one.name not in but]

    def decorated(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def wrapped(**values: Any) -> Any:
            return command(options=options_from({name: values.pop(name) for name in names}), **values)

        own = inspect.signature(command).parameters
        parameters = [
            one.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            for name, parameter in own.items()
            for one in (_parameters(names) if name == "options" else [parameter])
        ]
        wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        wrapped.__annotations__ = {one.name: one.annotation for one in parameters}
        return wrapped

    return decorated


def _parameters(names: Collection[str]) -> list[inspect.Parameter]:
    hints = get_type_hints(Options) | get_type_hints(PeopleOptions)
    return [
        inspect.Parameter(
            one.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=one.default,
            annotation=_annotation(hints[one.name], **one.metadata),
        )
        for one in option_fields()
        if one.name in names
    ]


def _annotation(kind: Any, help: str, flag: str | None, unset: str | None, parse: Callable[[str], Any] | None) -> Any:
    named = [flag] if flag else []
    if parse is None:
        return Annotated[kind, typer.Option(*named, help=help, show_default=unset or True)]
    text = str | None if type(None) in get_args(kind) else str
    return Annotated[text, typer.Option(*named, help=help, parser=parse, metavar="<str>")]


def given_options(context: typer.Context, names: Collection[str] = ()) -> list[str]:
    """Of a command's options of a reconstruction (of those named, if any are) what its user gave, as written: ``--every``."""
    wanted = names or [one.name for one in option_fields()]
    written = {parameter.name: parameter.opts[0] for parameter in context.command.params if parameter.name in wanted}
    sources = {name: context.get_parameter_source(name) for name in written if name}
    return [written[name] for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]


def with_known_landmarks(settings: Options, reporter: "Reporter", fetch: bool = True) -> Options:
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
