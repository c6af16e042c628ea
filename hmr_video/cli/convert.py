"""`hmr-video convert`: a video in, meshes out; `hallucinate`: past, present and future of one photograph."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from hmr_video.cli import shared
from hmr_video.console import Reporter
from hmr_video.errors import UsageError
from hmr_video.options import Options

if TYPE_CHECKING:
    from hmr_video.pipeline import Reconstruction

_OF_VIDEO = ("detector", "tracker", "landmarks", "silhouettes", "engine")


@shared.takes_options()
def convert(
    context: typer.Context,
    source: Annotated[Path | None, typer.Argument(help="A video, a photograph, or a folder of images.")] = None,
    output: shared.Output = Path("hmr-out"),
    formats: shared.Format = None,
    keypoints: Annotated[
        Path | None,
        typer.Option(
            help="2D keypoints from elsewhere, in place of a video: NPZ, OpenPose folder, COCO JSON, results of AlphaPose, "
            "MMPose, Sports2D."
        ),
    ] = None,
    video: Annotated[
        Path | None, typer.Option(help="With --keypoints: the video that they come from, for formats that show it.")
    ] = None,
    options: Options = Options(),  # noqa: B008
    rig: shared.Rig = "smpl",
    overwrite: shared.Overwrite = False,
    as_json: shared.Json = False,
    quiet: shared.Quiet = False,
) -> dict[str, Any]:
    """Find the people in a video and write smooth 3D bodies, one sequence per person."""
    if keypoints is None and source is None:
        raise UsageError("There is nothing to convert.", "Name a video, or give --keypoints FILE.")
    if keypoints is None and (video or options.image_size):
        raise UsageError(f"{'--video' if video else '--image-size'} is for keypoint files.", "Give --keypoints FILE.")
    if keypoints is not None:
        _check_with_keypoints(context, options.people.device)
        if video and source:
            raise UsageError("Two videos are named for the keypoints.", "Give --video only.")
    shared.check_folder(output)
    shared.must_exist(video)
    reporter = Reporter(quiet=quiet)
    wanted = shared.split_formats(formats)
    folder, summary, _ = convert_one(video or source, keypoints, output, options, wanted, overwrite, reporter, rig)
    if not as_json and not quiet:
        report(summary, folder, reporter)
    return {"output": str(folder)} | summary


def _check_with_keypoints(context: typer.Context, device: str) -> None:
    """Raises UsageError for options that change nothing about keypoints from elsewhere."""
    given = shared.given_options(context, _OF_VIDEO)
    if given:
        raise UsageError(f"{', '.join(given)}: people of a keypoint file are not looked for again.", "Leave it out.")
    if device not in ("auto", "cpu"):
        raise UsageError(f"Keypoints are lifted on the CPU, not on {device}.", "Leave --device out.")


def convert_one(
    source: Path | None,
    keypoints: Path | None,
    output: Path,
    settings: Options,
    formats: list[str],
    overwrite: bool,
    reporter: Reporter,
    rig: str = "smpl",
) -> tuple[Path, dict[str, Any], "Reconstruction"]:
    """Converts one input into its folder below ``output``; returns the folder, the summary, and what is in it."""
    from hmr_video.export.registry import OF_VIDEO, ExportOptions, check_formats, check_options
    from hmr_video.pipeline import run
    from hmr_video.results import check_output, result_folder, write_result

    evidence = keypoints or source
    assert evidence is not None
    shown = sorted(OF_VIDEO & set(check_formats(formats)))
    if shown and source is None:
        raise UsageError(f"There is no video to show in --format {','.join(shown)}.", "Name it with --video.")
    check_options(formats, ExportOptions(rig=rig))
    folder = result_folder(evidence, output, reporter, named=source, hallucinated=settings.hallucinate)
    check_output(folder, overwrite)
    result = run(evidence, settings, reporter, keypoints=keypoints is not None)
    summary = write_result(result, evidence, folder, settings, formats, reporter, overwrite, source, rig)
    return folder, summary, result


def report(summary: dict[str, Any], folder: Path, reporter: Reporter) -> None:
    """The table of people, on standard error."""
    table = Table(title=None, box=None, header_style="bold")
    headings = ("person", "frames", "filled in", "confidence", "2D residual\nmedian", "2D residual\n90 % under", "acceleration")
    for heading in headings:
        table.add_column(heading, justify="right", vertical="bottom")
    for index, person in enumerate(summary["people"], 1):
        median, high = (person[f"residual_{name}"] for name in ("median", "90th_percentile"))
        table.add_row(
            str(index),
            str(person["frames"]),
            str(person["interpolated_frames"]),
            f"{person['confidence']:.2f}",
            "-" if median is None else f"{median:.1%}",
            "-" if high is None else f"{high:.1%}",
            f"{person['joint_acceleration']:.1f} m/s²",
            style=None if person["reliable"] else "yellow",
        )
    reporter.console.print(table)
    reporter.say("2D residual: how far limb joints lie from detected keypoints, in person heights", style="dim")
    reporter.wrote(folder)


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
) -> dict[str, Any]:
    """Guess from one photograph how its people moved just before and will just after."""
    from hmr_video.video import open_video

    shared.check_folder(output)
    reporter = Reporter(quiet=quiet)
    reader = open_video(photo, reporter)
    if reader.info.frame_count != 1:
        raise UsageError(f"{photo} is not one photograph.", "Give an image file; `convert` takes videos and folders.")
    folder, summary, result = convert_one(photo, None, output, replace(options, hallucinate=True), [], overwrite, reporter)
    from hmr_video.export.hallucination import write_hallucination
    from hmr_video.export.render import choose_renderer

    image = next(reader.chunks(1)).frames[0]
    pictures = write_hallucination(result.motions, result.models.body, image, folder, choose_renderer("auto", reporter))
    reporter.wrote(folder)
    reporter.say(f"pictures: {', '.join(path.name for path in pictures)}")
    return {"output": str(folder), "pictures": [str(path) for path in pictures]} | summary
