"""`hmr-video render`: the overlay video, of a video or of a finished result."""

import json
from pathlib import Path
from typing import Annotated

import typer

from hmr_video.cli import options as shared
from hmr_video.console import Reporter
from hmr_video.errors import UsageError
from hmr_video.files import refuse_existing

# Options that say how a video is converted; a finished result is drawn as it is.
_CONVERTING = (
    "people",
    "refine",
    "height",
    "focal",
    "world",
    "body",
    "weights",
    "detector",
    "tracker",
    "engine",
    "device",
    "every",
)


def render(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="A video, or a folder made by `convert`.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The MP4 to write, or the PNG of a photograph.",
            show_default="overlay.mp4 or .png in the result's folder",
        ),
    ] = None,
    side_by_side: Annotated[bool, typer.Option("--side-by-side", help="Beside it, show the people from the side.")] = False,
    renderer: Annotated[str, typer.Option(help="auto, pyrender (OpenGL) or software.")] = "auto",
    video: Annotated[Path | None, typer.Option(help="The video of a finished result, if it has moved since.")] = None,
    people: shared.People = "all",
    refine: shared.Refine = True,
    height: shared.Height = None,
    focal: shared.Focal = None,
    world: shared.World = False,
    body: shared.Body = "open",
    weights: shared.Weights = "default",
    detector: shared.Detector = "yolo11n-pose",
    tracker: shared.Tracker = "bytetrack",
    landmarks: shared.Landmarks = "auto",
    engine: shared.Engine = "auto",
    device: shared.Device = "auto",
    start: shared.Start = 0.0,
    end: shared.End = None,
    every: shared.Every = 1,
    overwrite: shared.Overwrite = False,
    as_json: shared.Json = False,
    quiet: shared.Quiet = False,
) -> None:
    """Draw the bodies on the footage. A video is converted first; of a finished result nothing is computed again."""
    shared.must_exist(source)
    from hmr_video.export import ExportOptions
    from hmr_video.export.overlay import check_one_frame, check_target, overlay_name, source_video, write_overlay
    from hmr_video.export.render import choose_renderer
    from hmr_video.export.results import body_of, read_result

    reporter = Reporter(quiet=quiet)
    if output is not None:
        check_target(output)
    drawer = choose_renderer(renderer, reporter)
    if _is_result(source):
        _refuse_converting(context)
        motions, known, part = read_result(source)
        part |= {name: context.params[name] for name in ("start", "end") if shared.spelled_out(context, [name])}
        used = body_of(motions)
        folder, footage = source if source.is_dir() else source.parent, source_video(video or known)
    else:
        from hmr_video.pipeline import run
        from hmr_video.results import check_output, result_folder, write_result
        from hmr_video.video import open_video

        settings = shared.conversion(context)
        folder, footage = result_folder(source, Path("hmr-out")), source
        if output is None:
            check_output(folder, overwrite)
        else:
            refuse_existing(output, overwrite)
            if output.suffix.lower() == ".png":
                check_one_frame(open_video(source, Reporter(quiet=True), start, end, every).info.frame_count)
        found = run(source, settings, reporter)
        motions, used = found.motions, found.models.body
        if output is None:
            write_result(found, source, folder, settings, [], reporter, overwrite, video=source)
        part = {"start": start, "end": end, "every": every}
    target = output or folder / overlay_name(footage)
    options = ExportOptions(overwrite, reporter=reporter, **part)
    write_overlay(motions, used, footage, target, drawer, options, side_by_side)
    reporter.say(f"written to [bold]{target}[/bold]")
    if as_json:
        typer.echo(json.dumps({"output": str(target), "renderer": drawer.name, "people": len(motions)}))


def _refuse_converting(context: typer.Context) -> None:
    """Raises UsageError when a finished result is to be drawn otherwise than it was converted."""
    given = shared.spelled_out(context, _CONVERTING)
    if given:
        raise UsageError(f"{', '.join(given)}: a finished result is not computed again.", "Convert the video with it.")


def _is_result(source: Path) -> bool:
    """Whether this is what `convert` wrote: a folder with a person in it, or one person's NPZ."""
    return source.suffix == ".npz" or (source.is_dir() and any(source.glob("person_[0-9]*.npz")))
