"""What `hmr-video evaluate` and `train --count` print, on standard output."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from hmr_video.evaluate.assess import Row
    from hmr_video.evaluate.realism import Realism
    from hmr_video.evaluate.weak_points import WeakPoint
    from hmr_video.synth.motion.invented import InventedConfig

Scores = tuple[str, Mapping[str, float]]  # of a person or a clip, by metric

_TABLE_WIDTH = 190
_COLUMNS = {
    "mpjpe": "MPJPE\nmm", "pa_mpjpe": "PA-MPJPE\nmm", "pve": "PVE\nmm", "foot_angle": "feet\ndegrees",
    "acceleration_error": "accel. error\nmm/frame\u00b2",
    "acceleration": "accel.\nmm/frame\u00b2", "true_acceleration": "true accel.\nmm/frame\u00b2", "pck": "PCK\n",
    "shape_drift": "shape drift\nmm", "foot_skating": "foot skating\nmm/s",
}  # fmt: skip
_OF_REMEDIES = ("mpjpe", "pa_mpjpe", "acceleration_error", "foot_skating", "jitter", "shape_drift", "coverage")


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


def print_scores(rows: Sequence[Scores], units: Mapping[str, str] | None = None) -> None:
    """One column per person, and their mean."""
    from rich.console import Console
    from rich.table import Table

    from hmr_video.evaluate import mean_scores
    from hmr_video.evaluate.compare import UNITS

    table = Table(box=None, header_style="bold")
    table.add_column("metric", no_wrap=True)
    columns = [*rows, ("mean", mean_scores([scores for _, scores in rows]))] if len(rows) > 1 else rows
    for name, _ in columns:
        table.add_column(name, justify="right", min_width=7)
    for metric, unit in (units or UNITS).items():
        if any(metric in scores for _, scores in columns):
            cells = [f"{scores[metric]:.2f}" if metric in scores else "-" for _, scores in columns]
            table.add_row(f"{metric} [{unit}]".replace("[", r"\[") if unit else metric, *cells)
    Console(soft_wrap=True).print(table)


def print_ablations(rows: list[Scores]) -> None:
    """A line for the whole line, and for each remedy what leaving it out adds to each metric."""
    from rich.console import Console
    from rich.table import Table

    (_, whole), *others = rows
    metrics = [metric for metric in _OF_REMEDIES if metric in whole]
    table = Table(box=None, header_style="bold")
    table.add_column("without", no_wrap=True)
    for metric in metrics:
        table.add_column(metric, justify="right", no_wrap=True)
    table.add_row("nothing", *(f"{whole[metric]:.2f}" for metric in metrics))
    for name, scores in others:
        table.add_row(name, *(f"{scores[metric] - whole[metric]:+.2f}" if metric in scores else "-" for metric in metrics))
    Console(width=140).print(table)


def print_detector_errors(found: "Realism") -> None:
    """A line per statistic of the real, the fitted and the trained detector."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    for name in ("", "real", "fitted", "in training"):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    for name, values in found.statistics.items():
        table.add_row(name, *(f"{value:.3f}" for value in values))
    for name, distances in found.distances.items():
        table.add_row(f"distance of {name}", "", *(f"{value:.3f}" for value in distances))
    for name, offset in found.bias.items():
        table.add_row(f"offset of {name}, mm left, up, forward", *(f"{value:.1f}" for value in offset))
    Console(soft_wrap=True).print(table)


def print_shapes(rows: Sequence[Scores]) -> None:
    """A line per group of people."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold")
    for heading in ("mean error", "people", "hips, cm", "waist, cm", "chest, cm", "PVE at rest, mm"):
        table.add_column(heading, justify="left" if heading == "mean error" else "right", no_wrap=True)
    for name, scores in rows:
        table.add_row(name, f"{scores['people']:.0f}", *(f"{scores[key]:.1f}" for key in ("hips", "waist", "chest", "pve")))
    Console(soft_wrap=True).print(table)
