"""What the tests of experiments share: a small film."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from hmr_video.body import load_body
from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.synth.film.filmed import Film

WINDOWS, EVERY = 3, 3


@pytest.fixture
def small_film() -> Callable[[int], Film]:
    """Makes films of so many frames."""
    return _film


def _film(frames: int) -> Film:
    """People who hold a pose 4 m away, seen where they are, their left wrist hardly."""
    body, dice = load_body("open"), torch.Generator().manual_seed(0)
    poses = (0.2 * torch.randn(WINDOWS, 1, 72, generator=dice)).expand(-1, frames, -1)
    rotations, betas = axis_angle_to_matrix(poses.unflatten(-1, (24, 3))), torch.randn(WINDOWS, 10, generator=dice)
    shape = betas[:, None].expand(-1, frames, -1)
    joints, turned = body.joints(rotations, shape)
    points = body.coco_from_joints(joints, turned, shape) - joints[..., :1, :] + torch.tensor([0.3, -0.2, 4.0])
    detections = torch.cat([points[..., :2] / points[..., 2:], torch.ones_like(points[..., :1])], -1)[:, ::EVERY].numpy()
    detections[:, :, 9, 2] = 0.05
    pelvis = np.tile(np.float32([0.3, -0.2, 4.0]), (WINDOWS, frames, 1))
    return Film(poses.numpy(), pelvis, betas.numpy(), detections, np.arange(WINDOWS), {"every": EVERY, "body": body.hash})
