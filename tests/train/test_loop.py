"""Training runs end to end, learns, and goes on after a kill as if nothing had happened."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

pytest.importorskip("lightning", reason="the extra `train` is not installed")

from hmr_video.checkpoints import load_model
from hmr_video.cli.main import run
from hmr_video.console import Reporter
from hmr_video.features.keypoints import keypoint_features
from hmr_video.model import HMMR
from hmr_video.model.presets import hmr_video_default
from hmr_video.train import loop, validation
from hmr_video.train.curves import Log
from hmr_video.train.loop import Trainer, reading_all_points
from hmr_video.train.settings import TrainConfig

Kill = Callable[[Trainer, object, int], None]


def config(mocap: Path, state: Path, **changes: Any) -> TrainConfig:
    small = {"width": 64, "frame_batch": 128, "window_batch": 8, "frame_steps": 60, "window_steps": 8, "hallucinator_steps": 4}
    return TrainConfig(mocap, state, precision="32-true", device="cpu", warmup=5, threads=1, **(small | changes))


@pytest.mark.slow
def test_the_smoke_run_learns_and_writes_weights(mocap: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HMR_VIDEO_CACHE", str(tmp_path))
    weights, state = tmp_path / "weights.safetensors", tmp_path / "train" / "smoke"
    assert run(["train", str(mocap), "--config", "smoke", "--name", "smoke", "-o", str(weights), "-q"]) == 0
    values = Log(state / "log.csv").read()
    errors = [value for (stage, _), value in sorted(values["val_pa_mpjpe"].items()) if stage == "frames"]
    assert errors[-1] < 0.9 * errors[0]
    assert {stage for stage, _ in values["loss"]} == {"frames", "windows", "hallucinator"}
    assert Image.open(state / "curves.png").size > (500, 500)
    model, metadata = load_model(weights)
    assert model.config.width == 64
    assert metadata["name"] == "smoke"
    assert weights.stat().st_size < 2.5 * sum(value.numel() for value in model.state_dict().values())
    assert run(["train", str(mocap), "--config", "smoke", "--name", "smoke", "-o", str(weights), "--overwrite", "--seed=1"]) == 2


def test_a_dry_run_tells_the_plan_and_writes_nothing(
    mocap: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HMR_VIDEO_CACHE", str(tmp_path))
    small = [f"--set={setting}" for setting in ("frame_steps=300", "frame_batch=8", "window_batch=2")]
    assert run(["train", str(mocap), "--config", "smoke", "--dry-run", "-q", *small]) == 0
    said = capsys.readouterr().out
    for line in (r"0\.00 h in 5 clips", r"frames: 300 batches of 8 x 1 frames, 0 done, \d+\.\d+ s each", "time left: .*"):
        assert re.search(line, said)
    assert str(tmp_path / "train" / "default" / "state.pt") in said
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_killed_run_ends_with_the_same_weights(
    mocap: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, train_until_killed: Kill
) -> None:
    monkeypatch.setattr(validation, "WINDOWS", 2)
    whole = Trainer(config(mocap, tmp_path / "whole", frame_steps=6, window_steps=6), Reporter(quiet=True))
    whole.train()
    for _ in range(2):  # each life ends between two saved states
        killed = Trainer(config(mocap, tmp_path / "killed", frame_steps=6, window_steps=6, save_every=2), Reporter(quiet=True))
        train_until_killed(killed, killed.sampler, 5)
    survivor = Trainer(config(mocap, tmp_path / "killed", frame_steps=6, window_steps=6, save_every=2), Reporter(quiet=True))
    survivor.train()
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, survivor.model.state_dict()[name]), name


@pytest.mark.slow
def test_the_mean_of_the_weights_is_written_and_survives_a_kill(
    mocap: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, train_until_killed: Kill
) -> None:
    monkeypatch.setattr(validation, "WINDOWS", 2)
    monkeypatch.setattr(loop, "SAVE_SECONDS", 0.0)  # a state after every step
    changes = {"frame_steps": 0, "window_steps": 8, "hallucinator_steps": 0, "average": 0.9, "schedule": "constant"}
    whole = Trainer(config(mocap, tmp_path / "whole", validate_every=4, **changes), Reporter(quiet=True))
    mean = whole.train()
    assert whole.average is not None
    for name, value in mean.state_dict().items():
        assert name.startswith("temporal.norm") or not torch.equal(value, whole.model.state_dict()[name])
    written, _ = load_model(tmp_path / "whole" / "weights.safetensors")
    assert torch.equal(written.mean_theta, mean.mean_theta.half().float())
    killed = Trainer(config(mocap, tmp_path / "killed", **changes), Reporter(quiet=True))
    train_until_killed(killed, killed.sampler, 5)
    survivor = Trainer(config(mocap, tmp_path / "killed", **changes), Reporter(quiet=True)).train()
    for name, value in mean.state_dict().items():
        assert torch.equal(value, survivor.state_dict()[name]), name


def test_a_model_of_fewer_points_begins_as_good_on_all_of_them() -> None:
    model = HMMR(hmr_video_default(width=32, blocks=1)).eval()
    wider = reading_all_points(model).eval()
    keypoints = torch.rand(2, 9, 29, 3, generator=torch.Generator().manual_seed(0))
    alone, _ = keypoint_features(keypoints[..., :17, :])
    everything, _ = keypoint_features(keypoints)
    torch.testing.assert_close(wider(everything).present.pose, model(alone).present.pose)
    assert wider.config.keypoints == 29


@pytest.mark.slow
@pytest.mark.parametrize("starter", ["torchrun", "fabric"])
def test_two_processes_share_what_they_learn(mocap: Path, tmp_path: Path, starter: str) -> None:
    """Each draws its own batches, both end with the same weights, and the first alone writes."""
    script = tmp_path / "two.py"
    script.write_text(TWO_PROCESSES)
    program = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    program = [*(program if starter == "torchrun" else program[:1]), str(script), str(mocap), str(tmp_path / "state")]
    done = subprocess.run(program, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = (torch.load(tmp_path / f"rank{rank}.pt", weights_only=True) for rank in (0, 1))
    assert not torch.equal(first["features"], second["features"])
    for name, value in first["model"].items():
        assert torch.equal(value, second["model"][name]), name
        assert name.startswith("temporal.norm") or not torch.equal(value, first["before"][name]), f"{name} was not trained"
    assert (first["writes"], second["writes"]) == (True, False)
    lines = (tmp_path / "state" / "log.csv").read_text().splitlines()
    assert len(lines) == len({line.rsplit(",", 1)[0] for line in lines})


TWO_PROCESSES = """
import sys
from pathlib import Path

import torch

from hmr_video.console import Reporter
from hmr_video.train import loop, validation
from hmr_video.train.settings import TrainConfig

validation.WINDOWS = 2
folder, state = Path(sys.argv[1]), Path(sys.argv[2])
steps = {"frame_steps": 4, "window_steps": 4, "hallucinator_steps": 3, "frame_batch": 8, "window_batch": 2, "warmup": 1}
config = TrainConfig(folder, state, width=32, blocks=1, precision="32-true", device="cpu", devices=2, threads=1, **steps)
trainer = loop.Trainer(config, Reporter(quiet=True))
writes = []
write = trainer.log.write
trainer.log.write = lambda *values: (writes.append(values), write(*values))
drawn = []
draw = trainer.sampler.batch
trainer.sampler.batch = lambda *which: drawn.append(draw(*which)) or drawn[-1]
before = {name: value.clone() for name, value in trainer.model.state_dict().items()}
model = trainer.train().state_dict()
result = {"model": model, "before": before, "features": drawn[0].features, "writes": bool(writes)}
torch.save(result, state.parent / f"rank{trainer.fabric.global_rank}.pt")
"""
