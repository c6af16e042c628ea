"""Which device is taken: names are checked everywhere, and what is plainly missing is refused without asking torch."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from hmr_video import device, reconstruct
from hmr_video.device import check_device, check_name, choose_device, shared_gpus
from hmr_video.errors import UsageError
from hmr_video.options import PeopleOptions
from hmr_video.people.detect.engine import choose_engine


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "_GPUS", ())
    monkeypatch.setattr(sys, "platform", "linux")


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "CPU", "tpu", "", "cuda0", "mps:1"])
def test_what_is_no_device_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="Choose auto"):
        check_name(name)
    with pytest.raises(UsageError):
        PeopleOptions(device=name)


@pytest.mark.parametrize("name", ["cuda", "cuda:3", "mps"])
def test_what_is_not_here_is_refused(name: str, no_gpu: None) -> None:
    for act in (check_device, choose_device, shared_gpus):
        with pytest.raises(UsageError, match=f"no device {name} here"):
            act(name)
    assert PeopleOptions(device=name).device == name  # which another machine may have


def test_without_a_gpu_it_is_the_cpu(no_gpu: None) -> None:
    assert (choose_device("auto"), choose_device("cpu")) == ("cpu", "cpu")
    assert (shared_gpus("auto"), shared_gpus("cpu")) == (0, 0)


def test_the_number_of_a_gpu_counts(monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(device, "_shows_gpu", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert [choose_device(name) for name in ("auto", "cuda", "cuda:1")] == ["cuda", "cuda", "cuda:1"]
    assert [shared_gpus(name) for name in ("auto", "cuda", "cuda:1", "cpu")] == [2, 2, 0, 0]
    with pytest.raises(UsageError, match="cuda:2"):
        choose_device("cuda:2")
    with pytest.raises(UsageError, match="OpenVINO runs on the CPU"):
        choose_engine("openvino", "cuda")


def test_a_wrong_name_costs_no_torch() -> None:
    code = "import sys; from hmr_video.cli.main import run; code = run(['convert', 'x.mp4', '--device', 'gpu'])"
    code += "; sys.exit(code + 10 * ('torch' in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 2


@pytest.mark.slow
@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_the_whole_line_on_another_device_is_what_it_is_on_the_cpu(name: str) -> None:
    """Half precision moves keypoints by a pixel or less, and bodies by a centimetre."""
    try:
        choose_device(name)
    except UsageError:
        pytest.skip(f"there is no {name} here")
    clip = Path(__file__).parents[1] / "samples" / "one_person.mp4"
    usual, other = (reconstruct(clip, device=one, landmarks="none", end=1.0)[0] for one in ("cpu", name))
    assert np.linalg.norm(usual.joints3d - other.joints3d, axis=-1).mean() < 0.01
