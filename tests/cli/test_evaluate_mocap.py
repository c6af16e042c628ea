"""The command `evaluate --mocap` with the shipped weights on a made-up clip."""

import json
from pathlib import Path

import numpy as np
import pytest

from hmr_video.cli.main import run


@pytest.fixture
def mocap(tmp_path: Path) -> Path:
    """One clip of swinging knees, which cannot be split."""
    poses = np.zeros((30, 72))
    poses[:, 12] = poses[:, 15] = 0.4 + 0.4 * np.sin(np.arange(30) / 5)
    np.savez(tmp_path / "walk.npz", poses=poses, trans=np.zeros((30, 3)), mocap_frame_rate=30.0)
    return tmp_path


def test_tables_of_a_folder(mocap: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["evaluate", "--mocap", str(mocap), "--all", "--windows", "2", "--no-refine", "--quiet"]
    assert run([*arguments, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    overall = [row for row in rows if row["table"] == "overall"]
    assert [(row["variant"], row["windows"], row["frames"]) for row in overall] == [("single frame", 2, 60), ("temporal", 2, 60)]
    assert all(5 < row["values"]["pa_mpjpe"] < 300 for row in overall)
    assert run(arguments) == 0
    assert "fastest tenth" in capsys.readouterr().out


def test_mocap_refuses(mocap: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "--mocap", str(mocap)]) == 3  # one clip cannot be split
    assert run(["evaluate", "--mocap", str(mocap), "--all", "--windows", "0"]) == 2
    assert run(["evaluate", "--mocap", str(mocap), "--all", "--weak-points", "--real-detector"]) == 2
    assert run(["evaluate", "--mocap", str(mocap), "--samples"]) == 2
    capsys.readouterr()


@pytest.mark.slow
def test_the_real_detector_finds_who_we_film(mocap: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["evaluate", "--mocap", str(mocap), "--all", "--windows", "1", "--no-refine", "--quiet", "--json"]
    assert run([*arguments, "--real-detector"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["frames"] == 30
