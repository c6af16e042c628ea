"""Dataclasses of arrays whose rows belong together, cut and joined like one array."""

from dataclasses import fields
from typing import Any, Self

import numpy as np


class Rows:
    """Base of dataclasses all of whose fields are arrays of as many rows."""

    def _columns(self) -> list[Any]:
        return [getattr(self, field.name) for field in fields(self)]  # type: ignore[arg-type]

    def __len__(self) -> int:
        return len(self._columns()[0])

    def __getitem__(self, rows: Any) -> Self:
        """What a slice, a mask or indices choose of all fields."""
        return type(self)(*(column[rows] for column in self._columns()))

    def __add__(self, other: Self) -> Self:
        return type(self)(*map(np.concatenate, zip(self._columns(), other._columns(), strict=True)))
