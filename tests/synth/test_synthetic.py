from dataclasses import replace

import pytest
import torch

from hmr_video.body import load_body
from hmr_video.geometry.rotations import axis_angle_to_matrix, matrix_to_six_d
from hmr_video.mocap.clips import Mocap
from hmr_video.synth.augment import mirror
from hmr_video.synth.limb_ends import LimbEndsConfig
from hmr_video.synth.simulated_detector import ARMS, LEGS, NEVER, DetectorConfig, observe, self_occluded
from hmr_video.synth.synthetic import Sampler, SyntheticConfig


@pytest.fixture(scope="module")
def sampler() -> Sampler:
    """Two clips of swinging limbs."""
    generator = torch.Generator().manual_seed(0)
    swing = torch.sin(torch.arange(80.0) / 5)[:, None, None] * 0.4 * torch.randn(1, 24, 3, generator=generator)
    rotations = matrix_to_six_d(axis_angle_to_matrix(swing))
    mocap = Mocap(rotations, torch.zeros(80, 3), torch.tensor([0, 50]), torch.tensor([50, 30]), ["a/1", "b/2"])
    return Sampler(mocap, load_body("open"), torch.tensor([0.5, 0.5]), SyntheticConfig(), seed=3)


def test_a_batch_depends_on_its_number_alone(sampler: Sampler) -> None:
    first, other, again = sampler.batch(7, 4, 12), sampler.batch(8, 4, 12), sampler.batch(7, 4, 12)
    assert torch.equal(first.features, again.features)
    assert not torch.equal(first.features, other.features)


def test_projections_belong_to_the_joints(sampler: Sampler) -> None:
    """A person seen without error: detections and true projections agree at the limbs."""
    batch = sampler.batch(1, 64, 12)
    seen = batch.features[..., :34].unflatten(-1, (17, 2))[..., 5:, :]
    confident = batch.features[..., 34 + 5 : 51] > 0.6
    joints = batch.points2d[..., [16, 17, 18, 19, 20, 21, 1, 2, 4, 5, 7, 8], :]
    error = (seen - joints).norm(dim=-1)[confident] / 2
    assert error.median() < 0.04
    assert batch.joints[..., 0, :].abs().max() < 1e-5


def test_ends_are_seen_from_their_limbs(sampler: Sampler) -> None:
    batch = sampler.batch(2, 8, 3)
    length = batch.ends.norm(dim=-1)
    assert batch.features.shape == (8, 3, 90)
    assert batch.ends.shape == (8, 3, 12, 3)
    assert length.min() > 0.05
    assert length.max() < 0.35


def test_mirroring_twice_is_nothing_and_swaps_sides() -> None:
    rotations = axis_angle_to_matrix(torch.randn(1, 3, 24, 3, generator=torch.Generator().manual_seed(2)))
    trans = torch.randn(1, 3, 3)
    twice = mirror(*mirror(rotations, trans))
    assert torch.allclose(twice[0], rotations, atol=1e-6)
    assert torch.allclose(twice[1], trans)
    body = load_body("open")
    betas = torch.zeros(1, 3, 10)
    joints, _ = body.joints(rotations, betas)
    mirrored, _ = body.joints(mirror(rotations, trans)[0], betas)
    assert torch.allclose(mirrored[0, 0, 20], joints[0, 0, 21] * torch.tensor([-1.0, 1, 1]), atol=1e-3)


def test_the_far_wrist_hides_behind_the_body() -> None:
    body = load_body("open")
    facing = axis_angle_to_matrix(torch.tensor([torch.pi, 0, 0]))  # towards the camera
    rotations = torch.eye(3).repeat(1, 1, 24, 1, 1)
    rotations[..., 0, :, :] = facing
    betas = torch.zeros(1, 1, 10)
    joints, turned = body.joints(rotations, betas)
    place = torch.tensor([0.0, 0.0, 4.0])
    points = body.coco_from_joints(joints, turned, betas) + place
    joints = joints + place
    assert not self_occluded(points, joints)[..., 5:].any()
    points[0, 0, 9] = joints[0, 0, 6] + torch.tensor([0.0, 0.0, 0.25])  # a wrist behind the back
    assert self_occluded(points, joints)[0, 0, 9]
    points[0, 0, 9] -= torch.tensor([0.0, 0.0, 0.5])  # and before the belly
    assert not self_occluded(points, joints)[0, 0, 9]


def test_feet_and_hands_leave_the_other_detections_as_they_are_and_err_like_their_limbs() -> None:
    points, joints, turned = _standing(400, 12)
    config = replace(DetectorConfig(), limb_ends=TOLD, truncated=0.0)
    seen = observe(points, joints, turned, config, torch.Generator().manual_seed(1))
    alone = observe(points[..., :17, :], joints, turned, config, torch.Generator().manual_seed(1))
    assert torch.equal(seen[..., :17, :], alone)
    error = (seen[..., :2] - points[..., :2] / points[..., 2:]).norm(dim=-1)
    error = torch.where(seen[..., 2] > 0.3, error, torch.nan)
    ankles, feet, wrists, hands = (error[..., some].nanmedian() for some in (list(LEGS[4:]), FEET, list(ARMS[4:]), HANDS))
    assert 0.9 < float(feet / ankles) < 1.6
    assert 0.9 < float(hands / wrists) < 1.6


def test_feet_and_hands_are_sometimes_unknown() -> None:
    points, joints, turned = _standing(600, 1)
    seen = observe(points, joints, turned, DetectorConfig(), torch.Generator().manual_seed(1))[..., 2] > 0
    none = [float((~seen[..., some]).all(-1).double().mean()) for some in (FEET, HANDS, slice(17, None))]
    assert 0.35 < none[0] < 0.6
    assert none[0] < none[1] < 0.75
    assert 0.3 < none[2] < none[0]


def test_fused_evidence_is_nearer_to_the_truth() -> None:
    points, joints, turned = _standing(400, 12)
    errors = []
    for fused in (0.0, 1.0):
        seen = observe(points, joints, turned, replace(DetectorConfig(), fused=fused), torch.Generator().manual_seed(1))
        errors.append((seen[..., 5:17, :2] - points[..., 5:17, :2] / points[..., 5:17, 2:]).norm(dim=-1))
    assert 0.55 < float(errors[1].median() / errors[0].median()) < 0.9  # ideas of where joints are stay
    assert float(errors[1].quantile(0.99)) < float(errors[0].quantile(0.99))


FEET, HANDS = slice(17, 23), slice(23, 29)
TOLD = LimbEndsConfig(none=0.0, no_feet=0.0, no_hands=0.0, no_small_toes=0.0, missing=0.0)


def _standing(count: int, frames: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """All landmarks, joints and rotations of people in poses of their own, 4 m before the camera."""
    body, generator = load_body("open"), torch.Generator().manual_seed(0)
    pose = 0.3 * torch.randn(count, 1, 24, 3, generator=generator)
    pose[:, :, 0] = torch.tensor([torch.pi, 0, 0])
    rotations, betas = axis_angle_to_matrix(pose).expand(-1, frames, -1, -1, -1), torch.zeros(count, frames, 10)
    joints, turned = body.joints(rotations, betas)
    place = torch.tensor([0.0, 0.0, 4.0])
    return body.landmarks_from_joints(joints, turned, betas) + place, joints + place, turned


@pytest.fixture(scope="module")
def perfect() -> DetectorConfig:
    """A detector that errs in nothing."""
    kinds = (
        "definition_bias", "other_scale", "outlier", "swap", "copied_limb", "occluder", "truncated", "lost", "silent", "missing",
        "slow_source",
    )  # fmt: skip
    never = dict.fromkeys(kinds, 0)
    return DetectorConfig(noise=(1e-9, 2e-9), definition=NEVER, low_hips=NEVER, high_shoulders=NEVER, **never)


def test_a_perfect_detector_reports_the_truth(perfect: DetectorConfig) -> None:
    points, seen = _seen(perfect)
    assert torch.allclose(seen[..., :2], points[..., :2] / points[..., 2:], atol=1e-5)
    assert seen[..., 5:, 2].median() > 0.9


def test_torsos_may_seem_longer(perfect: DetectorConfig) -> None:
    points, seen = _seen(replace(perfect, low_hips=(0.3, 0.3), high_shoulders=(0.2, 0.2)))
    moved = (seen[..., :2] - points[..., :2] / points[..., 2:]).norm(dim=-1).amax((0, 1)) * 5
    assert moved[[5, 6]].min() > 0.1
    assert moved[[11, 12]].min() > 0.15
    assert moved[[0, 7, 8, 9, 10, 13, 14, 15, 16]].max() < 1e-4


def test_points_beyond_the_border_are_not_reported(perfect: DetectorConfig) -> None:
    points, seen = _seen(replace(perfect, truncated=1.0))
    reported = seen[..., 2] > 0
    assert 0.2 < reported.float().mean() < 0.99
    assert torch.allclose(seen[..., :2][reported], (points[..., :2] / points[..., 2:])[reported], atol=1e-5)


def _seen(config: DetectorConfig) -> tuple[torch.Tensor, torch.Tensor]:
    """Keypoints of eight windows, strewn about 5 metres before the camera, and what is reported of them."""
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(8, 10, 17, 3, generator=generator) * 0.3 + torch.tensor([0.0, 0.0, 5.0])
    joints = torch.full((8, 10, 24, 3), 50.0)  # nothing to hide behind
    return points, observe(points, joints, torch.eye(3).expand(8, 10, 24, 3, 3), config, generator)
