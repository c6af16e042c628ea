"""The study's figure and table, from the runs that are finished."""

from collections.abc import Sequence
from math import isnan
from pathlib import Path
from statistics import mean, stdev
from typing import TYPE_CHECKING

from hmr_video.files import replacing

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hmr_video.experiments.study import Result

_FULL, _SUPERVISED = "full", "supervised"
_METRICS = (
    ("mpjpe", "MPJPE, mm", 1.0),
    ("pa_mpjpe", "PA-MPJPE, mm", 1.0),
    ("acceleration", "acceleration error, mm/frame²", 1.0),
    ("pck", "PCK at 5 % of the box, %", 100.0),
    ("filmed", "PA-MPJPE on filmed windows, mm", 1.0),
)
_DRAWN = ("pa_mpjpe", "mpjpe", "pck")
_MARKERS = {"no context": "v", "no deltas": "s", "no adversary": "X"}
_COLOURS = {"no context": "tab:red", "no deltas": "tab:green", "no adversary": "tab:purple"}

Results = Sequence["Result"]


def write_report(results: Results, folder: Path) -> None:
    """Writes ``study.png`` and ``study.md`` into ``folder``. Raises OutputError."""
    with replacing(folder / "study.md", overwrite=True) as temporary:
        temporary.write_text(table(results), encoding="utf-8")
    with replacing(folder / "study.png", overwrite=True) as temporary:
        figure(results).savefig(temporary, format="png")


def table(results: Results) -> str:
    """Markdown: a line for each variant and amount of video, means and standard deviations over the seeds."""
    metrics = [metric for metric in _METRICS if not any(isnan(getattr(one, metric[0])) for one in results)]
    heads = ["", "unlabelled video, h", *(label for _, label, _ in metrics), "runs"]
    lines = [heads, ["---"] * len(heads)]
    for variant, fraction in dict.fromkeys((one.case.variant, one.case.fraction) for one in sorted(results, key=_order)):
        members = _members(results, variant, fraction)
        hours = mean(one.hours for one in members)
        values = [_format_spread([factor * getattr(one, name) for one in members]) for name, _, factor in metrics]
        lines.append([variant, f"{hours:.2f}", *values, str(len(members))])
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def figure(results: Results) -> "Figure":
    """3D errors and PCK against hours of unlabelled video; bars are standard deviations over the seeds."""
    from matplotlib.figure import Figure

    drawing = Figure(figsize=(13, 4.2), layout="constrained")
    panels = drawing.subplots(1, len(_DRAWN))
    labels = {name: (label, factor) for name, label, factor in _METRICS}
    for axes, name in zip(panels, _DRAWN, strict=True):
        label, factor = labels[name]

        for variant in dict.fromkeys(one.case.variant for one in sorted(results, key=_order)):
            hours, means, spreads = zip(*_points(results, variant, name, factor), strict=True)
            if variant == _SUPERVISED:
                axes.axhline(means[0], color="black", linestyle="--", linewidth=1, label="all of it with 3D labels")
                axes.axhspan(means[0] - spreads[0], means[0] + spreads[0], color="black", alpha=0.08)
            elif variant == _FULL:
                axes.errorbar(hours, means, spreads, marker="o", capsize=3, label="2D tracks", zorder=3)
            else:
                style = {"color": _COLOURS.get(variant), "marker": _MARKERS.get(variant, "."), "linestyle": ":"}
                axes.errorbar(hours, means, spreads, capsize=2, alpha=0.8, label=variant.replace("no ", "without "), **style)
        axes.set(xlabel="hours of unlabelled video", ylabel=label)
        axes.grid(alpha=0.3)
    panels[0].legend(fontsize="small")
    return drawing


def _points(results: Results, variant: str, name: str, factor: float) -> list[tuple[float, float, float]]:
    """(hours, mean, standard deviation) of a variant's metric, by amount of video."""
    points = []
    for fraction in sorted({one.case.fraction for one in results if one.case.variant == variant}):
        members = _members(results, variant, fraction)
        values = [factor * getattr(one, name) for one in members]
        points.append((mean(one.hours for one in members), mean(values), stdev(values) if len(values) > 1 else 0.0))
    return points


def _members(results: Results, variant: str, fraction: float) -> list["Result"]:
    return [one for one in results if (one.case.variant, one.case.fraction) == (variant, fraction)]


def _order(one: "Result") -> tuple[bool, bool, str, float]:
    return one.case.variant == _SUPERVISED, one.case.variant != _FULL, one.case.variant, one.case.fraction


def _format_spread(values: list[float]) -> str:
    return f"{mean(values):.1f} ± {stdev(values):.1f}" if len(values) > 1 else f"{values[0]:.1f}"
