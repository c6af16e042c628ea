"""`hmr-video export`: other formats of a finished result, nothing recomputed."""

import json
from pathlib import Path
from typing import Annotated

import typer

from hmr_video.cli import options as shared
from hmr_video.errors import UsageError
from hmr_video.export.registry import FORMATS


def export(
    result: Annotated[Path, typer.Argument(help="A folder made by `convert`.")],
    formats: Annotated[
        list[str],
        typer.Option("--format", "-f", metavar="NAMES", help=f"{', '.join(FORMATS)}. Commas or repeats."),
    ],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to write into.", show_default="the result's own")
    ] = None,
    fps: Annotated[float | None, typer.Option(help="Resample BVH and AMASS to this frame rate.", min=1)] = None,
    video: Annotated[Path | None, typer.Option(help="The source video, if it has moved since.")] = None,
    overwrite: shared.Overwrite = False,
    as_json: shared.Json = False,
    quiet: shared.Quiet = False,
) -> None:
    """Write other formats of a finished result. Nothing is computed again."""
    from hmr_video.console import Reporter
    from hmr_video.export import ExportOptions, check_formats
    from hmr_video.export import export as write
    from hmr_video.export.registry import refuse_written
    from hmr_video.export.results import body_of, read_result

    if output is not None:
        shared.check_folder(output)
    wanted = check_formats(shared.split_formats(formats))
    if fps is not None and not {"bvh", "amass"} & set(wanted):
        raise UsageError("--fps changes BVH and AMASS only.", "Leave it out, or ask for --format bvh or amass.")
    motions, source, start, end, every, rate = read_result(result)
    reporter = Reporter(quiet=quiet)
    options = ExportOptions(overwrite, video or source, start, end, every, rate, fps, reporter)
    refuse_written(output or result, len(motions), wanted, options)  # before torch, for the body, is imported
    written = write(motions, body_of(motions), output or result, wanted, options)
    for path in written:
        reporter.say(str(path))
    if as_json:
        typer.echo(json.dumps({"written": [str(path) for path in written]}))
