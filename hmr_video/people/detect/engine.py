"""What runs the detector: OpenVINO (CPUs) or torch. The choice is made once and reported."""

from collections.abc import Iterable
from functools import lru_cache
from importlib import util
from pathlib import Path
from typing import Protocol

from hmr_video.device import choose_device
from hmr_video.errors import AssetError, UsageError
from hmr_video.geometry import Array
from hmr_video.people.detect.detections import Detections
from hmr_video.people.detect.opencv import import_opencv

PAD = 114  # the grey beyond a picture that YOLO's networks were trained with


class Network(Protocol):
    """YOLO pose weights, ready to run: see `hmr_video.people.detect.openvino.OpenVinoNetwork`."""

    engine: str
    stride: int

    def __call__(self, images: Iterable[Array], confidence: float, overlap: float) -> list[Detections]: ...


def choose_engine(wanted: str, device: str) -> tuple[str, str]:
    """(engine, torch device) for the options' ``engine`` and ``device``. Depends on the machine alone.

    Raises AssetError and UsageError.
    """
    asked, device = device, choose_device(device)
    installed = util.find_spec("openvino") is not None
    if wanted == "openvino" and asked not in ("auto", "cpu"):
        raise UsageError(f"OpenVINO runs on the CPU, not on {asked}.", "Leave --device or --detector-engine out.")
    if wanted == "openvino" and not installed:
        raise AssetError("The engine openvino is not installed.", "Install openvino, or use --detector-engine torch.")
    if wanted == "auto":
        wanted = "openvino" if installed and device == "cpu" else "torch"
    return wanted, "cpu" if wanted == "openvino" else device


@lru_cache(maxsize=1)
def load_network(weights: Path, engine: str, device: str) -> Network:
    """The network in a file of YOLO pose weights, on what :func:`choose_engine` chose; loaded once. Raises AssetError."""
    import_opencv()
    try:
        if engine == "openvino":
            from hmr_video.people.detect.openvino import OpenVinoNetwork

            return OpenVinoNetwork(weights)
        from hmr_video.people.detect.ultralytics import TorchNetwork

        return TorchNetwork(weights, device)
    except AssetError:
        raise
    except Exception as error:  # pickle, zip, torch and ultralytics raise what they like for a file of another kind
        raise AssetError(
            f"{weights} cannot be used as a detector ({type(error).__name__}).", "Give YOLO pose weights (.pt)."
        ) from error
