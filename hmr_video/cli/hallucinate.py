"""`hmr-video hallucinate`: past, present and future of one photograph."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from hmr_video.cli import shared
from hmr_video.console import Reporter
from hmr_video.errors import UsageError
from hmr_video.options import Options


@shared.takes_options(
    but=["silhouettes", "tracker", "height", "world", "features", "start", "end", "every", "frame_rate", "image_size"]
)
def hallucinate(
    photo: Annotated[Path, typer.Argument(help="A photograph.")],
    output: shared.Output = Path("hmr-out"),
    options: Options = Options(),  # noqa: B008
    overwrite: shared.Overwrite = False,
    as_json: shared.Json = False,
    quiet: shared.Quiet = False,
) -> None:
    """Guess from one photograph how its people moved just before and will just after."""
    from hmr_video.results import check_output, result_folder, write_result
    from hmr_video.video import open_video

    shared.check_folder(output)
    settings = replace(options, hallucinate=True)
    reporter = Reporter(quiet=quiet)
    reader = open_video(photo, reporter)
    if reader.info.frame_count != 1:
        raise UsageError(f"{photo} is not one photograph.", "Give an image file; `convert` takes videos and folders.")
    folder = result_folder(photo, output, reporter, hallucinated=True)
    check_output(folder, overwrite)
    from hmr_video.export.hallucination import write_hallucination
    from hmr_video.export.render import choose_renderer
    from hmr_video.pipeline import run

    result = run(photo, settings, reporter)
    summary = write_result(result, photo, folder, settings, [], reporter, overwrite, video=photo)
    image = next(reader.chunks(1)).frames[0]
    pictures = write_hallucination(result.motions, result.models.body, image, folder, choose_renderer("auto", reporter))
    reporter.wrote(folder)
    reporter.say(f"pictures: {', '.join(path.name for path in pictures)}")
    if as_json:
        typer.echo(json.dumps({"output": str(folder), "pictures": [str(path) for path in pictures]} | summary))
