"""What is said of a batch while it runs and after it."""

import io

from rich.console import Console

from hmr_video.batch.display import Display, reasons
from hmr_video.batch.worker import Outcome


def console(terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), width=80, force_terminal=terminal, color_system=None)


def said(on: Console) -> list[str]:
    text = on.file.getvalue()  # type: ignore[attr-defined]
    return [line.rstrip() for line in text.splitlines()]


def test_items_are_reported_as_they_are_done_and_reasons_are_not() -> None:
    for terminal in (False, True):
        on = console(terminal)
        display = Display(on, quiet=False)
        display.finished("day/[1].mp4", Outcome("done", frames=20, people=1))
        display.finished("b.mp4", Outcome("failed", "It is damaged.", "Mend it."))
        display.finished("c.mp4", Outcome("nobody", "Nobody was found in c.mp4."))
        assert said(on) == ["  done day/[1].mp4: 20 frames, 1 person", "failed b.mp4", "nobody c.mp4"]


def test_a_reason_of_several_is_reported_once() -> None:
    on = console()
    on.print(reasons([("a.mp4", "No weights."), ("b.mp4", "Damaged."), ("c.mp4", "No weights.")]))
    text = "\n".join(said(on))
    assert text.count("No weights.") == 1
    assert all(name in text for name in ("a.mp4", "b.mp4", "c.mp4", "the same"))
