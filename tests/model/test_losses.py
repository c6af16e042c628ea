"""Losses: values and gradients of the official graph on random input, and what the added terms are for."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from hmr_video.geometry.weak_cameras import optimal_camera
from hmr_video.model import losses

GOLDEN = {name: torch.from_numpy(array) for name, array in np.load(Path(__file__).with_name("golden_losses.npz")).items()}


def same(value: Tensor, name: str) -> None:
    torch.testing.assert_close(value, GOLDEN[name], atol=2e-5, rtol=0)


@pytest.mark.parametrize(
    ("loss", "name"), [(losses.keypoint_loss, "loss_kp"), (losses.keypoint_loss_optimal_camera, "loss_kp_optcam")]
)
def test_keypoints_and_their_gradient(loss: Callable[[Tensor, Tensor], Tensor], name: str) -> None:
    predicted = GOLDEN["kp_pred"].clone().requires_grad_()
    value = loss(predicted, GOLDEN["kp_gt"])
    same(value.detach(), name)
    same(torch.autograd.grad(value, predicted)[0], f"grad_{name}")


def test_optimal_camera_is_clipped_and_safe_without_a_point() -> None:
    targets = GOLDEN["kp_gt"]
    found = optimal_camera(GOLDEN["kp_pred"], targets[..., :2], targets[..., 2])
    same(found, "best_cam")
    assert found[..., 0].min() == pytest.approx(0.7)
    assert found[..., 0].max() == 10
    nobody = optimal_camera(GOLDEN["kp_pred"], targets[..., :2], torch.zeros_like(targets[..., 2]))
    assert nobody[0, 0].tolist() == [1, 0, 0]


def test_without_a_visible_point_or_label_a_loss_is_zero_with_zero_gradient() -> None:
    predicted = GOLDEN["kp_pred"].clone().requires_grad_()
    hidden = GOLDEN["kp_gt"] * torch.tensor([1.0, 1, 0])
    joints = GOLDEN["joints_pred"].flatten(0, 1)
    value = losses.keypoint_loss_optimal_camera(predicted, hidden) + losses.keypoint_loss(predicted, hidden)
    assert value == 0
    assert not torch.autograd.grad(value, predicted)[0].any()
    assert losses.joint_loss(joints, joints + 1, torch.zeros(len(joints))) == 0


def test_joints_and_bodies_where_labelled() -> None:
    predicted, target = GOLDEN["joints_pred"].flatten(0, 1), GOLDEN["joints_gt"].flatten(0, 1)
    same(losses.joint_loss(predicted, target, GOLDEN["has_joints"]), "loss_joints")
    poses, shapes = (GOLDEN["poses_pred"], GOLDEN["poses_gt"]), (GOLDEN["shapes_pred"], GOLDEN["shapes_gt"])
    smpl = losses.smpl_loss(poses[0], shapes[0], poses[1], shapes[1], GOLDEN["has_smpl"])
    torch.testing.assert_close(smpl, GOLDEN["loss_pose"] + GOLDEN["loss_shape"], atol=2e-5, rtol=0)


def test_shape_adversary_and_hallucination() -> None:
    same(losses.constant_shape_loss(GOLDEN["betas"]), "loss_e_const")
    same(losses.shape_prior_loss(GOLDEN["betas"]), "loss_e_shape")
    same(losses.adversarial_loss(GOLDEN["disc_out"]), "loss_e_fake")
    nothing = torch.zeros(1, 24)
    same(losses.discriminator_loss(nothing + 1, GOLDEN["disc_out"]), "loss_d_fake")
    same(losses.discriminator_loss(GOLDEN["disc_out"], nothing), "loss_d_real")
    same(losses.hallucination_loss(GOLDEN["hal_label"], GOLDEN["hal_pred"]), "loss_hal")


def test_variance_sees_the_slow_drift_that_neighbours_do_not() -> None:
    drift = torch.linspace(0, 1, 100)[None, :, None].expand(1, 100, 10)
    assert losses.shape_variance_loss(drift) > 100 * losses.constant_shape_loss(drift)
    assert losses.shape_variance_loss(torch.ones(2, 5, 10)) == 0


def test_acceleration_ignores_even_motion() -> None:
    time = torch.arange(6.0)
    even = time[None, :, None, None].expand(1, 6, 2, 3)
    assert losses.acceleration_loss(even) == 0
    falling = torch.zeros(1, 6, 2, 3)
    falling[..., 1] = (time**2)[:, None]
    torch.testing.assert_close(losses.acceleration_loss(falling), torch.tensor(2.0))
    assert losses.acceleration_loss(falling, falling + 3 * even) == 0


def test_bone_directions_know_no_length() -> None:
    joints = torch.tensor([[0.0, 0, 0], [0, 1, 0], [1, 1, 0]])
    parents = (-1, 0, 1)
    assert losses.bone_direction_loss(joints, 2 * joints + 1, parents) == pytest.approx(0, abs=1e-6)
    bent = torch.tensor([[0.0, 0, 0], [0, 1, 0], [0, 2, 0]])
    assert losses.bone_direction_loss(joints, bent, parents) == pytest.approx(0.5)
