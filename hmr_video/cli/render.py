"""`hmr-video render`: the overlay video, of a video or of a finished result."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmr_video.cli import shared
from hmr_video.console import Reporter
from hmr_video.errors import UsageError
from hmr_video.files import refuse_existing
from hmr_video.options import Options

if TYPE_CHECKING:
    from hmr_video.export.render import Renderer


@shared.takes_options(but=["silhouettes", "features", "frame_rate", "image_size"])
def render(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="A video, or a folder made by `convert`.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="The MP4 to write, of a photograph the PNG.",
            show_default="overlay.mp4 or .png in the result's folder",
        ),
    ] = None,
    side_by_side: Annotated[bool, typer.Option("--side-by-side", help="Beside it, show the people from the side.")] = False,
    renderer: Annotated[str, typer.Option(help="auto, pyrender (OpenGL) or software.")] = "auto",
    video: Annotated[Path | None, typer.Option(help="The video of a finished result, if it has moved since.")] = None,
    options: Options = Options(),  # noqa: B008
    overwrite: shared.Overwrite = False,
    as_json: shared.Json = False,
    quiet: shared.Quiet = False,
) -> None:
    """Draw the bodies on the footage. A video is converted first; of a finished result nothing is computed again."""
    reporter = Reporter(quiet=quiet)
    if _is_result(source):
        from hmr_video.export.saved_result import body_of, read_result, source_video

        _refuse_converting(context)
        motions, known, first, last, nth, rate = read_result(source)
        start = options.start if shared.given_options(context, ["start"]) else first
        end = options.end if shared.given_options(context, ["end"]) else last
        footage = source_video(video or known)
        target = _target(output, source, footage)
        refuse_existing(target, overwrite)
        used = body_of(motions)
        drawer = _renderer(renderer, reporter)
    else:
        from hmr_video.pipeline import run
        from hmr_video.results import check_output, result_folder, write_result

        if video is not None:
            raise UsageError("--video is for finished results.", "Leave it out.")
        start, end, nth, rate = options.start, options.end, options.every, None
        folder, footage = result_folder(source, Path("hmr-out"), reporter), source
        target = _target(output, folder, footage)
        if output is None:
            check_output(folder, overwrite)
        else:
            refuse_existing(output, overwrite)
        drawer = _renderer(renderer, reporter)
        found = run(source, options, reporter)
        motions, used = found.motions, found.models.body
        if output is None:
            write_result(found, source, folder, options, [], reporter, overwrite, video=source)
    from hmr_video.export.overlay import write_overlay

    write_overlay(motions, used, footage, target, drawer, reporter, side_by_side, overwrite, start, end, nth, rate)
    reporter.wrote(target)
    if as_json:
        typer.echo(json.dumps({"output": str(target), "renderer": drawer.name, "people": len(motions)}))


def _target(output: Path | None, folder: Path, footage: Path) -> Path:
    """The file to draw into. Raises UsageError where its ending is not that of what is drawn."""
    from hmr_video.export.registry import check_drawing, ending_of_drawn

    if output is None:
        return folder / f"overlay{ending_of_drawn(footage)}"
    check_drawing(output, footage)
    return output


def _renderer(name: str, reporter: Reporter) -> "Renderer":
    from hmr_video.export.render import choose_renderer

    return choose_renderer(name, reporter)


def _refuse_converting(context: typer.Context) -> None:
    """Raises UsageError when a finished result is to be drawn otherwise than it was converted."""
    given = set(shared.given_options(context)) - {"--start", "--end"}
    if given:
        raise UsageError(f"{', '.join(sorted(given))}: a finished result is not computed again.", "Convert the video with it.")


def _is_result(source: Path) -> bool:
    """Whether this is what `convert` wrote: a folder with a person in it, or one person's NPZ."""
    return source.suffix == ".npz" or (source.is_dir() and any(source.glob("person_[0-9]*.npz")))
