"""Runs a batch of scripted texts: ``python batch_of_texts.py FOLDER OUT WORKERS``; what a test kills from outside."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from rich.console import Console
from scripted_converter import ScriptedConverter

from hmr_video.batch.display import Display
from hmr_video.batch.events import EventLog
from hmr_video.batch.items import find_videos
from hmr_video.batch.local import LocalWorkers, Share, Workers
from hmr_video.batch.runner import BatchOptions, Report, run_batch


def run_texts(
    folder: Path,
    options: BatchOptions,
    workers: int = 1,
    timeout: float | None = None,
    log: Path | None = None,
    make: Callable[[], Workers] | None = None,
) -> Report:
    """What the command does with a folder of videos. ``make``: others than so many workers of this machine."""
    items = find_videos(folder, ["*.txt"], [], options.output, print)
    display = Display(Console(stderr=True), quiet=True)
    with EventLog(log) as events:
        local = partial(LocalWorkers, ScriptedConverter(), [Share()] * workers, timeout)
        return run_batch(items, options, make or local, display, events)


if __name__ == "__main__":
    run_texts(Path(sys.argv[1]), BatchOptions(Path(sys.argv[2]), "key"), int(sys.argv[3]))
