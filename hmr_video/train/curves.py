"""The log of a run, and its curves: losses above, errors on held-out motion below, over the batches of all stages."""

import csv
from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path

from matplotlib import colormaps
from matplotlib.figure import Figure

from hmr_video.files import replacing
from hmr_video.train.settings import Stage

Curves = dict[str, dict[tuple[str, int], float]]


class Log:
    """Writes and reads ``log.csv``. A run that was killed writes some steps twice; the later lines count."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, stage: str, step: int, values: Mapping[str, float]) -> None:
        """Appends one line per value."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([stage, step, name, f"{value:.6g}"] for name, value in values.items())

    def read(self) -> Curves:
        """The values of each name by stage and step. A line cut short by a kill is passed over."""
        curves: Curves = {}
        with self.path.open(newline="", encoding="utf-8") as stream:
            for row in csv.reader(stream):
                if len(row) == 4 and row[1].isdecimal():
                    curves.setdefault(row[2], {})[row[0], int(row[1])] = float(row[3])
        return curves


VALIDATION = "val_"
HIDDEN = ("steps_per_second",)


def draw(curves: Curves, stages: tuple[Stage, ...], path: Path) -> None:
    """Writes the PNG. Stages stand one after the other, parted by a line. Raises OutputError."""
    begins = dict(zip((stage.name for stage in stages), accumulate((stage.steps for stage in stages), initial=0), strict=False))
    figure = Figure(figsize=(11, 8), layout="constrained")
    losses, errors = figure.subplots(2, 1, sharex=True)
    losses.set_prop_cycle(color=colormaps["tab20"].colors)  # type: ignore[attr-defined]
    for name, values in sorted(curves.items()):
        points = sorted((begins[stage] + step, value) for (stage, step), value in values.items() if stage in begins)
        if not points or name in HIDDEN:
            continue
        validates = name.startswith(VALIDATION)
        width = 2.0 if name == "loss" else 1.0
        (errors if validates else losses).plot(
            *zip(*points, strict=True), label=name.removeprefix(VALIDATION), linewidth=width, marker="." if validates else None
        )
    losses.set(ylabel="weighted loss", yscale="log")
    errors.set(ylabel="mm, accelerations in mm/frame², points2d in pixels", ylim=(0, None), xlabel="batches")
    for axes in (losses, errors):
        for begin in list(begins.values())[1:]:
            axes.axvline(begin, color="grey", linewidth=0.5, linestyle="--")
        axes.grid(alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0))
    with replacing(path, overwrite=True) as temporary:
        figure.savefig(temporary, format="png")
