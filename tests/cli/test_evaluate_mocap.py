"""The command `evaluate --mocap` with the shipped weights on a made-up clip."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from hmr_video.checkpoints.saving import save_model
from hmr_video.cli.main import run
from hmr_video.features.keypoints import feature_size
from hmr_video.model import HMMR
from hmr_video.model.presets import hmr_video_default
from hmr_video.train.loop import reading_all_points


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


def test_feet_and_hands_change_nothing_for_weights_that_do_not_read_them(
    mocap: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    torch.manual_seed(0)
    model = HMMR(hmr_video_default(width=16, blocks=1))
    for name, weights in (("coco", model), ("all", _with_random_inputs(model))):
        save_model(tmp_path / f"{name}.safetensors", weights, {"name": name})
    errors = {}
    for name in ("coco", "all"):
        for points in ([], ["--all-points"]):
            command = ["evaluate", "--mocap", str(mocap), "--all", "--windows", "1", "--no-refine", "-q", "--json", *points]
            assert run([*command, "--weights", str(tmp_path / f"{name}.safetensors")]) == 0
            row = json.loads(capsys.readouterr().out)[0]
            errors[name, bool(points)] = row["values"]["pa_mpjpe"]
    assert errors["coco", False] == errors["coco", True]
    assert errors["all", False] != errors["all", True]
    assert run(["evaluate", "--mocap", str(mocap), "--all", "--real-detector", "--all-points", "-q"]) == 2


def _with_random_inputs(model: HMMR) -> HMMR:
    """The model, reading feet and hands too, in some way."""
    wider = reading_all_points(model)
    torch.nn.init.normal_(wider.projection[0].weight[:, feature_size(17) :])
    return wider


def test_failures_are_drawn(mocap: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(mocap / "walk.npz", mocap / "again.npz")
    picture = tmp_path / "worst.png"
    arguments = ["evaluate", "--mocap", str(mocap), "--all", "--windows", "3", "--no-refine", "-q", "--failures", str(picture)]
    assert run([*arguments, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["clip"].rpartition("/")[2] for row in rows} == {"walk", "again"}  # each once
    assert rows[0]["pa_mpjpe_of_window"] >= rows[1]["pa_mpjpe_of_window"] > 0
    assert all(row["pa_mpjpe"] > row["pa_mpjpe_of_window"] for row in rows)
    image = np.asarray(Image.open(picture))[44:264]  # the first row
    for left, blue in ((0, True), (240, False), (480, True), (720, False)):  # truth, estimate, and again from the side
        red, green, _ = image[:, left : left + 240].reshape(-1, 3).T.astype(int)
        body = np.abs(red - green) > 12
        assert 0.03 < body.mean() < 0.6
        assert (np.median((red - green)[body]) < 0) == blue
    assert run(arguments) == 7  # it exists


def test_mocap_refuses(mocap: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "--mocap", str(mocap)]) == 3  # one clip cannot be split
    assert run(["evaluate", "--mocap", str(mocap), "--all", "--windows", "0"]) == 2
    assert run(["evaluate", "--mocap", str(mocap), "--all", "--weak-points", "--real-detector"]) == 2
    assert run(["evaluate", "--mocap", str(mocap), "--samples"]) == 2
    assert run(["evaluate", "--samples", "--failures", "worst.png"]) == 2
    assert run(["evaluate", "--samples", "--up", "y"]) == 2
    assert run(["evaluate", "--mocap", str(mocap), "--all", "--up", "x"]) == 2
    capsys.readouterr()


@pytest.mark.slow
def test_the_real_detector_finds_who_we_film(mocap: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["evaluate", "--mocap", str(mocap), "--all", "--windows", "1", "--no-refine", "--quiet", "--json"]
    assert run([*arguments, "--real-detector"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["frames"] == 30
