"""Filmed windows: what the film holds is what batches say, and a stopped run goes on."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hmr_video.body import load_body
from hmr_video.console import Reporter
from hmr_video.errors import InputError, UsageError
from hmr_video.features.keypoints import mirror_features, mirror_keypoints
from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.mocap.clips import list_mocap, load_mocap
from hmr_video.synth import synthetic
from hmr_video.synth.augment import AugmentConfig
from hmr_video.synth.film import __main__ as filming
from hmr_video.synth.film.__main__ import FilmConfig, film
from hmr_video.synth.film.filmed import Film, FilmSampler, load_film, turned
from hmr_video.synth.random_cameras import CameraConfig
from hmr_video.synth.simulated_detector import DetectorConfig
from hmr_video.synth.synthetic import Batch, Sampler, SyntheticConfig, joined

BODY = load_body("open")
MakeFilm = Callable[..., Film]
PLAIN = SyntheticConfig(
    augment=None,
    camera=CameraConfig(focal_error=0.0),
    detector=replace(DetectorConfig(), silent=0.0, missing=0.0, lost=0.0, other_scale=0.0),
)


def exact_rays(rotations: torch.Tensor, pelvis: torch.Tensor, betas: torch.Tensor) -> torch.Tensor:
    shape = betas[:, None].expand(-1, rotations.shape[1], -1)
    joints, turns = BODY.joints(rotations, shape)
    points = BODY.coco_from_joints(joints, turns, shape) - joints[..., :1, :] + pelvis[..., None, :]
    return points[..., :2] / points[..., 2:]


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 2**20), lengths=st.sampled_from([(1, 1), (3, 1), (3, 3)]))
def test_a_perfect_film_gives_the_pairs_that_the_sampler_builds(
    seed: int, lengths: tuple[int, int], perfect_film: MakeFilm
) -> None:
    """Of the same poses before the same camera, where the synthetic detector sees everything where it is."""
    frames, wanted = lengths
    recorded = perfect_film(1, frames, seed=seed)
    batch = FilmSampler(recorded, BODY, PLAIN, seed).batch(5, 4, wanted)
    rotations = axis_angle_to_matrix(torch.from_numpy(recorded.poses).unflatten(-1, (24, 3)))[:, :wanted]
    pelvis, betas = torch.from_numpy(recorded.pelvis)[:, :wanted], torch.from_numpy(recorded.betas)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            synthetic,
            "observe",
            lambda points, *_: torch.cat(
                [points[..., :17, :2] / points[..., :17, 2:], torch.ones_like(points[..., :17, :1])], -1
            ),
        )
        sampler = SimpleNamespace(body=BODY, config=PLAIN)
        expected = Sampler._observed(sampler, rotations, pelvis, betas, torch.Generator())  # type: ignore[arg-type]
    for name, value in vars(expected).items():
        assert torch.allclose(getattr(batch, name), value.expand_as(getattr(batch, name)), atol=2e-5), name


def test_a_mirrored_window_is_the_mirror_image(perfect_film: MakeFilm) -> None:
    recorded = perfect_film(1, 1)
    plain, mirrored = (FilmSampler(recorded, BODY, replace(PLAIN, augment=AugmentConfig(mirror=share))) for share in (0.0, 1.0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "hmr_video.synth.film.filmed.turned", lambda rotations, position, detections, _: (rotations, position, detections)
        )
        one, other = plain.batch(0, 2, 1), mirrored.batch(0, 2, 1)
    assert torch.allclose(mirror_features(one.features), other.features, atol=1e-5)
    flip = torch.tensor([-1.0, 1.0, 1.0])
    assert torch.allclose(one.joints[..., 20, :] * flip, other.joints[..., 21, :], atol=1e-3)  # the body's sides differ a little


def test_mirroring_keypoints_twice_is_nothing() -> None:
    keypoints = torch.rand(2, 3, 17, 3)
    assert torch.equal(mirror_keypoints(mirror_keypoints(keypoints)), keypoints)
    assert not torch.equal(mirror_keypoints(keypoints), keypoints)


def test_a_turned_camera_still_sees_the_body_where_it_is(perfect_film: MakeFilm) -> None:
    recorded = perfect_film(2, 1)
    rotations = axis_angle_to_matrix(torch.from_numpy(recorded.poses).unflatten(-1, (24, 3)))
    pelvis, betas, detections = (torch.from_numpy(value) for value in (recorded.pelvis, recorded.betas, recorded.detections))
    turn = axis_angle_to_matrix(torch.tensor([[0.1, -0.05, 0.2], [0.0, 0.3, 0.0]]))
    rotations, pelvis, detections = turned(rotations, pelvis.clone(), detections, turn)
    assert torch.allclose(detections[..., :2], exact_rays(rotations, pelvis, betas), atol=1e-5)


def test_batches_depend_on_their_number_alone_and_leave_out_frames_in_which_nobody_was_found(perfect_film: MakeFilm) -> None:
    recorded = perfect_film(3, 7, every=3)
    recorded.detections[:, 1] = 0
    sampler = FilmSampler(recorded, BODY, SyntheticConfig(), seed=4)
    first, other, again = sampler.batch(7, 6, 4), sampler.batch(8, 6, 4), sampler.batch(7, 6, 4)
    assert all(torch.equal(value, getattr(again, name)) for name, value in vars(first).items())
    assert not torch.equal(first.features, other.features)
    assert first.features.shape == (6, 4, 90)
    assert (first.features[..., -12:] == -1).all()  # no feet, no hands
    confident = FilmSampler(recorded, BODY, PLAIN).batch(0, 64, 1).features[..., 34:51]
    assert (confident == 1).all()
    whole = joined([first, other])
    assert isinstance(whole, Batch)
    assert torch.equal(whole.betas, torch.cat([first.betas, other.betas]))


def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, perfect_film: MakeFilm) -> None:
    path, recorded = tmp_path / "filmed.npz", perfect_film(2, 7, every=3)
    recorded.save(path)
    assert len(load_film(path, BODY, 7)) == 2
    with pytest.raises(UsageError, match="have 7 frames, and training wants 20"):
        load_film(path, BODY, 20)
    replace(recorded, settings={"every": 3, "body": "another"}).save(path)
    with pytest.raises(InputError, match="another body"):
        load_film(path, BODY, 7)
    replace(recorded, pelvis=recorded.pelvis[:1]).save(path)
    with pytest.raises(InputError, match="pelvis do not fit"):
        load_film(path, BODY, 7)
    np.savez(path, poses=recorded.poses)
    with pytest.raises(InputError, match="lacks pelvis"):
        load_film(path, BODY, 7)


def test_training_takes_its_share_from_the_film(
    mocap: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, perfect_film: MakeFilm
) -> None:
    pytest.importorskip("lightning", reason="the extra `train` is not installed")
    from hmr_video.train import validation
    from hmr_video.train.loop import StageRun, Trainer
    from hmr_video.train.settings import TrainConfig

    monkeypatch.setattr(validation, "WINDOWS", 2)
    path = tmp_path / "filmed.npz"
    perfect_film(3, 13, every=3).save(path)
    sizes = {"width": 32, "blocks": 1, "frame_batch": 8, "window_batch": 4, "window_frames": 12}
    config = TrainConfig(mocap, tmp_path / "state", filmed=path, filmed_share=0.25, device="cpu", threads=1, **sizes)
    trainer = Trainer(config, Reporter(quiet=True))
    assert trainer.filmed
    assert trainer.sampler
    assert len(trainer.data["filmed_sha256"]) == 64
    for stage, number, own, filmed in ((0, 5, 6, 2), (1, 6, 3, 1)):
        run = StageRun(trainer, stage, config.stages[stage])
        batch, _ = run._draw(number)
        expected = joined(
            [trainer.sampler.batch(number, own, run.stage.frames), trainer.filmed.batch(number, filmed, run.stage.frames)]
        )
        assert batch
        assert torch.equal(batch.features, expected.features)
        assert all(value.isfinite() for value in run.step(0).values())


@pytest.mark.slow
def test_a_stopped_run_goes_on_as_if_nothing_had_happened(mocap: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the real detector: two windows of three frames, of which two are filmed."""
    config, quiet = FilmConfig(frames=3, every=2, landmarks="none"), Reporter(quiet=True)
    whole = film(mocap, tmp_path / "whole.npz", 2, config, quiet)
    assert whole.poses.shape == (2, 3, 72)
    assert whole.detections.shape == (2, 2, 29, 3)
    assert not whole.detections[:, :, 17:, 2].any()
    assert (whole.detections[..., 2] > 0.5).mean() > 0.2
    load_film(tmp_path / "whole.npz", BODY, 3)

    stopped, window = tmp_path / "stopped.npz", filming.Studio.window
    first = int(whole.numbers[0])

    def mortal(studio: filming.Studio, number: int) -> tuple[np.ndarray, ...]:
        if number > first:
            raise KeyboardInterrupt
        return window(studio, number)

    monkeypatch.setattr(filming.Studio, "window", mortal)
    with pytest.raises(KeyboardInterrupt):
        film(mocap, stopped, 2, config, quiet)
    assert len(Film.load(stopped)) == 1
    monkeypatch.setattr(filming.Studio, "window", window)
    survivor = film(mocap, stopped, 2, config, quiet)
    for name in ("poses", "pelvis", "betas", "detections", "numbers"):
        assert np.array_equal(getattr(survivor, name), getattr(whole, name)), name
    with pytest.raises(UsageError, match="other settings: seed"):
        film(mocap, stopped, 2, replace(config, seed=1), quiet)


@pytest.mark.slow
def test_the_onlooker_sees_feet_and_hands_where_they_are(blazepose: Path, mocap: Path) -> None:
    """One window of three pictures through detector, crop and landmark network."""
    studio = filming.Studio(
        load_mocap(mocap, list_mocap(mocap)), BODY, FilmConfig(frames=7, landmarks=str(blazepose), invented=0.0, near=0.0)
    )
    window = next(found for number in range(6) if ((found := studio.window(number))[-1][..., 2] > 0.5).any(-1).all())
    poses, pelvis, betas, detections = (torch.from_numpy(np.asarray(values)).float() for values in window)
    rotations = axis_angle_to_matrix(poses[::3].unflatten(-1, (24, 3)))
    shape = betas.expand(len(rotations), -1)
    joints, turns = BODY.joints(rotations, shape)
    points = BODY.landmarks_from_joints(joints, turns, shape) - joints[:, :1] + pelvis[::3, None]
    rays = points[..., :2] / points[..., 2:]
    size = (rays.amax(1) - rays.amin(1)).amax(-1)[:, None]
    assert ((detections[..., :2] - rays).norm(dim=-1) / size)[detections[..., 2] > 0.5].median() < 0.06
    assert (detections[:, 17:, 2] > 0.3).any()
