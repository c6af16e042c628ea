"""`hmr-video label`: a folder of unlabelled videos in, pseudo-labelled 2D tracks to train on out."""

import os
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from hmr_video.cli import shared
from hmr_video.cli.batch import find_items, local_workers, run_items, tell
from hmr_video.console import Reporter
from hmr_video.errors import UsageError
from hmr_video.options import Options


@shared.takes_options(only=["people", "focal", "detector", "tracker", "landmarks", "engine", "device"])
def label(
    folder: Annotated[Path, typer.Argument(help="A folder with videos, searched with all its folders.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the tracks; each video gets a folder of its own.")],
    include: shared.Include = None,
    exclude: shared.Exclude = None,
    workers: shared.Workers = None,
    timeout: shared.Timeout = None,
    retry_failed: shared.RetryFailed = False,
    log: shared.Log = None,
    features: Annotated[
        str, typer.Option(help="resnet50 keeps image features of the people too, for `train --features resnet50`.")
    ] = "keypoints",
    weights: Annotated[
        str, typer.Option(callback=os.path.expanduser, help="With resnet50: weights with the image encoder, by name or path.")
    ] = "hmmr",
    options: Options = Options(),  # noqa: B008
    overwrite: shared.Overwrite = False,
    as_json: shared.Json = False,
    quiet: shared.Quiet = False,
) -> None:
    """Label videos with 2D tracks for `train --tracks`. Run the same command again to go on after an interruption."""
    shared.check_folder(output)
    if features not in ("keypoints", "resnet50"):
        raise UsageError(f"There are no features {features}.", "Choose keypoints or resnet50.")
    reporter = Reporter(quiet=quiet)
    items = find_items(folder, None, include or [], exclude or [], output, reporter)
    settings = shared.with_known_landmarks(replace(options, features=features, weights=weights), reporter)
    from hmr_video.batch.labeller import VideoLabeller, labelling_key  # and torch, once there is something to do
    from hmr_video.batch.runner import BatchOptions

    planned = BatchOptions(output, labelling_key(settings), None, overwrite, retry_failed)
    make = partial(local_workers, VideoLabeller(settings), workers, timeout, options.people.device)
    report = run_items(items, planned, make, log, reporter)
    tell(report, output, reporter, as_json, retried=retry_failed)
