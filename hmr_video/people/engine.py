"""What runs the detector: OpenVINO (CPUs) or torch. The choice is made once and reported."""

import sys
from collections.abc import Iterable
from importlib import util
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from hmr_video.errors import AssetError
from hmr_video.people.detections import Detections
from hmr_video.people.opencv import import_opencv

Array = NDArray[Any]

PAD = 114  # the grey beyond a picture that YOLO's networks were trained with

# What Linux shows of a GPU that torch can use: Nvidia's, of a Jetson, under Windows, AMD's.
_GPUS = tuple(Path("/dev") / name for name in ("nvidiactl", "nvmap", "dxg", "kfd"))


class Network(Protocol):
    """YOLO pose weights, ready to run: see `hmr_video.people.openvino.OpenVinoNetwork`."""

    engine: str
    stride: int

    def __call__(self, images: Iterable[Array], confidence: float, overlap: float) -> list[Detections]: ...


def choose_engine(wanted: str, device: str) -> tuple[str, str]:
    """(engine, torch device) for the options' ``engine`` and ``device``. Depends on the machine alone. Raises AssetError."""
    device = choose_device(device)
    installed = util.find_spec("openvino") is not None
    if wanted == "openvino" and not installed:
        raise AssetError("The engine openvino is not installed.", "Install openvino, or use --detector-engine torch.")
    if wanted == "auto":
        wanted = "openvino" if installed and device == "cpu" else "torch"
    return wanted, "cpu" if wanted == "openvino" else device


def choose_device(device: str) -> str:
    """The torch device for ``auto``, or ``device`` itself if it is there. Raises AssetError.

    torch, whose import takes longer than a short clip, is not asked where there is nothing to ask about.
    """
    if device == "cpu" or (device == "auto" and sys.platform == "linux" and not any(gpu.exists() for gpu in _GPUS)):
        return "cpu"
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if (device.startswith("cuda") and not torch.cuda.is_available()) or (
        device == "mps" and not torch.backends.mps.is_available()
    ):
        raise AssetError(f"There is no device {device} here.", "Use --device cpu or auto.")
    return device


def load_network(weights: Path, engine: str, device: str) -> Network:
    """The network in a file of YOLO pose weights, on what :func:`choose_engine` chose. Raises AssetError."""
    import_opencv()
    try:
        if engine == "openvino":
            from hmr_video.people.openvino import OpenVinoNetwork

            return OpenVinoNetwork(weights)
        from hmr_video.people.ultralytics import TorchNetwork

        return TorchNetwork(weights, device)
    except AssetError:
        raise
    except Exception as error:  # pickle, zip, torch and ultralytics raise what they like for a file of another kind
        raise AssetError(
            f"{weights} cannot be used as a detector ({type(error).__name__}).", "Give YOLO pose weights (.pt)."
        ) from error
