"""From the paper's weak cameras in crops to places before one camera."""

import numpy as np
import torch

from hmr_video.features.crops import Crops
from hmr_video.geometry.cameras import camera_matrix, project, weak_project
from hmr_video.lift_images import translation


def test_a_translated_body_projects_where_the_crop_shows_it() -> None:
    torch.manual_seed(0)
    crops = Crops(np.array([[900.0, 300], [410.5, 520.25]]), np.array([1.5, 0.4]))
    camera = torch.tensor([[0.9, 0.1, -0.2], [1.2, -0.05, 0.3]])
    flat = torch.randn(2, 25, 3) * torch.tensor([0.5, 0.8, 0])  # without depth both projections agree
    intrinsics = camera_matrix(1280, 720)
    expected = crops.to_image(weak_project(flat, camera).numpy())
    found = project(flat + translation(camera, crops, intrinsics)[:, None], intrinsics)
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_half_the_apparent_size_is_twice_the_distance() -> None:
    crops = Crops(np.full((2, 2), 200.0), np.array([1.0, 2.0]))  # the second person is shown larger to look the same
    depth = translation(torch.tensor([[0.8, 0, 0]] * 2), crops, camera_matrix(400, 400))[:, 2]
    torch.testing.assert_close(depth[1], 2 * depth[0])
