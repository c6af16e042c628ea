"""Errors of a detector whose mistakes are known."""

import pytest
import torch

from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.geometry.skeleton import COCO_SIGMAS, MIRRORED_COCO
from hmr_video.synth.detector_errors import (
    BIAS_FRAMES,
    Observed,
    definition_bias,
    describe,
    distances,
    kinds,
)


@pytest.fixture
def truth() -> torch.Tensor:
    """Four windows of 30 frames: one scattered body in slow motion, a size of 1."""
    generator = torch.Generator().manual_seed(0)
    body = torch.rand(4, 1, 17, 2, generator=generator) * 0.9
    body[:, :, 0], body[:, :, 1] = 0.0, 1.0
    return body + torch.arange(30)[None, :, None, None] * 0.002


def observed(truth: torch.Tensor, seen: torch.Tensor, confidence: float = 0.9) -> Observed:
    sure = torch.full_like(seen[..., :1], confidence)
    return Observed(truth, torch.cat([seen, sure], -1), torch.zeros(truth.shape[:3], dtype=torch.long), torch.full((4,), 200.0))


def test_the_size_of_errors_is_reported_in_sigmas(truth: torch.Tensor) -> None:
    sigmas = torch.tensor(COCO_SIGMAS)[:, None]
    found = describe(observed(truth, truth + sigmas * torch.tensor([0.3, 0.4])))
    assert found["error p50 visible wrists"] == pytest.approx(0.5, abs=1e-4)
    assert found["error p90 visible face"] == pytest.approx(0.5, abs=1e-4)
    assert found["gross visible"] == found["lost frames"] == found["swapped legs"] == 0


def test_white_noise_changes_at_once_and_a_bias_never(truth: torch.Tensor) -> None:
    generator = torch.Generator().manual_seed(1)
    noise = 0.002 * torch.randn(truth.shape, generator=generator)
    assert describe(observed(truth, truth + noise))["change of error over 1"] == pytest.approx(1, abs=0.1)
    lasting = 0.01 * torch.randn(4, 1, 17, 2, generator=generator)
    assert describe(observed(truth, truth + lasting))["change of error over 10"] == pytest.approx(0, abs=1e-4)


def test_exchanged_and_copied_legs_are_distinguished(truth: torch.Tensor) -> None:
    truth[:, :, 15], truth[:, :, 16] = torch.tensor([0.1, 0.9]), torch.tensor([0.6, 0.9])
    mirrored = truth[:, :, list(MIRRORED_COCO)]
    seen = truth.clone()
    seen[:, :5, 15:17] = mirrored[:, :5, 15:17]  # ankles exchanged for five frames
    seen[:, 20:, 15] = truth[:, 20:, 16]  # both on the right for ten
    found = describe(observed(truth, seen))
    apart = describe(observed(truth, truth))
    assert apart["swapped legs"] == apart["copied legs"] == 0
    assert found["copied legs"] == pytest.approx(2 * found["swapped legs"])
    assert found["swap run"] == 5
    assert found["gross and sure visible"] == found["gross visible"] > 0


def test_a_wrong_idea_of_a_knee_is_found_in_the_frame_of_the_thigh() -> None:
    generator = torch.Generator().manual_seed(2)
    points = torch.randn(6, 20, 17, 3, generator=generator) * 0.4 + torch.tensor([0.0, 0.0, 5.0])
    turned = axis_angle_to_matrix(torch.randn(6, 20, 24, 3, generator=generator))
    offset = torch.zeros(17, 3)
    offset[13], offset[14] = torch.tensor([-0.02, 0.03, 0.01]), torch.tensor([0.02, 0.03, 0.01])
    imagined = points + (turned[:, :, list(BIAS_FRAMES)] @ offset[..., None]).squeeze(-1)
    rays, seen = (each[..., :2] / each[..., 2:] for each in (points, imagined))
    found = definition_bias(
        Observed(rays, torch.cat([seen, torch.ones_like(seen[..., :1])], -1), torch.zeros(6, 20, 17).long(), torch.ones(6)),
        points,
        turned,
    )
    assert (found - offset).abs().max() < 2e-3


def test_what_is_outside_is_nothing_else(truth: torch.Tensor) -> None:
    yes, no = torch.tensor([True]), torch.tensor([False])
    assert [kinds(*flags).item() for flags in ((no, no, no), (yes, no, no), (yes, yes, no), (yes, yes, yes))] == [0, 1, 2, 3]
    one, two = observed(truth, truth), observed(truth, truth, 0.5)
    assert distances(one, two)["confidences visible hips"] == pytest.approx(0.4)
