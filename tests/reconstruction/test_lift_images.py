"""From the paper's weak cameras in crops to places before one camera."""

import numpy as np
import torch

from hmr_video.features.image_crops import Crops
from hmr_video.features.images import ImageFeatures
from hmr_video.geometry.cameras import camera_matrix, project
from hmr_video.geometry.weak_cameras import weak_project
from hmr_video.model import HMMR, HMMRConfig
from hmr_video.model.windows import predict_windows
from hmr_video.reconstruction.lift_images import lift_images, translation


def test_a_translated_body_projects_where_the_crop_shows_it() -> None:
    torch.manual_seed(0)
    crops = Crops(np.array([[900.0, 300], [410.5, 520.25]]), np.array([1.5, 0.4]))
    camera = torch.tensor([[0.9, 0.1, -0.2], [1.2, -0.05, 0.3]])
    flat = torch.randn(2, 25, 3) * torch.tensor([0.5, 0.8, 0])  # without depth both projections agree
    intrinsics = camera_matrix(1280, 720)
    expected = weak_project(flat, camera).numpy() * crops.pixels_per_unit()[:, None, None] + crops.middles()[:, None]
    found = project(flat + translation(camera, crops, intrinsics)[:, None], intrinsics)
    np.testing.assert_allclose(found, expected, atol=0.01)


def test_each_frame_has_past_and_future_and_all_one_shape() -> None:
    torch.manual_seed(0)
    config = HMMRConfig(8, 8, False, groups=2, norm_over_time=True, rotation="axis_angle", dropout=0.5, keypoints=25, hidden=16)
    model, phi, padding = HMMR(config).eval(), torch.randn(9, 8), torch.zeros(8)
    torch.nn.init.normal_(model.regressor_past.fc3.weight)
    crops = Crops(np.full((9, 2), 100.0), np.ones(9))
    intrinsics = camera_matrix(200, 200)
    lifted = lift_images(model, ImageFeatures(phi, crops), padding, intrinsics)
    output = predict_windows(model, phi, padding)
    torch.testing.assert_close(lifted.estimate.betas, output.present.betas[0].mean(0))
    torch.testing.assert_close(lifted.estimate.rotations @ lifted.to_past, output.past.rotations[0], atol=1e-5, rtol=0)

    still = lift_images(model, ImageFeatures(phi, crops), padding, intrinsics, hallucinate=True)
    alone = lift_images(model, ImageFeatures(phi[4:5], Crops(crops.centers[:1], crops.scales[:1])), padding, intrinsics, True)
    torch.testing.assert_close(still.to_past[4], alone.to_past[0])
    assert not torch.allclose(still.estimate.rotations, lifted.estimate.rotations, atol=1e-4)


def test_half_the_apparent_size_is_twice_the_distance() -> None:
    crops = Crops(np.full((2, 2), 200.0), np.array([1.0, 2.0]))  # the second person is shown larger to look the same
    depth = translation(torch.tensor([[0.8, 0, 0]] * 2), crops, camera_matrix(400, 400))[:, 2]
    torch.testing.assert_close(depth[1], 2 * depth[0])
