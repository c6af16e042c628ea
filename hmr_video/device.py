"""The one decision on the device that networks run on."""

import ctypes.util
import re
import sys
from pathlib import Path

from hmr_video.errors import UsageError

_NAMES = re.compile(r"auto|cpu|mps|cuda(:\d+)?")
_CHOICE = "Choose auto, cpu, cuda, cuda:N (the N-th GPU, from 0) or mps."
_REMEDY = "Leave --device out, or use --device cpu."

# What Linux shows of a GPU that torch can use: Nvidia's, of a Jetson, under Windows, AMD's.
_GPUS = tuple(Path("/dev") / name for name in ("nvidiactl", "nvmap", "dxg", "kfd"))


def check_name(device: str) -> None:
    """Raises UsageError for what is no name of a device."""
    if not _NAMES.fullmatch(device):
        raise UsageError(f"There is no kind of device called {device}.", _CHOICE)


def check_device(device: str) -> None:
    """Raises UsageError for what is no device, or is plainly not in this machine; asks no library that takes time to load."""
    check_name(device)
    kind = device.partition(":")[0]
    if (kind == "cuda" and not _shows_gpu()) or (kind == "mps" and sys.platform != "darwin"):
        raise _missing(device)


def choose_device(device: str) -> str:
    """The torch device for ``auto``, or ``device`` itself if it is there. Raises UsageError.

    torch, whose import takes longer than a short clip, is not asked where there is nothing to ask about.
    """
    check_device(device)
    if device == "cpu" or (device == "auto" and sys.platform != "darwin" and not _shows_gpu()):
        return "cpu"
    import torch

    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if device == "mps":
        there = torch.backends.mps.is_available()
    else:
        there = torch.cuda.is_available() and int(device.partition(":")[2] or 0) < torch.cuda.device_count()
    if not there:
        raise _missing(device)
    return device


def shared_gpus(device: str) -> int:
    """How many GPUs several processes may divide among them: all where none is named. Raises UsageError."""
    if device in ("auto", "cuda") and choose_device(device) == "cuda":
        import torch

        return int(torch.cuda.device_count())
    check_device(device)
    return 0


def _shows_gpu() -> bool:
    """Whether the system shows a GPU that CUDA may know. A driver may be missing all the same."""
    if sys.platform == "linux":
        return any(gpu.exists() for gpu in _GPUS)
    return sys.platform == "win32" and ctypes.util.find_library("nvcuda") is not None


def _missing(device: str) -> UsageError:
    return UsageError(f"There is no device {device} here.", _REMEDY)
