"""Training on tracks without 3D labels: what the windows hold, and that 2D alone teaches; with an adversary, exactly resumed."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("lightning", reason="the extra `train` is not installed")

from hmr_video.body import load_body
from hmr_video.console import Reporter
from hmr_video.errors import InputError
from hmr_video.features.keypoints import camera_translation
from hmr_video.geometry.cameras import camera_matrix
from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.model.hmmr import Prediction
from hmr_video.synth.simulated_detector import DetectorConfig
from hmr_video.train.label import PseudoTrack
from hmr_video.train.loop import Trainer
from hmr_video.train.objective import ObjectiveWeights
from hmr_video.train.pseudo_labels import TrackBatch, TrackSampler, degraded, list_tracks, load_tracks
from hmr_video.train.settings import TrainConfig
from hmr_video.train.track_terms import delta_term, present_terms

SIZE = (640, 480)


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two people, at 15 and 30 frames a second, whose every point wanders over the image."""
    folder = tmp_path_factory.mktemp("tracks")
    random = np.random.default_rng(5)
    for number, rate in enumerate((15.0, 30.0), 1):
        time = np.arange(60) / rate
        points = random.uniform(100, 400, (17, 2)) + 40 * np.sin(time[:, None, None] + random.uniform(0, 6, (17, 2)))
        keypoints = np.concatenate([points, np.full((60, 17, 1), 0.9)], -1)
        keypoints[:, 3] = 0
        boxes = np.tile([0.0, 0, 640, 480], (60, 1))
        intrinsics = camera_matrix(*SIZE).numpy()
        track = PseudoTrack(keypoints, np.arange(60), time, np.array(SIZE), intrinsics, boxes)
        track.save(folder / f"v{number}" / f"track_{number:03d}.npz")
    return folder


def never() -> DetectorConfig:
    """A detector without errors."""
    chances = dict.fromkeys(("outlier", "swap", "copied_limb", "occluder", "truncated", "lost", "silent", "missing"), 0.0)
    return DetectorConfig(noise=(1e-9, 2e-9), **chances)


def test_tracks_are_read_at_the_models_rate_as_rays(tracks: Path) -> None:
    read = load_tracks(list_tracks(tracks))
    assert read.lengths.tolist() == [119, 60]
    first = PseudoTrack.load(tracks / "v1" / "track_001.npz")
    expected = (torch.from_numpy(first.keypoints2d[7, :, :2]) - torch.tensor([320.0, 240.0])) / 800
    seen = read.keypoints[14]  # frame 7 of 15 a second
    assert torch.allclose(seen[4:, :2], expected[4:], atol=1e-5)
    assert seen[3, 2] == 0
    with pytest.raises(InputError):
        list_tracks(tracks / "v1" / "nothing")


def test_targets_are_the_labels_and_inputs_are_worse(tracks: Path) -> None:
    read = load_tracks(list_tracks(tracks))
    batch = TrackSampler(read, DetectorConfig(), seed=1).batch(3, 16, 12)
    again = TrackSampler(read, DetectorConfig(), seed=1).batch(3, 16, 12)
    assert torch.equal(batch.features, again.features)
    assert batch.targets.shape == (16, 12, 17, 3)
    labelled = batch.targets[..., 2]
    assert (labelled[..., 3] + labelled[..., 4] == 1).all()  # the point that is missing, or its mirror
    rays = batch.targets[..., :2] * batch.box[..., None, 2:] + batch.box[..., None, :2]
    inputs = batch.features[..., :34].unflatten(-1, (17, 2))
    seen = (batch.features[..., 34:51] > 0.2) & (batch.targets[..., 2] > 0)
    gap = (inputs - batch.targets[..., :2]).norm(dim=-1)[seen]
    assert 0.01 < gap.median() < 0.3
    smooth = rays.diff(dim=1).norm(dim=-1)[..., 5:].amax()
    assert smooth < 1.45 * 40 * 1.5 / 30 / 800  # labels move as the person does: noise is in the input alone


def test_a_perfect_copy_is_the_track_itself(tracks: Path) -> None:
    keypoints = load_tracks(list_tracks(tracks)).keypoints[None, :20]
    copy = degraded(keypoints, never(), torch.Generator().manual_seed(0))
    visible = keypoints[..., 2] > 0
    assert torch.allclose(copy[visible][:, :2], keypoints[visible][:, :2], atol=1e-5)
    assert not copy[~visible][:, 2].any()


def test_the_true_body_has_no_2d_loss_whatever_its_depth() -> None:
    """Targets projected from a known body: the right one explains them as present and, without a camera, as past or future."""
    body, generator = load_body("open"), torch.Generator().manual_seed(1)
    pose = 0.3 * torch.randn(1, 2, 24, 3, generator=generator)
    pose[:, :, 0] = torch.tensor([torch.pi, 0, 0])
    rotations, betas = axis_angle_to_matrix(pose), torch.zeros(1, 2, 10)
    joints, turned = body.joints(rotations, betas)
    points = body.coco_from_joints(joints, turned, betas) - joints[..., :1, :]
    place = torch.tensor([9.0, -4.0, 30.0])  # far to the side, and so far away that perspective hardly counts
    rays = (points + place)[..., :2] / (points + place)[..., 2:]
    box = torch.tensor([0.31, -0.13, 0.03]).expand(1, 2, 3)
    targets = torch.cat([(rays - box[..., None, :2]) / box[..., None, 2:], torch.ones(1, 2, 17, 1)], -1)
    camera = torch.tensor([1 / (30 * 0.03), 9 - 0.31 * 30, -4 + 0.13 * 30]).expand(1, 2, 3)
    assert torch.allclose(camera_translation(camera, box)[0, 0], place, atol=1e-4)
    batch = TrackBatch(torch.zeros(1, 2, 54), box, targets)
    true = Prediction(camera, rotations, betas, pose)
    assert present_terms(true, batch, body)["points2d"] < 1e-4
    assert delta_term(true, torch.tensor([0, 1]), batch, body) < 0.01
    other = Prediction(camera, rotations.roll(1, 2), betas, pose)
    assert present_terms(other, batch, body)["points2d"] > 0.1
    assert delta_term(other, torch.tensor([0, 1]), batch, body) > 0.1


def config(mocap: Path, tracks: Path, state: Path, **steps: int) -> TrainConfig:
    small = {"width": 32, "blocks": 1, "frame_batch": 32, "window_batch": 8, "frame_steps": 4, "window_steps": 5}
    weights = ObjectiveWeights(adversarial=0.1)
    settings = {"precision": "32-true", "device": "cpu", "threads": 1, "warmup": 2, "hallucinator_steps": 2}
    return TrainConfig(mocap, state, tracks=tracks, objective=weights, **(small | settings | steps))


@pytest.mark.slow
def test_a_killed_run_with_tracks_and_adversary_ends_with_the_same_weights(
    mocap: Path, tracks: Path, tmp_path: Path, train_until_killed: Callable[..., None]
) -> None:
    whole = Trainer(config(mocap, tracks, tmp_path / "whole"), Reporter(quiet=True))
    whole.train()
    killed = Trainer(config(mocap, tracks, tmp_path / "killed", save_every=2), Reporter(quiet=True))
    train_until_killed(killed, killed.tracks, 7)
    survivor = Trainer(config(mocap, tracks, tmp_path / "killed", save_every=2), Reporter(quiet=True))
    survivor.train()
    for part in (lambda run: run.model.state_dict(), lambda run: run.adversary.state_dict()["network"]):
        for name, value in part(whole).items():
            assert torch.equal(value, part(survivor)[name]), name
    assert {"track_points2d", "track_past_points2d", "adversarial", "discriminator"} <= set(whole.log.read())
