"""Training runs end to end, learns, and goes on after a kill as if nothing had happened."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("lightning", reason="the extra `train` is not installed")

from hmr_video.checkpoints import load_model
from hmr_video.console import Reporter
from hmr_video.train.config import TrainConfig
from hmr_video.train.loop import Trainer


@pytest.fixture(scope="module")
def mocap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six clips of bodies that bend hips, knees, shoulders and elbows on sines."""
    folder = tmp_path_factory.mktemp("mocap")
    random = np.random.default_rng(0)
    for number in range(6):
        time = np.arange(90)[:, None] / 30
        poses = np.zeros((90, 72))
        for joint, axis in ((1, 0), (2, 0), (4, 0), (5, 0), (16, 2), (17, 2), (18, 1), (19, 1)):
            poses[:, joint * 3 + axis] = 0.8 * np.sin(2 * np.pi * (random.random() + random.random() * time[:, 0]))
        poses[:, 1] = random.uniform(-3, 3)
        np.savez(folder / f"{number}.npz", poses=poses, trans=np.zeros((90, 3)), mocap_frame_rate=30.0)
    return folder


def config(mocap: Path, state: Path, **changes: int) -> TrainConfig:
    small = {"width": 64, "frame_batch": 128, "window_batch": 8, "frame_steps": 60, "window_steps": 8, "hallucinator_steps": 4}
    return TrainConfig(mocap, state, precision="32-true", accelerator="cpu", warmup=5, threads=1, **(small | changes))


@pytest.mark.slow
def test_a_short_run_learns_and_writes_weights(mocap: Path, tmp_path: Path) -> None:
    trainer = Trainer(config(mocap, tmp_path, validate_every=5), Reporter(quiet=True))
    trainer.train()
    with (tmp_path / "log.csv").open() as stream:
        errors = [float(value) for stage, _, name, value in csv.reader(stream) if stage == "frames" and name == "val_mpjpe"]
    assert errors[-1] < 0.8 * errors[0]
    trainer.write(tmp_path / "weights.safetensors", "smoke", overwrite=False)
    model, metadata = load_model(tmp_path / "weights.safetensors")
    assert model.config.width == 64
    assert "6 h" not in metadata["trained_on"]
    assert (tmp_path / "weights.safetensors").stat().st_size < 2.5 * sum(value.numel() for value in model.state_dict().values())


@pytest.mark.slow
def test_a_killed_run_ends_with_the_same_weights(mocap: Path, tmp_path: Path) -> None:
    whole = Trainer(config(mocap, tmp_path / "whole", frame_steps=6, window_steps=6), Reporter(quiet=True))
    whole.train()
    for _ in range(2):  # each life ends between two saved states
        with pytest.raises(KeyboardInterrupt):
            _train_until_killed(config(mocap, tmp_path / "killed", frame_steps=6, window_steps=6, save_every=2), batches=5)
    survivor = Trainer(config(mocap, tmp_path / "killed", frame_steps=6, window_steps=6, save_every=2), Reporter(quiet=True))
    survivor.train()
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, survivor.model.state_dict()[name]), name


def _train_until_killed(settings: TrainConfig, batches: int) -> None:
    trainer = Trainer(settings, Reporter(quiet=True))
    draw, left = trainer.sampler.batch, iter(range(batches))

    def mortal(*arguments: int):
        if next(left, None) is None:
            raise KeyboardInterrupt
        return draw(*arguments)

    trainer.sampler.batch = mortal  # type: ignore[method-assign]
    trainer.train()
