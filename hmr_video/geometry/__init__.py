"""Pure functions: rotations, cameras, alignment, the order of points (torch tensors, batch dimensions first); and `Array`."""

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]
