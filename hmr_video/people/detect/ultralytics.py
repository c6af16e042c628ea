"""The detector's network as ultralytics runs it, in torch: for GPUs, and where OpenVINO is not."""

import io
import logging
import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from hmr_video.errors import AssetError
from hmr_video.files import cache_folder
from hmr_video.geometry import Array
from hmr_video.people.detect.detections import MOST, Detections
from hmr_video.people.detect.opencv import import_opencv

_BATCH_PIXELS = 4 * 640**2  # more costs memory and gains nothing


def import_ultralytics() -> None:
    """Imports ultralytics silenced: no installs, no telemetry, no settings beside the user's files. Raises AssetError."""
    folder = cache_folder() / "ultralytics"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("YOLO_CONFIG_DIR", str(folder))
    os.environ["YOLO_OFFLINE"] = "True"  # else the import asks name servers whether there is a network, and then reports
    os.environ.setdefault("YOLO_AUTOINSTALL", "False")
    os.environ.setdefault("YOLO_VERBOSE", "False")
    import_opencv()
    try:
        import ultralytics
    except ImportError as error:
        raise AssetError(f"ultralytics cannot be imported ({error}).", "Install hmr-video again.") from error
    ultralytics.utils.LOGGER.setLevel(logging.CRITICAL)
    if ultralytics.settings["sync"]:
        ultralytics.settings.update({"sync": False})


def download(target: Path) -> bool:
    """Whether ultralytics could fetch the weights of the name of the file ``target``."""
    import_ultralytics()
    from ultralytics.utils.downloads import attempt_download_asset

    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        found = Path(attempt_download_asset(target))
    except Exception:  # urllib, requests, OS and ultralytics' own: all mean that there is no file
        return False
    return found.is_file() and target.is_file()


class TorchNetwork:
    """YOLO pose weights on a torch device; in half precision on CUDA.

    stride: what the sides of images must be multiples of.
    """

    engine = "torch"

    def __init__(self, weights: Path, device: str) -> None:
        import_ultralytics()
        import torch
        from ultralytics.nn.autobackend import AutoBackend

        self._half = device.startswith("cuda")
        with silence():
            self._model: Any = AutoBackend(str(weights), device=torch.device(device), fp16=self._half).eval()
        refuse_other_keypoints(weights, getattr(self._model, "kpt_shape", None))
        self.stride = int(self._model.stride)

    def __call__(self, images: Iterable[Array], confidence: float, overlap: float) -> list[Detections]:
        """Who is in each of the images (H, W, 3) uint8 RGB of one size, in their pixels; see `OpenVinoNetwork`."""
        left = iter(images)
        found: list[Detections] = []
        while first := list(islice(left, 1)):
            batch = first + list(islice(left, max(1, _BATCH_PIXELS // max(first[0].shape[:2]) ** 2) - 1))
            found += self._find(np.stack(batch), confidence, overlap)
        return found

    def _find(self, images: Array, confidence: float, overlap: float) -> list[Detections]:
        import torch
        from ultralytics.utils.nms import non_max_suppression

        with torch.inference_mode():
            batch = torch.from_numpy(images).to(self._model.device).permute(0, 3, 1, 2)
            raw = self._model((batch.half() if self._half else batch.float()).div_(255).contiguous())
        kinds, ready = len(self._model.names), bool(getattr(self._model, "end2end", False))
        rows = non_max_suppression(raw, confidence, overlap, agnostic=True, max_det=MOST, nc=kinds, end2end=ready)
        people = [row.float().cpu().numpy().astype(np.float64) for row in rows]
        return [Detections(row[:, :4], row[:, 4], row[:, 6:].reshape(-1, 17, 3)) for row in people]


def refuse_other_keypoints(weights: Path, shape: Any) -> None:
    """Raises AssetError unless a network finds (17, 3) keypoints."""
    if tuple(shape or ()) != (17, 3):
        raise AssetError(f"{weights} does not find COCO keypoints.", "Give YOLO pose weights of 17 keypoints.")


@contextmanager
def silence() -> Iterator[None]:
    """Keeps ultralytics and torch from printing while a model is loaded or exported."""
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
