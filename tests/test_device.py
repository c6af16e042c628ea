"""What a device may be called, and that one that is not here is refused before torch is imported."""

import subprocess
import sys

import pytest

from hmr_video import device
from hmr_video.device import check_device, choose_device
from hmr_video.errors import UsageError
from hmr_video.people import PeopleOptions


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "CUDA", "cpu:0", "0", ""])
def test_nonsense_is_refused(name: str) -> None:
    for check in (check_device, choose_device, lambda name: PeopleOptions(device=name)):
        with pytest.raises(UsageError, match="no device called"):
            check(name)


def test_what_is_not_here_is_refused_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_GPUS", ())
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setitem(sys.modules, "torch", None)  # an import would fail
    assert choose_device("cpu") == choose_device("auto") == "cpu"
    for name in ("cuda", "cuda:1", "mps"):
        with pytest.raises(UsageError, match=f"no device {name} here"):
            choose_device(name)


def test_cards_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(device, "_GPUS", (device.Path("/"),))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert choose_device("auto") == "cuda"
    assert choose_device("cuda:1") == "cuda:1"
    with pytest.raises(UsageError, match="2 GPUs"):
        choose_device("cuda:2")


def test_commands_refuse_at_once() -> None:
    code = "import sys; from hmr_video.cli.main import run; sys.exit(run(sys.argv[1:]) + ('torch' in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code, "convert", "x.mp4", "--device", "gpu"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "cuda:1" in done.stderr
