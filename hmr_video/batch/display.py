"""What a person sees of a running batch: a live table on a terminal, a line per item elsewhere."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from hmr_video.batch.worker import Outcome

_STYLES = {"done": "green", "nobody": "yellow", "failed": "red"}
_SHOWN = 12  # tasks in work that get a line


@dataclass
class Tally:
    """Counts of items by outcome, of this run and of ``earlier`` ones, and of the work of this run in bytes and frames."""

    total: int
    earlier: int
    outcomes: Counter[str]
    frames: int = 0
    bytes_done: int = 0
    bytes_left: int = 0
    begun: float = field(default_factory=time.monotonic)

    def add(self, outcome: Outcome, size: int) -> None:
        """Counts an item of ``size`` bytes."""
        self.outcomes[outcome.event] += 1
        self.frames += outcome.frames
        self.bytes_done += size
        self.bytes_left -= size

    def seconds_left(self) -> float | None:
        """An estimate from the bytes that are done; None before the first."""
        elapsed = time.monotonic() - self.begun
        return elapsed * self.bytes_left / self.bytes_done if self.bytes_done else None

    def rate(self, frames_in_work: int) -> float:
        """Frames a second since the run began."""
        return (self.frames + frames_in_work) / max(time.monotonic() - self.begun, 1e-3)


class Display:
    """Shows a batch on ``console``; a quiet one shows nothing."""

    def __init__(self, console: Console, quiet: bool) -> None:
        self._console, self._quiet = console, quiet
        self._live = Live(console=console, refresh_per_second=4, transient=True) if console.is_terminal and not quiet else None

    def __enter__(self) -> "Display":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()

    def update(self, tally: Tally, running: Mapping[str, int]) -> None:
        """Draws the table anew."""
        if self._live is not None:
            self._live.update(Group(_counts(tally, running), _in_work(running)))

    def finished(self, name: str, outcome: Outcome) -> None:
        """A line for an item that is through. Why it failed, if it did, is given once, by :func:`reasons`."""
        if self._quiet:
            return
        style, detail = _STYLES[outcome.event], ""
        if outcome.event == "done":
            detail = f": {outcome.frames} frames, {outcome.people} {'person' if outcome.people == 1 else 'people'}"
        self._console.print(f"[{style}]{outcome.event:>6}[/{style}] {escape(one_line(name))}{detail}", soft_wrap=True)


def reasons(failures: list[tuple[str, str]]) -> Table:
    """The table of what failed: (source, reason). A reason that several share is given once."""
    table = Table(title="failed", title_justify="left", title_style="bold red", box=None, header_style="bold")
    table.add_column("video", overflow="fold")
    table.add_column("reason", overflow="fold")
    previous = ""
    for source, reason in sorted(failures, key=lambda failure: failure[1]):
        table.add_row(Text(one_line(source)), Text("the same" if reason == previous else one_line(reason)))
        previous = reason
    return table


def _counts(tally: Tally, running: Mapping[str, int]) -> Table:
    left = tally.seconds_left()
    cells: dict[str, str | Text] = {
        **{name: Text(str(tally.outcomes[name]), style) for name, style in _STYLES.items()},
        "running": str(len(running)),
        "waiting": str(tally.total - tally.outcomes.total() - len(running)),
        "earlier": str(tally.earlier),
        "frames/s": f"{tally.rate(sum(running.values())):.1f}",
        "time left": "-" if left is None else str(timedelta(seconds=round(left))),
    }
    table = Table(box=None, header_style="bold")
    for heading in cells:
        table.add_column(heading, justify="right")
    table.add_row(*cells.values())
    return table


def _in_work(running: Mapping[str, int]) -> Table:
    table = Table(box=None, show_header=False)
    for name, frames in list(running.items())[:_SHOWN]:
        table.add_row(Text(one_line(name), overflow="ellipsis", no_wrap=True), f"{frames} frames")
    return table


def one_line(text: str) -> str:
    """Text that keeps to its line and can be encoded: control characters and lone surrogates are escaped."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)
