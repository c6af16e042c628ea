"""Cached image features as training windows: jittered crops, targets in them, deltas that do not see the jitter; and training."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

pytest.importorskip("lightning", reason="the extra `train` is not installed")

from hmr_video.assets import find_body
from hmr_video.body import Body, load_body
from hmr_video.checkpoints import load_model
from hmr_video.checkpoints.image_encoder import image_encoder_hash
from hmr_video.checkpoints.saving import save_model
from hmr_video.cli.main import run
from hmr_video.console import Reporter
from hmr_video.errors import InputError
from hmr_video.features.image_crops import person_crops
from hmr_video.features.resnet50 import ResNet50
from hmr_video.geometry.weak_cameras import weak_project
from hmr_video.model import HMMR, HMMRConfig
from hmr_video.model.hmmr import Prediction
from hmr_video.model.losses import keypoint_loss
from hmr_video.motion import Motion, load_arrays
from hmr_video.train.curves import Log
from hmr_video.train.feature_tracks import (
    VARIANTS,
    FeatureSampler,
    FeatureTrack,
    cache_features,
    features_of,
    jittered,
    split_by_video,
)
from hmr_video.train.label import PseudoTrack
from hmr_video.train.loop import Trainer
from hmr_video.train.objective import ObjectiveWeights
from hmr_video.train.pseudo_labels import TrackBatch
from hmr_video.train.settings import TrainConfig
from hmr_video.train.track_terms import delta_term, present_terms, relative_keypoints
from hmr_video.video import Chunk
from hmr_video.video.writer import VideoWriter

LENGTH = 30
SAMPLE = Path(__file__).parents[2] / "samples" / "one_person.mp4"


def labels(keypoints: np.ndarray) -> PseudoTrack:
    length = len(keypoints)
    boxes, camera = np.tile([60.0, 30, 90, 90], (length, 1)), np.array([[800.0, 0, 320], [0, 800, 240], [0, 0, 1]])
    return PseudoTrack(keypoints, np.arange(length), np.arange(length) / 30, np.array([640, 480]), camera, boxes)


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
    """The features of one person who stands still, of an encoder whose hash is ``mean``."""
    path = tmp_path_factory.mktemp("features") / "track_001.npz"
    keypoints = np.zeros((LENGTH, 17, 3))
    keypoints[:, :2] = [[60, 30, 0.9], [90, 90, 0.9]]
    track = labels(keypoints)
    track.save(path)
    cache_features(Reader(), [(track, path)], Mean(), "mean", Reporter(quiet=True))  # type: ignore[arg-type]
    return path


@pytest.fixture
def track(written: Path, tmp_path: Path) -> Path:
    """A copy of them, to be spoilt."""
    shutil.copy(features_of(written), tmp_path)
    return Path(shutil.copy(written, tmp_path))


def test_the_cache_holds_the_papers_crop_and_jittered_ones(track: Path) -> None:
    read = FeatureTrack.load(track, "mean")
    crops = person_crops(read.labels.keypoints2d)
    np.testing.assert_allclose(read.scales[0], crops.scales, rtol=1e-6)
    octaves = torch.log2(read.scales[1:] / read.scales[:1])
    shifts = (read.centers[1:] - read.centers[:1]) * read.scales[1:, :, None]
    assert 0.25 < octaves.abs().max() <= 0.3001
    assert 17 < shifts.abs().max() <= 20.01
    assert octaves.std(1).min() > 0.1  # each frame by itself
    phi = torch.stack([read.phi(torch.full((10,), variant), 5) for variant in range(1, VARIANTS)])
    assert phi.shape == (VARIANTS - 1, 10, 2048)
    lower = torch.corrcoef(torch.stack([phi[:, :, 0].flatten(), read.centers[1:, 5:15, 1].flatten()]))[0, 1]
    assert lower > 0.8  # features are of the crops that the file names


def test_a_window_draws_a_crop_for_each_frame_and_its_targets_lie_in_it(track: Path) -> None:
    sampler = FeatureSampler([FeatureTrack.load(track, "mean")], frames=12, seed=1)
    batch, again, other = sampler.batch(3, 8, 12), sampler.batch(3, 8, 12), sampler.batch(4, 8, 12)
    assert torch.equal(batch.features, again.features)
    assert not torch.equal(batch.features, other.features)
    assert batch.targets.shape == (8, 12, 17, 3)
    assert batch.targets[..., :2, 2].all()
    assert not batch.targets[..., 2:, :].any()
    diagonal = (batch.targets[..., 1, :2] - batch.targets[..., 0, :2]).norm(dim=-1) * 112 / 150  # 1 in the paper's crop
    assert 0.8 < diagonal.min() < 0.9
    assert 1.1 < diagonal.max() < 1.24


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"phi": None}, "cannot be read"),
        ({"phi": torch.zeros(LENGTH, 2048)}, "phi"),
        ({"phi": torch.zeros(VARIANTS, LENGTH, 1024)}, "phi"),
        ({"scales": torch.zeros(VARIANTS, LENGTH)}, "without a place or a size"),
        ({"centers": torch.full((VARIANTS, LENGTH, 2), torch.nan)}, "without a place or a size"),
        ({"centers": torch.zeros(VARIANTS, LENGTH - 1, 2)}, "centers"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(track: Path, changes: dict[str, Any], message: str) -> None:
    path = features_of(track)
    tensors = {name: value for name, value in (load_file(path) | changes).items() if value is not None}
    save_file(tensors, path, {"encoder": "mean"})
    with pytest.raises(InputError, match=rf"features_001\.safetensors.*{message}"):
        FeatureTrack.load(track, "mean")


def test_missing_foreign_damaged_and_short_features_are_refused(track: Path) -> None:
    with pytest.raises(InputError, match="None of 1 track"):
        FeatureSampler([FeatureTrack.load(track, "mean")], frames=LENGTH + 1)
    with pytest.raises(InputError, match="another image encoder"):
        FeatureTrack.load(track, "other")
    path = features_of(track)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="cannot be read"):
        FeatureTrack.load(track, "mean")
    path.unlink()
    with pytest.raises(InputError, match="no image features"):
        FeatureTrack.load(track, "mean")


def test_videos_are_held_out_whole() -> None:
    paths = [Path(f"v{video:02}/track_{number:03}.npz") for video in range(20) for number in (1, 2)]
    training, held_out = split_by_video(paths)
    assert {path.parent.name for path in held_out} == {"v09", "v19"}
    assert sorted(training + held_out) == paths
    assert split_by_video(paths[:4]) == (paths[:2], paths[2:4])
    assert split_by_video(paths[:2]) == (paths[:2], [])


def test_jitter_is_no_motion_to_the_deltas(body: Body) -> None:
    """The crops of a still person jump; the deltas that say nothing moves are right, and their loss tells them so."""
    rotations = torch.eye(3).repeat(1, 20, 24, 1, 1)
    rotations[..., 0, :, :] = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
    camera = torch.tensor([0.9, 0.0, 0.0]).expand(1, 20, 3)
    still = Prediction(camera, rotations, torch.zeros(1, 20, 10), torch.zeros(1, 20, 144))
    points = body.coco_keypoints(rotations, still.betas)
    generator = torch.Generator().manual_seed(0)
    scale = 0.9 * 2 ** (0.6 * torch.rand(1, 20, 1, 1, generator=generator) - 0.3)
    shift = (2 * torch.rand(1, 20, 1, 2, generator=generator) - 1) * 20 / 112
    targets = torch.cat([scale * points[..., :2] + shift, torch.ones(1, 20, 17, 1)], -1)
    batch, frames = TrackBatch(torch.zeros(1), None, targets), torch.arange(20)
    delta = replace(still, camera=torch.tensor([1.0, 0, 0]).expand(1, 20, 3))
    assert delta_term(delta, frames, batch, body) < 1e-5
    fixed = keypoint_loss(weak_project(relative_keypoints(body, still), camera), targets)
    assert fixed > 0.05  # what a delta would be blamed for, were its camera the present's
    assert present_terms(still, batch, body)["points2d"] > 0.05  # the present does have one, which must follow the jitter
    follows = torch.cat([scale[:, :, 0], (shift / scale)[:, :, 0]], -1)
    assert present_terms(replace(still, camera=follows), batch, body)["points2d"] < 1e-5
    moved = rotations.clone()
    moved[:, :, 16] = torch.tensor([[0.0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    assert delta_term(replace(delta, rotations=moved), frames, batch, body) > 0.02  # but a moved arm is seen


def weights_file(path: Path, encoder: dict[str, Tensor]) -> Path:
    """Weights as the import makes them, small: a model with dropout, the open body in place of SMPL, an image encoder."""
    torch.manual_seed(0)
    shipped = load_arrays(find_body("open"))
    arrays = {name: np.asarray(value, np.float32) for name, value in shipped.items() if value.dtype.kind in "iuf"}
    count = len(arrays["v_template"])
    arrays |= {"posedirs": np.zeros((count, 3, 207), np.float32), "keypoint_regressor": np.zeros((25, count), np.float32)}
    extra = {f"smpl.{name}": torch.from_numpy(array) for name, array in arrays.items()}
    extra |= {f"image_encoder.{name}": value for name, value in encoder.items()}
    config = HMMRConfig(2048, 64, True, 4, True, "axis_angle", 0.1, 25, blocks=1, hidden=64, features="resnet50")
    save_model(path, HMMR(config), {"name": "tiny", "licence": "to be inherited"}, extra)
    return path


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return weights_file(tmp_path_factory.mktemp("weights") / "tiny.safetensors", {"anything": torch.ones(3)})


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory, motion: Motion, start: Path) -> Path:
    """Four videos of a walk, in whose features the 2D points are written, for who learns to read them."""
    folder, generator = tmp_path_factory.mktemp("tracks"), np.random.default_rng(0)
    mixing, encoder = generator.normal(size=(34, 2048)) / 6, image_encoder_hash(start)
    for video in range(4):
        path = folder / f"v{video}" / "track_001.npz"
        shape = motion.keypoints2d[..., :2] * (1 + 0.05 * video)
        track = labels(np.concatenate([shape, np.full((len(motion.frame_ids), 17, 1), 0.9)], -1))
        track.save(path)
        crops = [jittered(person_crops(track.keypoints2d), generator) for _ in range(VARIANTS)]
        phi = np.stack([one.from_image(track.keypoints2d[..., :2]).reshape(len(shape), 34) @ mixing for one in crops])
        centers, scales = np.stack([one.centers for one in crops]), np.stack([one.scales for one in crops])
        tensors = {"phi": torch.from_numpy(phi).half(), "centers": torch.from_numpy(centers), "scales": torch.from_numpy(scales)}
        save_file(tensors, features_of(path), {"encoder": encoder})
    return folder


@pytest.mark.slow
def test_the_command_trains_the_papers_preset(
    mocap: Path, tracks: Path, start: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HMR_VIDEO_CACHE", str(tmp_path))
    out, state = tmp_path / "mine.safetensors", tmp_path / "train" / "default"
    command = ["train", str(mocap), "--features", "resnet50", "--tracks", str(tracks), "-o", str(out), "-q", "--threads=1"]
    assert run(command) == 2
    assert "--start" in capsys.readouterr().err
    quick = {"window_steps": 40, "hallucinator_steps": 2, "window_batch": 4, "window_frames": 12, "window_learning_rate": 3e-3}
    quick |= {"warmup": 5, "log_every": 4, "validate_every": 10}
    command += ["--start", str(start), *(f"--set={name}={value}" for name, value in quick.items())]
    assert run([*command, "--dry-run"]) == 0
    assert "windows: 40 batches of 4 x 12 frames, 0 done" in capsys.readouterr().out
    assert run(command) == 0

    values = Log(state / "log.csv").read()
    for name in ("track_points2d", "track_past_points2d", "track_future_points2d", "val_points2d"):
        curve = [value for (stage, _), value in sorted(values[name].items()) if stage == "windows"]
        assert np.mean(curve[-2:]) < (0.9 if "val" in name else 0.6) * curve[0], f"{name}: {curve}"
    assert {"adversarial", "discriminator", "track_shape_prior", "track_constant_shape"} <= values.keys()
    assert {stage for stage, _ in values["hallucination"]} == {"windows", "hallucinator"}
    model, metadata = load_model(out)
    assert model.config == load_model(start)[0].config
    assert metadata["licence"] == "to be inherited"
    assert image_encoder_hash(out) == image_encoder_hash(start)  # so that it may be trained further on the same features
    assert load_body(str(out)).num_vertices == load_body("open").num_vertices


def test_weights_of_another_kind_are_refused(
    mocap: Path, tracks: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--features=resnet50", "--tracks", str(tracks), "--start=default", "-o", str(tmp_path / "out.safetensors"), "-q"]
    assert run(["train", str(mocap), *options, "--set", f"state={tmp_path}"]) == 2
    assert "of keypoints" in capsys.readouterr().err


@pytest.mark.slow
def test_a_killed_run_ends_with_the_same_weights(
    mocap: Path, tracks: Path, start: Path, tmp_path: Path, train_until_killed: Callable[..., None]
) -> None:
    steps = {"frame_steps": 0, "window_steps": 6, "hallucinator_steps": 3, "window_batch": 4, "window_frames": 12, "warmup": 2}
    settings = {"precision": "32-true", "device": "cpu", "threads": 1, "objective": ObjectiveWeights(adversarial=1.0)}

    def trainer(state: str) -> Trainer:
        config = TrainConfig(mocap, tmp_path / state, "resnet50", start, tracks, save_every=2, **steps, **settings)
        return Trainer(config, Reporter(quiet=True))

    whole, killed = trainer("whole"), trainer("killed")
    whole.train()
    train_until_killed(killed, killed.tracks, 5)
    survivor = trainer("killed")
    survivor.train()
    for name, value in whole.model.state_dict().items():
        assert torch.equal(value, survivor.model.state_dict()[name]), name


@pytest.mark.slow
def test_from_video_to_weights_that_convert_video(mocap: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole way, with an image encoder that knows nothing."""
    monkeypatch.setenv("HMR_VIDEO_CACHE", str(tmp_path / "cache"))
    torch.manual_seed(0)
    start = weights_file(tmp_path / "start.safetensors", ResNet50().state_dict())
    (tmp_path / "videos").mkdir()
    from hmr_video.video import open_video

    frames = [frame for chunk in open_video(SAMPLE, Reporter(quiet=True)).chunks() for frame in chunk.frames][:45:3]
    with VideoWriter(tmp_path / "videos" / "walk.mp4", 10.0, frames[0].shape[1::-1]) as writer:
        for frame in frames:
            writer.write(frame)
    tracks, out = tmp_path / "tracks", tmp_path / "mine.safetensors"
    label = ["label", str(tmp_path / "videos"), "-o", str(tracks), "-q", "--features"]
    assert run([*label, "keypoints"]) == 0
    quick = [f"--set={text}" for text in ("window_steps=3", "hallucinator_steps=1", "window_frames=12", "threads=1")]
    train = ["train", str(mocap), "--features=resnet50", "--tracks", str(tracks), "--start", str(start), "-o", str(out), *quick]
    assert run([*train, "-q"]) == 3  # no features
    assert run([*label, "resnet50", "--weights", str(start), "--overwrite"]) == 0
    assert run([*train, "-q"]) == 0
    assert run(["convert", str(tmp_path / "videos" / "walk.mp4"), "-o", str(tmp_path), "--weights", str(out), "-q"]) == 0
    assert len(load_arrays(tmp_path / "walk" / "person_01.npz")["poses"]) == len(frames)
