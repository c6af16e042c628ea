"""Cached image features as training windows: jittered crops, targets in them, deltas that do not see the jitter."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from hmr_video.body import Body
from hmr_video.console import Reporter
from hmr_video.errors import InputError
from hmr_video.features.crops import person_crops
from hmr_video.geometry.cameras import weak_project
from hmr_video.model import HMMR, HMMRConfig
from hmr_video.model.hmmr import Output, Prediction
from hmr_video.model.losses import keypoint_loss
from hmr_video.people.tracks import Track
from hmr_video.train.feature_terms import feature_terms
from hmr_video.train.feature_tracks import FeatureBatch, FeatureSampler, FeatureTrack, cache_features, list_features
from hmr_video.train.track_terms import relative_keypoints
from hmr_video.video import Chunk

LENGTH, VARIANTS = 30, 4


class Mean(nn.Module):
    """An encoder whose whole feature is the mean of the crop."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1))

    def forward(self, images: Tensor) -> Tensor:
        return (images.mean((1, 2, 3)) * self.gain)[:, None].expand(-1, 2048)


class Reader:
    """Frames that are dark above and light below, so that a crop's mean tells where it was cut."""

    def chunks(self) -> Iterator[Chunk]:
        rows = np.linspace(0, 255, 120).astype(np.uint8)
        frames = np.broadcast_to(rows[None, :, None, None], (LENGTH, 120, 160, 3))
        yield Chunk(frames, np.arange(LENGTH), np.arange(LENGTH) / 30)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The features of one person who stands still."""
    folder = tmp_path_factory.mktemp("features")
    keypoints = np.zeros((LENGTH, 17, 3))
    keypoints[:, :2] = [[60, 30, 0.9], [90, 90, 0.9]]
    track = Track(np.arange(LENGTH), np.tile([60.0, 30, 90, 90], (LENGTH, 1)), keypoints, np.ones(LENGTH, bool))
    (path,) = cache_features(Reader(), [track], Mean(), folder, Reporter(quiet=True), VARIANTS)  # type: ignore[arg-type]
    return path


@pytest.fixture
def folder(written: Path, tmp_path: Path) -> Path:
    """A copy of them, to be spoilt."""
    shutil.copy(written, tmp_path)
    return tmp_path


def test_the_cache_holds_the_papers_crop_and_jittered_ones(folder: Path) -> None:
    (track,) = list_features(folder)
    crops = person_crops(track.keypoints.numpy())
    np.testing.assert_allclose(track.scales[0], crops.scales, rtol=1e-6)
    octaves = torch.log2(track.scales[1:] / track.scales[:1])
    shifts = (track.centers[1:] - track.centers[:1]) * track.scales[1:, :, None]
    assert 0.25 < octaves.abs().max() <= 0.3001
    assert 17 < shifts.abs().max() <= 20.01
    assert octaves.std(1).min() > 0.1  # each frame by itself
    phi = track.phi(5, 10)
    assert phi.shape == (VARIANTS, 10, 2048)
    lower = torch.corrcoef(torch.stack([phi[1:, :, 0].flatten(), track.centers[1:, 5:15, 1].flatten()]))[0, 1]
    assert lower > 0.8  # features are of the crops that the file names


def test_a_window_draws_a_crop_for_each_frame_and_its_targets_lie_in_it(folder: Path) -> None:
    sampler = FeatureSampler(list_features(folder), frames=12, seed=1)
    batch, again, other = sampler.batch(3, 8), sampler.batch(3, 8), sampler.batch(4, 8)
    assert torch.equal(batch.features, again.features)
    assert not torch.equal(batch.features, other.features)
    assert batch.targets.shape == (8, 12, 17, 3)
    assert batch.targets[..., :2, 2].all()
    assert not batch.targets[..., 2:, 2].any()
    diagonal = (batch.targets[..., 1, :2] - batch.targets[..., 0, :2]).norm(dim=-1) * 112 / 150  # 1 in the paper's crop
    assert 0.8 < diagonal.min() < 0.9
    assert 1.1 < diagonal.max() < 1.24
    assert not batch.has_pose.any()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"phi": None}, "lacks phi"),
        ({"keypoints": None}, "lacks keypoints"),
        ({"phi": torch.zeros(LENGTH, 2048)}, "phi"),
        ({"keypoints": torch.zeros(LENGTH, 19, 3)}, "19 keypoints"),
        ({"keypoints": torch.full((LENGTH, 17, 3), torch.nan)}, "keypoints that are not finite"),
        ({"scales": torch.zeros(VARIANTS, LENGTH)}, "without a size"),
        ({"centers": torch.zeros(VARIANTS, LENGTH - 1, 2)}, "centers"),
        ({"poses": torch.zeros(LENGTH, 72)}, "poses or betas without"),
        ({"joints3d": torch.zeros(LENGTH, 14, 3)}, "joints3d"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(folder: Path, changes: dict[str, Any], message: str) -> None:
    path = folder / "features_01.safetensors"
    tensors = {name: value for name, value in (load_file(path) | changes).items() if value is not None}
    save_file(tensors, path)
    with pytest.raises(InputError, match=rf"features_01\.safetensors.*{message}"):
        FeatureTrack.load(path)


def test_damaged_and_short_tracks_are_refused(folder: Path) -> None:
    path = folder / "features_01.safetensors"
    with pytest.raises(InputError, match="None of 1 track"):
        FeatureSampler(list_features(folder), frames=LENGTH + 1)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="cannot be read as safetensors"):
        FeatureTrack.load(path)
    with pytest.raises(InputError, match="holds no tracks"):
        list_features(folder / "nowhere")


def _still(body: Body, frames: int = 20) -> tuple[Prediction, Tensor]:
    """A person who does not move, and where the keypoints are, (1, T, 17, 2) metres."""
    rotations = torch.eye(3).repeat(1, frames, 24, 1, 1)
    rotations[..., 0, :, :] = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
    camera = torch.tensor([0.9, 0.0, 0.0]).expand(1, frames, 3)
    present = Prediction(camera, rotations, torch.zeros(1, frames, 10), torch.zeros(1, frames, 144))
    return present, relative_keypoints(body, present)[..., :2]


def test_jitter_is_no_motion_to_the_deltas(body: Body) -> None:
    """The crops of a still person jump; the deltas that say nothing moves are right, and their loss tells them so."""
    present, points = _still(body)
    generator = torch.Generator().manual_seed(0)
    scale = 0.9 * 2 ** (0.6 * torch.rand(1, 20, 1, 1, generator=generator) - 0.3)
    shift = (2 * torch.rand(1, 20, 1, 2, generator=generator) - 1) * 20 / 112
    targets = torch.cat([scale * points + shift, torch.ones(1, 20, 17, 1)], -1)
    nothing, joints, no = torch.zeros(1), torch.zeros(1, 20, 24, 3), torch.tensor([False])
    batch = FeatureBatch(nothing, targets, present.rotations, torch.zeros(1, 10), joints, no, no)
    delta = replace(present, camera=torch.tensor([1.0, 0, 0]).expand(1, 20, 3))
    terms = feature_terms(Output(present, delta, delta, nothing, []), batch, body)
    assert terms["past_keypoints"] < 1e-3
    assert terms["future_keypoints"] < 1e-3
    assert terms["keypoints"] > 1  # the present does have a camera, which must follow the jitter
    fixed = keypoint_loss(weak_project(points, present.camera), targets)
    assert fixed > 0.05  # what a delta would be blamed for, were its camera the present's
    moved = delta.rotations.clone()
    moved[:, :, 16] = torch.tensor([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    wrong = feature_terms(Output(present, replace(delta, rotations=moved), delta, nothing, []), batch, body)
    assert wrong["past_keypoints"] > 1  # but a moved arm is seen


@pytest.mark.slow
def test_the_papers_losses_can_be_trained_on_it(body: Body, tmp_path: Path) -> None:
    """Features that hold the 2D points, labelled in part: all losses fall."""
    torch.manual_seed(0)
    present, points = _still(body, LENGTH)
    for number, labelled in enumerate((True, False)):
        mixing = torch.randn(VARIANTS, LENGTH, 34, 2048, generator=torch.Generator().manual_seed(0))[:1, :1]
        pixels = points[0] * 100 + 200
        centers, scales = torch.full((VARIANTS, LENGTH, 2), 200.0), torch.ones(VARIANTS, LENGTH) * 1.1
        phi = ((pixels - 200) / 100).flatten(1) @ mixing[0, 0] / 34
        tensors = {"phi": phi.half().repeat(VARIANTS, 1, 1), "centers": centers, "scales": scales}
        tensors["keypoints"] = torch.cat([pixels, torch.ones(LENGTH, 17, 1)], -1)
        if labelled:
            tensors |= {"poses": torch.zeros(LENGTH, 72), "betas": torch.zeros(10), "joints3d": torch.zeros(LENGTH, 24, 3)}
            tensors["poses"][:, 0] = torch.pi
            joints, _ = body.joints(present.rotations, present.betas)
            tensors["joints3d"] = joints[0].contiguous()
        save_file(tensors, tmp_path / f"{number}.safetensors")
    sampler = FeatureSampler(list_features(tmp_path))
    model = HMMR(HMMRConfig(2048, 32, True, 4, True, "axis_angle", 0.0, 17, blocks=1, hidden=32, features="resnet50"))
    nn.init.normal_(model.mean_theta, std=0.3)
    optimiser = torch.optim.Adam(model.parameters(), lr=3e-3)
    history = []
    for step in range(25):
        batch = sampler.batch(step, 4)
        terms = feature_terms(model(batch.features), batch, body)
        optimiser.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        optimiser.step()
        history.append({name: value.item() for name, value in terms.items()})
    for name in ("keypoints", "smpl", "joints", "past_keypoints", "future_keypoints", "past_smpl", "shape_prior"):
        first, last = (np.mean([terms[name] for terms in part]) for part in (history[:3], history[-3:]))
        assert last < 0.7 * first, f"{name}: {first:.2f} -> {last:.2f}"
