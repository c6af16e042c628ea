"""What a person sees while we work: progress and notes on standard error, never on standard output."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from hmr_video.errors import HmrVideoError
from hmr_video.files import abandon_unfinished

INTERRUPTED = 130  # exit code
_GRACE = 2.0  # seconds for an interrupt to get through


class RateColumn(ProgressColumn):
    """Items a second, in the unit that the task names."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        unit = task.fields.get("unit", "frames")
        return Text("" if not speed or speed < 1 else f"{speed:.0f} {unit}/s", style="progress.data.speed")


@dataclass
class Reporter:
    """Collects notes and draws progress bars. A quiet reporter only collects.

    Library calls use ``Reporter(quiet=True)``; the command line a loud one. ``notes`` end up in ``summary.json``.
    ``overlapping``: whether stages of the work may run at the same time.
    """

    quiet: bool = False
    overlapping: bool = True
    notes: list[str] = field(default_factory=list)
    console: Console = field(default_factory=lambda: Console(stderr=True, highlight=False))

    def note(self, text: str) -> None:
        """Keeps a warning for the summary, and prints it once."""
        if text not in self.notes:
            self.notes.append(text)
            if not self.quiet:
                self.console.print(f"[yellow]note:[/yellow] {escape(text)}", soft_wrap=True)

    def say(self, text: str, style: str = "") -> None:
        """Prints a line, unless quiet."""
        if not self.quiet:
            self.console.print(text, style=style, markup=False, soft_wrap=True)

    def stage(self, name: str) -> AbstractContextManager[None]:
        """A named stage of the work, for subclasses that measure them."""
        return nullcontext()

    def wrote(self, path: Path) -> None:
        """Tells where the result is, unless quiet."""
        if not self.quiet:
            self.console.print(Text.assemble("written to ", (str(path), "bold")), soft_wrap=True)

    @contextmanager
    def progress(self, what: str, total: int | None, unit: str = "frames") -> Iterator[Callable[[int], None]]:
        """A progress bar for one stage; yields ``advance(count)``. ``total`` may be unknown (None)."""
        if self.quiet:
            yield lambda count: None
            return
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            RateColumn(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self.console, transient=True) as bar:
            task = bar.add_task(what, total=total, unit=unit)
            yield lambda count: bar.advance(task, count)
            done = bar.tasks[0].completed
            bar.update(task, total=done, completed=done)
            bar.live.transient = False  # only what came to an end stays on the screen


def end_soon_after_interrupts() -> None:
    """Makes Ctrl-C end the program within moments, also where a thread or a library does not let go.

    The first raises KeyboardInterrupt, as ever. If that does not get through, what is unfinished is removed and the program
    ends. Where interrupts are ignored, as those of a shell's background jobs are, they stay so.
    """
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return

    def end() -> None:
        abandon_unfinished()
        console = Console(stderr=True)
        console.show_cursor()
        tell_interrupted()
        os._exit(INTERRUPTED)

    def interrupt(number: int, frame: object) -> None:
        timer = threading.Timer(_GRACE, end)
        timer.daemon = True
        timer.start()
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupt)


def tell_interrupted() -> None:
    """The last line after Ctrl-C."""
    print("\ninterrupted: nothing was left half-written", file=sys.stderr, flush=True)


def exit_code_of(program: Callable[[], None], debug: bool = False) -> int:
    """Runs a Typer program; what it exits with, by the error that ends it. Errors are printed to standard error."""
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        program()
    except SystemExit as done:  # Typer's own ways out: 0, 2 for wrong usage, 130 when interrupted
        return done.code if isinstance(done.code, int) else int(done.code is not None)
    except HmrVideoError as error:
        if debug:
            console.print_exception()
        console.print(f"[bold red]error:[/bold red] {escape(error.problem)}\n{escape(error.remedy)}")
        return error.exit_code
    except Exception as error:
        if debug:
            console.print_exception()
        console.print(f"[bold red]bug:[/bold red] {escape(type(error).__name__)}: {escape(str(error))}")
        console.print("This is our fault. Please report it with the output of the same command and --debug.")
        return 1
    return 0
