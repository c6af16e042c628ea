"""What `hmr-video evaluate` and `train --count` print, on standard output."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from pathlib import Path

    from hmr_video.evaluate.assess import Row
    from hmr_video.evaluate.realism import Realism
    from hmr_video.evaluate.weak_points import WeakPoint
    from hmr_video.synth.motion.invented import InventedConfig

Scores = tuple[str, Mapping[str, float]]  # of a person or a clip, by metric

_WIDTH = 190
_COLUMNS = {
    "mpjpe": "MPJPE\nmm", "pa_mpjpe": "PA-MPJPE\nmm", "pve": "PVE\nmm", "foot_angle": "feet\ndegrees",
    "acceleration_error": "accel. error\nmm/frame\u00b2",
    "acceleration": "accel.\nmm/frame\u00b2", "true_acceleration": "true accel.\nmm/frame\u00b2", "pck": "PCK\n",
    "shape_drift": "shape drift\nmm", "foot_skating": "foot skating\nmm/s",
}  # fmt: skip
_OF_REMEDIES = ("mpjpe", "pa_mpjpe", "acceleration_error", "foot_skating", "jitter", "shape_drift", "coverage")
_OF_SHAPES = {"people": "people", "hips": "hips, cm", "waist": "waist, cm", "chest": "chest, cm", "pve": "PVE at rest, mm"}


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]], texts: int = 1) -> None:
    """A table whose first columns, so many as ``texts``, are of words, the others of numbers."""
    table = Table(box=None, header_style="bold")
    for place, heading in enumerate(headings):
        table.add_column(Text(heading), justify="left" if place < texts else "right", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))
    Console(width=_WIDTH, soft_wrap=True).print(table)


def print_rows(rows: list["Row"]) -> None:
    """A table per grouping: each way of estimating on each group, mean and deviation between windows."""
    for name, members in groupby(rows, key=lambda row: row.table):
        chosen = list(members)
        columns = [key for key in _COLUMNS if any(key in row.values for row in chosen)]
        lines = [
            [
                row.group,
                str(row.frames),
                row.variant,
                *(_cell(row.values.get(key), row.spread.get(key)) for key in columns),
                _ratio(row),
            ]
            for row in chosen
        ]
        print_table([name, "frames", "estimate", *(_COLUMNS[key] for key in columns), "accel.\nover true"], lines, texts=3)
        print()


def _ratio(row: "Row") -> str:
    true = row.values.get("true_acceleration", 0.0)
    return f"{row.values['acceleration'] / true:.2f}" if true else "-"


def _cell(value: float | None, spread: float | None) -> str:
    return "-" if value is None else f"{value:.2f}" if value < 1 else f"{value:.1f} \u00b1 {spread:.1f}"


def print_weak_points(points: list["WeakPoint"]) -> None:
    """A line per measure."""
    lines = []
    for point in points:
        digits = 2 if point.best or not point.unit else 1
        name = f"{point.name}, {point.unit}" if point.unit else point.name
        lines.append([name, *(f"{value:.{digits}f}" for value in (*point.values.values(), point.best))])
    print_table(["weak point", *points[0].values, "at best"], lines)


def print_kinds(folder: "Path", source_weights: dict[str, float], invention: "InventedConfig") -> None:
    """Seconds of each kind of pose in every collection that training sees; shares of it all, as drawn, and made up."""
    from hmr_video.body import load_body
    from hmr_video.mocap.clips import list_mocap, load_mocap
    from hmr_video.mocap.holdout import split
    from hmr_video.synth.motion.pose_kinds import KINDS, table

    mocap = load_mocap(folder, split(list_mocap(folder))[0])
    counted = table(mocap, load_body(), mocap.sampling_weights(source_weights), invention)
    print_table(["seconds of", "all", *KINDS], [[name, *(f"{value:.1f}" for value in values)] for name, values in counted])


def print_scores(rows: Sequence[Scores], units: Mapping[str, str] | None = None) -> None:
    """One column per person, and their mean."""
    from hmr_video.evaluate import mean_scores
    from hmr_video.evaluate.compare import UNITS

    columns = [*rows, ("mean", mean_scores([scores for _, scores in rows]))] if len(rows) > 1 else rows
    lines = [
        [f"{metric} [{unit}]" if unit else metric, *(f"{one[metric]:7.2f}" if metric in one else "-" for _, one in columns)]
        for metric, unit in (units or UNITS).items()
        if any(metric in scores for _, scores in columns)
    ]
    print_table(["metric", *(name for name, _ in columns)], lines)


def print_ablations(rows: list[Scores]) -> None:
    """A line for the whole line, and for each remedy what leaving it out adds to each metric."""
    (_, whole), *others = rows
    metrics = [metric for metric in _OF_REMEDIES if metric in whole]
    lines = [["nothing", *(f"{whole[metric]:.2f}" for metric in metrics)]]
    for name, scores in others:
        lines.append([name, *(f"{scores[metric] - whole[metric]:+.2f}" if metric in scores else "-" for metric in metrics)])
    print_table(["without", *metrics], lines)


def print_detector_errors(found: "Realism") -> None:
    """A line per statistic of the real, the fitted and the trained detector."""
    lines = [[name, *(f"{value:.3f}" for value in values)] for name, values in found.statistics.items()]
    lines += [[f"distance of {name}", "", *(f"{one:.3f}" for one in distances)] for name, distances in found.distances.items()]
    lines += [
        [f"offset of {name}, mm left, up, forward", *(f"{value:.1f}" for value in offset)] for name, offset in found.bias.items()
    ]
    print_table(["", "real", "fitted", "in training"], lines)


def print_shapes(rows: Sequence[Scores]) -> None:
    """A line per group of people."""
    lines = [[name, *(f"{scores[key]:.{int(key != 'people')}f}" for key in _OF_SHAPES)] for name, scores in rows]
    print_table(["mean error", *_OF_SHAPES.values()], lines)
