"""Cameras: where points land, and which weak camera lays one set of points over another."""

import pytest
import torch

from hmr_video.geometry.cameras import camera_matrix, project
from hmr_video.geometry.weak_cameras import optimal_camera, weak_project


def test_perspective() -> None:
    intrinsics = camera_matrix(640, 480)
    assert intrinsics[0, 0] == 800  # the diagonal
    points = torch.tensor([[0.0, 0, 5], [1.0, -0.5, 4], [1.0, 1.0, -3]])
    pixels = project(points, intrinsics)
    assert pixels[:2].tolist() == [[320, 240], [520, 140]]
    assert pixels.isfinite().all()


@pytest.mark.parametrize("scale", [0.8, 3.0])
def test_optimal_camera_is_found_again(scale: float) -> None:
    torch.manual_seed(0)
    camera = torch.tensor([scale, 0.3, -0.2])
    points = torch.randn(5, 17, 3)
    targets = weak_project(points, camera)
    visible = torch.rand(5, 17) > 0.4
    targets[~visible] = 100
    torch.testing.assert_close(optimal_camera(points, targets, visible), camera.expand(5, 3), atol=1e-5, rtol=1e-5)


def test_optimal_camera_carries_no_gradient() -> None:
    points = torch.randn(17, 2, requires_grad=True)
    assert not optimal_camera(points, torch.randn(17, 2), torch.ones(17)).requires_grad
