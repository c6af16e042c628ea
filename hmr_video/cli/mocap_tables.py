"""What `hmr-video evaluate --mocap` prints."""

from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from hmr_video.evaluate.assess import Row
    from hmr_video.evaluate.weak_points import WeakPoint
    from hmr_video.synth.motion.invented import InventedConfig

_TABLE_WIDTH = 190
_COLUMNS = {
    "mpjpe": "MPJPE\nmm", "pa_mpjpe": "PA-MPJPE\nmm", "pve": "PVE\nmm", "foot_angle": "feet\ndegrees",
    "acceleration_error": "accel. error\nmm/frame\u00b2",
    "acceleration": "accel.\nmm/frame\u00b2", "true_acceleration": "true accel.\nmm/frame\u00b2", "pck": "PCK\n",
    "shape_drift": "shape drift\nmm", "foot_skating": "foot skating\nmm/s",
}  # fmt: skip


def print_rows(rows: list["Row"]) -> None:
    """A table per grouping: each way of estimating on each group, mean and deviation between windows."""
    from rich.console import Console
    from rich.table import Table

    console = Console(width=_TABLE_WIDTH, soft_wrap=True)
    for name, members in groupby(rows, key=lambda row: row.table):
        chosen = list(members)
        columns = [key for key in _COLUMNS if any(key in row.values for row in chosen)]
        table = Table(box=None, header_style="bold")
        for heading in (name, "frames", "estimate"):
            table.add_column(heading, no_wrap=True)
        for key in columns:
            table.add_column(_COLUMNS[key], justify="right", no_wrap=True)
        table.add_column("accel.\nover true", justify="right")
        for row in chosen:
            cells = [_cell(row.values.get(key), row.spread.get(key)) for key in columns]
            table.add_row(row.group, str(row.frames), row.variant, *cells, _ratio(row))
        console.print(table)
        console.print()


def _ratio(row: "Row") -> str:
    true = row.values.get("true_acceleration", 0.0)
    return f"{row.values['acceleration'] / true:.2f}" if true else "-"


def _cell(value: float | None, spread: float | None) -> str:
    return "-" if value is None else f"{value:.2f}" if value < 1 else f"{value:.1f} \u00b1 {spread:.1f}"


def print_weak_points(points: list["WeakPoint"]) -> None:
    """A line per measure."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    table.add_column("weak point", no_wrap=True)
    names = list(points[0].values)
    for name in (*names, "at best"):
        table.add_column(name, justify="right", no_wrap=True)
    for point in points:
        digits = 2 if point.best or not point.unit else 1
        cells = [f"{value:.{digits}f}" for value in (*(point.values[name] for name in names), point.best)]
        table.add_row(f"{point.name}, {point.unit}" if point.unit else point.name, *cells)
    Console(width=_TABLE_WIDTH, soft_wrap=True).print(table)


def print_kinds(folder: "Path", source_weights: dict[str, float], invention: "InventedConfig") -> None:
    """Seconds of each kind of pose in every collection that training sees; shares of it all, as drawn, and made up."""
    from rich.console import Console
    from rich.table import Table

    from hmr_video.body import load_body
    from hmr_video.mocap.clips import list_mocap, load_mocap
    from hmr_video.mocap.holdout import split
    from hmr_video.synth.motion.pose_kinds import KINDS, table

    mocap = load_mocap(folder, split(list_mocap(folder))[0])
    printed = Table(box=None, header_style="bold")
    for heading in ("seconds of", "all", *KINDS):
        printed.add_column(heading, justify="right" if printed.columns else "left")
    for name, values in table(mocap, load_body(), mocap.sampling_weights(source_weights), invention):
        printed.add_row(name, *(f"{value:.1f}" for value in values))
    Console(width=_TABLE_WIDTH, soft_wrap=True).print(printed)
