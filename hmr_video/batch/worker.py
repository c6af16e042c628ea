"""What a worker does with one item, whoever runs the worker."""

import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from hmr_video.batch.content import content_hash
from hmr_video.console import Reporter
from hmr_video.errors import AssetError, HmrVideoError, NobodyFoundError

_OURS = "This is our fault. Please report it with what `hmr-video convert --debug` says of the same file."
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}  # no disk for this result is no disk for the next


@dataclass(frozen=True)
class Task:
    """One item on its way: where it lies, and the new folder that its result is made in (renamed when it is whole).

    stamp: of the source, see `content`, taken before its content is looked at, so that a change meanwhile shows.
    """

    name: str
    source: Path
    staged: Path
    attempt: int = 1
    stamp: str = ""


@dataclass(frozen=True)
class Outcome:
    """What came of a task.

    event: ``done``, ``nobody`` or ``failed``. For a failure, ``reason`` and ``remedy`` (one sentence each) and ``exit_code`` as
    `convert` would have returned it; ``fatal``: it would befall every other item too; ``crashed``: the worker is no more;
    ``retry``: another attempt may fare better.
    """

    event: str
    reason: str = ""
    remedy: str = ""
    exit_code: int = 0
    fatal: bool = False
    crashed: bool = False
    retry: bool = False
    sha256: str = ""
    frames: int = 0
    people: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


def given_up(seconds: float) -> Outcome:
    """What comes of a task that took longer than it may."""
    remedy = "Give it more with --timeout, or leave the file out."
    return Outcome("failed", f"It took longer than {seconds:g} s.", remedy, 1, crashed=True)


class Converter(Protocol):
    """Converts sources into new folders. Must survive being pickled."""

    def prepare(self) -> None:
        """Loads what all calls share; called before each of them, works at the first."""
        ...

    def __call__(self, source: Path, folder: Path, reporter: Reporter) -> dict[str, int]:
        """Makes ``folder``; tells the ``frames`` and ``people`` in it. Raises HmrVideoError."""
        ...


class CountingReporter(Reporter):
    """Collects notes, and passes on how many frames were looked at."""

    def __init__(self, on_frames: Callable[[int], None]) -> None:
        super().__init__(quiet=True)
        self._on_frames = on_frames

    @contextmanager
    def progress(self, what: str, total: int | None, unit: str = "frames") -> Iterator[Callable[[int], None]]:
        """Counts the frames of the stage that finds people: the first that sees them all."""
        yield self._on_frames if what == "Finding people" else lambda count: None


def perform(task: Task, convert: Converter, on_frames: Callable[[int], None]) -> Outcome:
    """Converts one item; whatever goes wrong is its outcome. Results are on the disk, not only in its cache, when this returns.

    ``on_frames`` is called with 0 when the work on the item itself begins, then with counts of frames.
    """
    begun, reporter = time.monotonic(), CountingReporter(on_frames)
    digest = ""
    try:
        convert.prepare()
        begun = time.monotonic()
        on_frames(0)
        digest = content_hash(task.source)
        task.staged.parent.mkdir(parents=True, exist_ok=True)
        summary = convert(task.source, task.staged, reporter)
        _sync(task.staged)
        outcome = Outcome("done", frames=summary["frames"], people=summary["people"])
    except NobodyFoundError as error:
        outcome = Outcome("nobody", error.problem, error.remedy, error.exit_code)
    except HmrVideoError as error:
        fatal = isinstance(error, AssetError) or _is_full(error)
        outcome = Outcome("failed", error.problem, error.remedy, error.exit_code, fatal)
    except Exception as error:
        outcome = Outcome("failed", f"{type(error).__name__}: {error}", _OURS, 7 if _is_full(error) else 1, _is_full(error))
    seconds = round(time.monotonic() - begun, 3)
    return replace(outcome, sha256=digest, seconds=seconds, notes=reporter.notes)


def _is_full(error: BaseException) -> bool:
    """Whether the disk is full or read-only: the error itself, or the one that it was raised from."""
    return any(isinstance(one, OSError) and one.errno in _FULL for one in (error, error.__cause__))


def _sync(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("r+b") as stream:
                os.fsync(stream.fileno())
