"""`run_batch`: the items of a batch, each converted once, by whatever workers there are."""

import os
import shutil
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from hmr_video.batch.content import byte_count, stamp
from hmr_video.batch.display import Display, Tally
from hmr_video.batch.events import EventLog
from hmr_video.batch.items import Item, in_shard
from hmr_video.batch.local import Workers
from hmr_video.batch.lock import Shard, locked, shard_tag
from hmr_video.batch.manifest import Manifest, read_entries
from hmr_video.batch.outputs import MANIFEST, STATE_FOLDER
from hmr_video.batch.plan import Planned, plan
from hmr_video.batch.worker import Outcome, Task
from hmr_video.errors import AssetError, OutputError
from hmr_video.results import check_output, short_hash

_TICK = 0.25  # seconds between two looks at the workers
_PARTIAL = ".partial"


@dataclass(frozen=True)
class BatchOptions:
    """How a batch is run.

    Attributes:
        output: the folder that mirrors the inputs' tree.
        key: `converter.options_key` of what is done to each item.
        shard: (i, n): only the i-th of n parts, beside other runs that do the others.
        overwrite: replace results that no run with this key has finished.
        retry_failed: do again what failed in an earlier run.
        attempts: how often an item is begun whose worker dies.
    """

    output: Path
    key: str
    shard: Shard = None
    overwrite: bool = False
    retry_failed: bool = False
    attempts: int = 3

    @property
    def manifest(self) -> Path:
        return self.output / (MANIFEST if self.shard is None else f"manifest-{shard_tag(self.shard)}.jsonl")


@dataclass(frozen=True)
class ItemReport:
    """What became of an item. outcome: ``done``, ``nobody``, ``failed`` or ``waiting``; earlier: by an earlier run."""

    source: str
    output: str
    outcome: str
    earlier: bool = False
    reason: str = ""
    remedy: str = ""
    frames: int = 0
    people: int = 0
    seconds: float = 0.0


@dataclass
class Report:
    """What became of all items, in the order of their names."""

    items: list[ItemReport] = field(default_factory=list)
    seconds: float = 0.0

    def count(self, outcome: str) -> int:
        return sum(item.outcome == outcome for item in self.items)

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``: counts, seconds, frames of this run, and every item."""
        counts = {outcome: self.count(outcome) for outcome in ("done", "nobody", "failed", "waiting")}
        return {
            "total": len(self.items),
            **counts,
            "earlier": sum(item.earlier for item in self.items),
            "seconds": round(self.seconds, 3),
            "frames": sum(item.frames for item in self.items if not item.earlier),
            "items": [asdict(item) for item in self.items],
        }


def plan_batch(items: Sequence[Item], options: BatchOptions) -> tuple[list[Planned], Report]:
    """What `run_batch` would do, in the order that it would: what is waiting, and the report on all before anything is done.

    Writes nothing. Raises OutputError.
    """
    if options.output.exists() and not options.output.is_dir():
        raise OutputError(f"{options.output} is a file.", "Choose a folder for the results.")
    entries = read_entries(sorted(options.output.glob("manifest*.jsonl")))
    planned = [one for one in plan(items, options.output, entries, options.key) if in_shard(one.item, options.shard)]
    waiting, report = [], Report()
    for one in planned:
        earlier = one.earlier
        if earlier is None or (options.retry_failed and earlier.event == "failed"):
            waiting.append(one)
            report.items.append(_item_report(one, "waiting"))
        else:
            fields = {"reason": earlier.reason, "frames": earlier.frames, "people": earlier.people}
            report.items.append(_item_report(one, earlier.event, earlier=True, **fields))
    return waiting, report


def run_batch(
    items: Sequence[Item], options: BatchOptions, make_workers: Callable[[], Workers], display: Display, log: EventLog
) -> Report:
    """Converts what an earlier run has not. A failed item does not stop the others.

    ``make_workers`` is called when there is something to do. Raises OutputError when another run holds the folder or nothing
    can be written any more, and AssetError when no item could be converted for lack of weights or a body.
    """
    state = options.output / STATE_FOLDER
    partial = state / f"{shard_tag(options.shard)}{_PARTIAL}"
    begun = time.monotonic()
    with locked(state, options.shard):
        shutil.rmtree(partial, ignore_errors=True)  # of a run that was killed
        waiting, report = plan_batch(items, options)
        if waiting:
            try:
                with closing(Manifest(options.manifest)) as manifest, closing(make_workers()) as workers, display:
                    manifest.write("run", key=options.key, waiting=len(waiting), total=len(report.items))
                    _Run(options, waiting, report, partial, workers, manifest, log, display).until_done()
            finally:
                shutil.rmtree(partial, ignore_errors=True)
    report.seconds = time.monotonic() - begun
    return report


class _Run:
    """The loop, and what it keeps in mind."""

    def __init__(
        self,
        options: BatchOptions,
        waiting: list[Planned],
        report: Report,
        partial: Path,
        workers: Workers,
        manifest: Manifest,
        log: EventLog,
        display: Display,
    ) -> None:
        self._options, self._report, self._partial, self._workers = options, report, partial, workers
        self._manifest, self._log, self._display = manifest, log, display
        self._place = {item.source: index for index, item in enumerate(report.items)}
        self._planned = {one.item.name: one for one in waiting}
        self._bytes = {one.item.name: byte_count(one.item.source) for one in waiting}
        self._waiting = deque(self._task(one) for one in waiting)
        earlier = Counter(item.outcome for item in report.items if item.earlier)
        self._tally = Tally(len(report.items), earlier.total(), earlier, bytes_left=sum(self._bytes.values()))

    def until_done(self) -> None:
        while self._waiting or self._workers.running():
            while self._waiting and self._workers.free():
                self._start(self._waiting.popleft())
            for finished in self._workers.wait(_TICK):
                self._finish(finished.task, finished.outcome)
            self._display.update(self._tally, self._workers.running())

    def _task(self, one: Planned, attempt: int = 1) -> Task:
        folder = self._partial / f"{short_hash(one.item.name)}-{attempt}"
        return Task(one.item.name, one.item.source, folder / "result", attempt)

    def _start(self, task: Task) -> None:
        one = self._planned[task.name]
        try:
            check_output(one.output, self._options.overwrite or one.ours or task.attempt > 1)
        except OutputError as error:  # nothing is recorded: with --overwrite, or elsewhere, it would go well
            problem = f"{one.output} was made with other options, files or content." if one.stale else error.problem
            return self._conclude(one, Outcome("failed", problem, error.remedy, error.exit_code))
        except (OSError, ValueError) as error:
            return self._conclude(one, _unwritable(one.output, error))
        self._record("started", one)
        self._workers.start(replace(task, stamp=stamp(task.source)))

    def _finish(self, task: Task, outcome: Outcome) -> None:
        one = self._planned[task.name]
        if outcome.fatal:
            raise (AssetError if outcome.exit_code == AssetError.exit_code else OutputError)(outcome.reason, outcome.remedy)
        if outcome.retry and task.attempt < self._options.attempts:
            self._log.write("retry", name=task.name, reason=outcome.reason)
            self._waiting.append(self._task(one, task.attempt + 1))
        else:
            if outcome.event == "done":
                outcome = self._publish(task.staged, one.output, outcome)
            recorded = {"sha256": outcome.sha256, "stamp": task.stamp, "reason": outcome.reason}
            self._record(outcome.event, one, **recorded, frames=outcome.frames, people=outcome.people, seconds=outcome.seconds)
            self._conclude(one, outcome)
        shutil.rmtree(task.staged.parent, ignore_errors=True)

    def _publish(self, staged: Path, output: Path, outcome: Outcome) -> Outcome:
        """Renames a whole result to where it belongs; what was there goes when the new one is in its place."""
        try:
            output.parent.mkdir(parents=True, exist_ok=True)
            if output.exists():
                os.replace(output, staged.with_name("old"))
            os.replace(staged, output)
        except OSError as error:
            return _unwritable(output, error, outcome.sha256)
        return outcome

    def _record(self, event: str, one: Planned, **values: Any) -> None:
        self._manifest.write(
            event,
            name=one.item.name,
            output=one.output.relative_to(self._options.output).as_posix(),
            key=self._options.key,
            **values,
        )
        self._log.write(event, name=one.item.name, output=str(one.output), **values)

    def _conclude(self, one: Planned, outcome: Outcome) -> None:
        told = {name: getattr(outcome, name) for name in ("reason", "remedy", "frames", "people", "seconds")}
        report = _item_report(one, outcome.event, **told)
        self._report.items[self._place[report.source]] = report
        self._tally.add(outcome, self._bytes[one.item.name])
        for note in outcome.notes:
            self._log.write("note", name=one.item.name, note=note)
        self._display.finished(one.item.name, outcome)


def _item_report(one: Planned, outcome: str, **values: Any) -> ItemReport:
    return ItemReport(source=str(one.item.source), output=str(one.output), outcome=outcome, **values)


def _unwritable(output: Path, error: Exception, sha256: str = "") -> Outcome:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    problem = f"{output} cannot be written: {reason}."
    return Outcome("failed", problem, "Rename the video, or choose another output folder.", 7, sha256=sha256)
