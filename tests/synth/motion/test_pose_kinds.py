"""Kinds of pose told apart, and rare ones drawn more often."""

from pathlib import Path

import pytest
import torch
from torch import Generator

from hmr_video.body import Body
from hmr_video.cli.main import run
from hmr_video.geometry.rotations import axis_angle_to_matrix, matrix_to_six_d
from hmr_video.mocap.clips import Mocap
from hmr_video.synth.motion.invented import NAMES, InventedConfig, Inventor
from hmr_video.synth.motion.pose_kinds import KINDS, MOST, frame_weights, kinds_of, kinds_of_mocap


@pytest.mark.parametrize(
    ("posture", "kind", "share"),
    [
        ("seated", "sitting", 0.9), ("on the floor, cross-legged", "sitting", 0.8), ("squatting", "squatting", 0.15),
        ("kneeling", "kneeling", 0.8), ("half-kneeling", "kneeling", 0.7), ("on the back", "lying", 0.8),
        ("on all fours", "crawling", 0.8), ("handstand", "upside down", 0.9), ("straddling", "straddling", 0.6),
        ("lunging", "lunging", 0.25),
    ],
)  # fmt: skip
def test_made_up_postures_are_of_their_kind(body: Body, posture: str, kind: str, share: float) -> None:
    still = torch.eye(3).expand(200, 1, 24, 3, 3)
    rotations, _, _ = Inventor(body, InventedConfig()).windows(still, Generator().manual_seed(0), NAMES.index(posture))
    joints, _ = body.joints(rotations[:, 0], torch.zeros(200, 10))
    assert kinds_of(joints)[:, KINDS.index(kind)].double().mean() > share


def test_arms_are_folded_or_held_behind(body: Body) -> None:
    still = torch.eye(3).expand(200, 1, 24, 3, 3)
    rotations, _, _ = Inventor(body, InventedConfig()).windows(
        still, Generator().manual_seed(0), NAMES.index("arms folded or behind")
    )
    joints, _ = body.joints(rotations[:, 0], torch.zeros(200, 10))
    found = kinds_of(joints)[:, [KINDS.index("arms crossed"), KINDS.index("hands behind the back")]].double().mean(0)
    assert found[0] > 0.3
    assert found[1] > 0.1
    assert found.sum() > 0.7


def test_rare_kinds_are_drawn_more_often_within_bounds(body: Body) -> None:
    """A clip of somebody who stands, and of its hundred frames one with the arms raised."""
    pose = torch.zeros(100, 24, 3)
    pose[:, 16, 2], pose[:, 17, 2] = -1.2, 1.2
    pose[50, 16, 2], pose[50, 17, 2] = 1.3, -1.3
    mocap = Mocap(
        matrix_to_six_d(axis_angle_to_matrix(pose)), torch.zeros(100, 3), torch.tensor([0]), torch.tensor([100]), ["a/1"]
    )
    kinds = kinds_of_mocap(mocap, body)
    assert kinds.nonzero().tolist() == [[50, KINDS.index("arms raised")]]
    weights = frame_weights(mocap, torch.ones(1), kinds)
    assert float(weights.sum()) == pytest.approx(1)
    assert float(weights[50] / weights[0]) == pytest.approx(2)  # the root of 4 % over 1 %
    assert float(weights.max() / weights.min()) <= MOST


def test_the_command_counts(mocap: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", str(mocap), "--count"]) == 0
    said = capsys.readouterr().out
    assert all(word in said for kind in KINDS for word in kind.split())
    assert "made up, %" in said
