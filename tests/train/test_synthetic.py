from dataclasses import replace

import pytest
import torch

from hmr_video.body import load_body
from hmr_video.geometry.rotations import axis_angle_to_matrix, matrix_to_six_d
from hmr_video.mocap.clips import Mocap
from hmr_video.train.augment import mirror
from hmr_video.train.detector import NEVER, DetectorConfig, observe, self_occluded
from hmr_video.train.synthetic import Sampler, SyntheticConfig


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
    told = seen[..., 2] > 0
    assert 0.2 < told.float().mean() < 0.99
    assert torch.allclose(seen[..., :2][told], (points[..., :2] / points[..., 2:])[told], atol=1e-5)


def _seen(config: DetectorConfig) -> tuple[torch.Tensor, torch.Tensor]:
    """Keypoints of eight windows, strewn about 5 metres before the camera, and what is reported of them."""
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(8, 10, 17, 3, generator=generator) * 0.3 + torch.tensor([0.0, 0.0, 5.0])
    joints = torch.full((8, 10, 24, 3), 50.0)  # nothing to hide behind
    return points, observe(points, joints, torch.eye(3).expand(8, 10, 24, 3, 3), config, generator)
