"""`hmr-video export`: other formats of a finished result, nothing recomputed."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from hmr_video.cli import shared


def export(
    result: Annotated[Path, typer.Argument(help="A folder made by `convert`.")],
    formats: Annotated[list[str], typer.Option("--format", "-f", metavar="NAMES", help=shared.FORMAT_NAMES)],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Folder to write into.", show_default="the result's own")
    ] = None,
    fps: Annotated[float | None, typer.Option(help="Resample to this frame rate.", min=1)] = None,
    rig: shared.Rig = "smpl",
    root_motion: shared.RootMotion = False,
    reduce: Annotated[
        float | None,
        typer.Option(help="Keep only the keys without which something would be off by so many millimetres: GLB.", min=0.01),
    ] = None,
    loop: Annotated[bool, typer.Option("--loop", help="Cut everybody to the part that repeats itself, and close it.")] = False,
    video: Annotated[Path | None, typer.Option(help="The source video, if it has moved since.")] = None,
    overwrite: shared.Overwrite = False,
    as_json: shared.Json = False,
    quiet: shared.Quiet = False,
) -> None:
    """Write other formats of a finished result. Nothing is computed again."""
    from hmr_video.console import Reporter
    from hmr_video.export import ExportOptions, check_formats
    from hmr_video.export import export as write
    from hmr_video.export.registry import check_options, refuse_written
    from hmr_video.export.saved_result import body_of, read_result

    if output is not None:
        shared.check_folder(output)
    wanted = check_formats(shared.split_formats(formats))
    reporter = Reporter(quiet=quiet)
    options = ExportOptions(
        overwrite=overwrite, frame_rate=fps, rig=rig, root_motion=root_motion, reduce=reduce, loop=loop, reporter=reporter
    )
    check_options(wanted, options)
    motions, source, start, end, every, rate = read_result(result)
    options = replace(options, video=video or source, start=start, end=end, every=every, source_rate=rate)
    refuse_written(output or result, len(motions), wanted, options)  # before torch, for the body, is imported
    written = write(motions, body_of(motions), output or result, wanted, options)
    for path in written:
        reporter.say(str(path))
    if as_json:
        typer.echo(json.dumps({"written": [str(path) for path in written]}))
