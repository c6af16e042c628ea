"""LiteRT, which runs TFLite files where OpenVINO is not: on ARM processors."""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from hmr_video.errors import AssetError
from hmr_video.geometry import Array


class LiteRT:
    """BlazePose's file, on one thread a crop. ``outputs``: the shapes of what it gives. Raises AssetError without LiteRT."""

    def __init__(self, path: Path) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError as error:
            raise AssetError("Neither OpenVINO nor LiteRT is installed.", "pip install ai-edge-litert") from error
        self._new: Callable[[], Any] = lambda: Interpreter(model_path=str(path), num_threads=1)
        self.outputs = [output["shape"].tolist() for output in self._new().get_output_details()]
        self._own = threading.local()
        self._pool = ThreadPoolExecutor(os.cpu_count() or 1, "landmarks")

    def __call__(self, crops: Iterable[Array]) -> Iterator[tuple[Array, float, Array]]:
        """Landmarks and presence of each of the crops (size, size, 3) uint8, as the network gives them, and its silhouette."""
        return self._pool.map(self._infer, crops)

    def _infer(self, crop: Array) -> tuple[Array, float, Array]:
        interpreter = self._interpreter()
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], crop[None].astype(np.float32) / 255)
        interpreter.invoke()
        points, presence, mask = (interpreter.get_tensor(output["index"]) for output in interpreter.get_output_details()[:3])
        return points, presence.item(), mask > 0

    def _interpreter(self) -> Any:
        if not hasattr(self._own, "interpreter"):
            self._own.interpreter = self._new()
            self._own.interpreter.allocate_tensors()
        return self._own.interpreter
