"""The one decision on the device that computes."""

import re
import sys
from pathlib import Path

from hmr_video.errors import UsageError

# What Linux shows of a GPU that torch can use: Nvidia's, of a Jetson, under Windows, AMD's.
_GPUS = tuple(Path("/dev") / name for name in ("nvidiactl", "nvmap", "dxg", "kfd"))
_REMEDY = "Use --device auto or cpu."


def check_device(device: str) -> None:
    """Raises UsageError for what names no device, whether one is here or not."""
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", device):
        raise UsageError(f"There is no device called {device}.", "Choose auto, cpu, cuda, cuda:1 (the second GPU) or mps.")


def choose_device(device: str) -> str:
    """The torch device for ``auto``, or ``device`` itself if it is here. Raises UsageError.

    torch, whose import takes longer than a short clip, is not asked where the answer is known without it.
    """
    check_device(device)
    if device == "cpu":
        return device
    without_gpu = sys.platform == "linux" and not any(gpu.exists() for gpu in _GPUS)
    if device == "auto" and without_gpu:
        return "cpu"
    if (device.startswith("cuda") and without_gpu) or (device == "mps" and sys.platform != "darwin"):
        raise UsageError(f"There is no device {device} here.", _REMEDY)
    import torch

    cards, mps = torch.cuda.device_count(), torch.backends.mps.is_available()
    if device == "auto":
        return "cuda" if cards else "mps" if mps else "cpu"
    if device == "mps" and not mps:
        raise UsageError("There is no device mps here.", _REMEDY)
    if device.startswith("cuda") and int(device.partition(":")[2] or 0) >= cards:
        known = f"of the {cards} GPUs here" if cards else "here, or this torch is built without CUDA"
        raise UsageError(f"There is no device {device} {known}.", _REMEDY)
    return device
