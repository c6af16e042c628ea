"""The adversarial prior tells captured poses from others, and pushes the model without being pushed."""

from pathlib import Path

import pytest
import torch

pytest.importorskip("lightning", reason="the extra `train` is not installed")

from lightning.fabric import Fabric

from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.mocap.clips import list_mocap, load_mocap
from hmr_video.model.hmmr import Prediction
from hmr_video.model.losses import adversarial_loss
from hmr_video.train.adversary import Adversary
from hmr_video.train.track_terms import JUDGED, judged_poses


@pytest.fixture
def adversary(mocap: Path) -> Adversary:
    motion = load_mocap(mocap, list_mocap(mocap))
    return Adversary(motion, motion.sampling_weights({}), 0, Fabric(accelerator="cpu", devices=1))


def wild(count: int, seed: int) -> torch.Tensor:
    """Poses (count, 23, 3, 3) that no one takes: every joint turned at random."""
    return axis_angle_to_matrix(torch.randn(count, 23, 3, generator=torch.Generator().manual_seed(seed)))


def test_it_learns_to_tell_captured_poses_from_wild_ones(adversary: Adversary) -> None:
    def gap() -> float:
        return float(adversary.judge(adversary.captured(64, 900)).mean() - adversary.judge(wild(64, 900)).mean())

    before = gap()
    losses = [float(adversary.learn(wild(32, number), number)) for number in range(40)]
    assert sum(losses[-5:]) < sum(losses[:5]) - 5
    assert gap() > before + 0.02
    assert torch.equal(adversary.captured(5, 7), adversary.captured(5, 7))


def test_judging_moves_the_pose_and_never_the_judge(adversary: Adversary) -> None:
    poses = wild(4, 1).requires_grad_()
    adversarial_loss(adversary.judge(poses)).backward()
    assert poses.grad is not None
    assert poses.grad.abs().sum() > 0
    state = adversary.state_dict()
    before = {name: value.clone() for name, value in state["network"].items()}
    assert not state["optimiser"]["state"]
    adversary.learn(poses, 3)
    assert any(not torch.equal(value, before[name]) for name, value in adversary.state_dict()["network"].items())


def test_the_poses_that_are_judged_are_few_and_come_from_all_predictions() -> None:
    def prediction(count: int, value: float) -> Prediction:
        rotations = torch.full((count, 20, 24, 3, 3), value)
        return Prediction(torch.zeros(1), rotations, torch.zeros(1), torch.zeros(1))

    judged = judged_poses([prediction(30, 1.0), prediction(10, 2.0)])
    assert judged.shape == (JUDGED, 23, 3, 3)
    assert (judged == 2).float().mean() == pytest.approx(0.25, abs=0.03)
