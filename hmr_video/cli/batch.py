"""`hmr-video batch`: a folder of videos, each once, whatever happens meanwhile."""

import json
import sys
from collections.abc import Callable
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hmr_video.cli import shared
from hmr_video.console import Reporter
from hmr_video.errors import BatchError, InputError, UsageError
from hmr_video.options import Options

if TYPE_CHECKING:
    from hmr_video.batch.items import Item
    from hmr_video.batch.local import Workers
    from hmr_video.batch.runner import BatchOptions, Report
    from hmr_video.batch.worker import Converter

_SCHEDULERS = ("local", "ray")


@shared.takes_options(but=["image_size"])
def batch(
    folder: Annotated[Path | None, typer.Argument(help="A folder with videos, searched with all its folders.")] = None,
    output: shared.Output = Path("hmr-out"),
    formats: shared.Format = None,
    listed: Annotated[
        Path | None, typer.Option("--list", help="A file with a path a line, from FOLDER on, in place of a search; - is stdin.")
    ] = None,
    include: shared.Include = None,
    exclude: shared.Exclude = None,
    shard: Annotated[str | None, typer.Option(help="3/16: only the third of sixteen parts, for 16 runs side by side.")] = None,
    workers: shared.Workers = None,
    timeout: shared.Timeout = None,
    retry_failed: shared.RetryFailed = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only list what would be converted.")] = False,
    log: shared.Log = None,
    scheduler: Annotated[
        str, typer.Option("--engine", help="local, or ray for several machines (needs the extra `cluster`).")
    ] = "local",
    address: Annotated[str | None, typer.Option(help="Ray cluster to join.", show_default="the machine's own")] = None,
    cpus_per_worker: Annotated[float, typer.Option(help="Processors that Ray reserves for a worker.", min=0.01)] = 4.0,
    gpus_per_worker: Annotated[float, typer.Option(help="GPUs, or a fraction of one, for a worker of Ray's.", min=0)] = 0.0,
    options: Options = Options(),  # noqa: B008
    overwrite: shared.Overwrite = False,
    as_json: shared.Json = False,
    quiet: shared.Quiet = False,
) -> None:
    """Convert many videos. Run the same command again to go on after an interruption."""
    from hmr_video.batch.items import parse_shard
    from hmr_video.export.registry import check_formats

    if scheduler not in _SCHEDULERS:
        choice = f"Choose one of {', '.join(_SCHEDULERS)}; what runs the detector is --detector-engine."
        raise UsageError(f"There is no engine {scheduler} for a batch.", choice)
    if scheduler == "local" and address is not None:
        raise UsageError("--address is the address of a Ray cluster.", "Add --engine ray, or leave it out.")
    shared.check_folder(output)
    wanted = tuple(check_formats(shared.split_formats(formats)))
    reporter = Reporter(quiet=quiet)
    part = parse_shard(shard)
    items = find_items(folder, listed, include or [], exclude or [], output, reporter)
    settings = shared.with_known_landmarks(options, reporter, fetch=not dry_run)
    from hmr_video.batch.converter import VideoConverter, options_key  # and torch, once there is something to do
    from hmr_video.batch.display import one_line
    from hmr_video.batch.runner import BatchOptions, plan_batch

    planned = BatchOptions(output, options_key(settings, wanted, elsewhere=scheduler == "ray"), part, overwrite, retry_failed)
    if dry_run:
        waiting, report = plan_batch(items, planned)
        for one in waiting if not as_json else []:
            typer.echo(f"{one_line(str(one.item.source))} -> {one_line(str(one.output))}")
    else:
        converter = VideoConverter(settings, wanted)
        make: Callable[[], Workers] = partial(local_workers, converter, workers, timeout, options.people.device)
        if scheduler == "ray":
            from hmr_video.batch.cluster import RayWorkers

            make = partial(RayWorkers, converter, address, cpus_per_worker, gpus_per_worker, workers, timeout)
        with redirect_stdout(sys.stderr):  # Ray says on standard output that a worker died; there the report alone belongs
            report = run_items(items, planned, make, log, reporter)
    tell(report, output, reporter, as_json, retried=retry_failed, dry_run=dry_run)


def find_items(
    folder: Path | None, listed: Path | None, include: list[str], exclude: list[str], output: Path, reporter: Reporter
) -> list["Item"]:
    """What the command line is about. Raises UsageError and InputError."""
    from hmr_video.batch.items import find_videos, listed_videos

    if listed is not None:
        if include or exclude:
            raise UsageError("--include and --exclude choose from a folder.", "Leave them out, or leave out --list.")
        items, place = listed_videos(_read(listed), folder or Path()), "The list"
    elif folder is not None:
        items, place = find_videos(folder, include, exclude, output, reporter.note), str(folder)
    else:
        raise UsageError("There is nothing to convert.", "Name a folder of videos, or give --list FILE.")
    if not items:
        raise InputError(f"{place} holds no videos.", "Check the path and the filters; --include '*' takes every file.")
    return items


def _read(listed: Path) -> bytes:
    if str(listed) == "-":
        return sys.stdin.buffer.read()
    try:
        return listed.read_bytes()
    except OSError as error:
        raise InputError(f"{listed} cannot be read: {error.strerror or error}.", "Check the path of the list.") from error


def local_workers(converter: "Converter", count: int | None, timeout: float | None, device: str) -> "Workers":
    """Workers on this machine: ``count`` of them, else as many as fit."""
    from hmr_video.batch.local import LocalWorkers, default_workers, shares
    from hmr_video.device import shared_gpus

    cards = shared_gpus(device)
    fitting = 1 if device.startswith("cuda:") else default_workers(cards)
    return LocalWorkers(converter, shares(count or fitting, cards), timeout)


def run_items(
    items: list["Item"], options: "BatchOptions", make: Callable[[], "Workers"], log: Path | None, reporter: Reporter
) -> "Report":
    """Runs the items, shows how it goes, and returns what became of them."""
    from hmr_video.batch.display import Display
    from hmr_video.batch.events import EventLog
    from hmr_video.batch.runner import run_batch

    with EventLog(log) as events:
        return run_batch(items, options, make, Display(reporter.console, reporter.quiet), events)


def tell(report: "Report", output: Path, reporter: Reporter, as_json: bool, retried: bool, dry_run: bool = False) -> None:
    """The last words. Raises BatchError when something failed."""
    from hmr_video.batch.display import reasons

    counted = report.as_dict()
    if as_json:
        typer.echo(json.dumps({"output": str(output)} | counted))
    failed = [item for item in report.items if item.outcome == "failed"]
    if failed and not reporter.quiet:
        reporter.console.print(reasons([(item.source, f"{item.reason} {item.remedy}") for item in failed]))
    counts = ", ".join(f"{counted[name]} {name}" for name in ("done", "nobody", "failed", "waiting") if counted[name])
    earlier = f"; {counted['earlier']} of them in earlier runs" if counted["earlier"] else ""
    reporter.say(f"{counted['total']} {'video' if counted['total'] == 1 else 'videos'}: {counts}{earlier}")
    if counted["done"] and not dry_run:
        reporter.wrote(output)
    if failed and not dry_run:
        kept = any(item.earlier for item in failed) and not retried
        raise BatchError(
            f"{len(failed)} of {counted['total']} videos failed.",
            "Run the same command with --retry-failed to try them again." if kept else "The table says why.",
        )
