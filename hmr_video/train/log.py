"""The log of a run: a CSV of stage, step, name and value without a header, appended to."""

import csv
from collections.abc import Mapping
from pathlib import Path

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
