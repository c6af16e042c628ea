"""A person's size, moved to another body or set to what the user knows."""

import pytest
import torch

from hmr_video.body import Body, load_body
from hmr_video.body.open import OpenBody
from hmr_video.geometry.skeleton import LIMB_JOINTS
from hmr_video.reconstruction.person import Estimate
from hmr_video.reconstruction.shape import on_body, stature, with_height


@pytest.fixture
def estimate() -> Estimate:
    betas = torch.tensor([1.0, 0.5, -1.0] + [0.0] * 7)
    return Estimate(torch.eye(3).repeat(5, 24, 1, 1), betas, torch.tensor([[0.0, 0.0, 4.0]]).repeat(5, 1))


def test_height_scales_the_distance_too(body: Body, estimate: Estimate) -> None:
    taller = with_height(estimate, 2.0, body)
    assert stature(body, taller.betas) == pytest.approx(2.0, abs=1e-3)
    assert float(taller.trans[0, 2]) == pytest.approx(4.0 * 2.0 / stature(body, estimate.betas), rel=1e-4)


def test_another_body_stands_in_the_same_place_with_the_same_limbs(body: Body, estimate: Estimate) -> None:
    other = OpenBody.__new__(OpenBody)  # the open body with its shape numbers turned round and its origin elsewhere
    other.__dict__.update(load_body("open").__dict__)
    other.joint_template = body.joint_template + torch.tensor([0.1, 0.5, -0.2])
    other.joint_shapedirs = -body.joint_shapedirs.flip(-1)
    moved = on_body(estimate, body, other)
    assert not torch.allclose(moved.betas, estimate.betas, atol=0.1)
    limbs = list(LIMB_JOINTS)
    before = (body.joints(estimate.rotations, estimate.betas.expand(5, 10))[0] + estimate.trans[:, None])[:, limbs]
    after = (other.joints(moved.rotations, moved.betas.expand(5, 10))[0] + moved.trans[:, None])[:, limbs]
    assert (before - after).norm(dim=-1).max() < 0.015
