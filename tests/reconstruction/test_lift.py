"""From keypoints to a first estimate: mirror images and photographs. The model's numbers are random ones."""

import pytest
import torch

from hmr_video.geometry.rotations import mirror_rotations
from hmr_video.geometry.skeleton import MIRRORED_COCO
from hmr_video.model import HMMR
from hmr_video.model.presets import hmr_video_default
from hmr_video.reconstruction.lift import lift

CAMERA = torch.tensor([[600.0, 0, 320], [0, 600.0, 240], [0, 0, 1]])


@pytest.fixture(scope="module")
def model() -> HMMR:
    torch.manual_seed(0)
    return HMMR(hmr_video_default(width=32)).eval()


@pytest.fixture(scope="module")
def keypoints(motion) -> torch.Tensor:
    """(20, 17, 3) of the walking person, with a face."""
    points = torch.from_numpy(motion.keypoints2d).float().clone()
    points[:, :5] = points[:, 5:7].mean(1, keepdim=True) + torch.tensor(
        [[0, -60, 0], [3, -64, 0], [-3, -64, 0], [7, -61, 0], [-7, -61, 0.0]]
    )
    return points


def test_the_estimate_of_the_mirror_image_is_the_mirrored_estimate(model: HMMR, keypoints: torch.Tensor, body) -> None:
    times = torch.arange(len(keypoints)).double() / 25
    image = keypoints[:, list(MIRRORED_COCO)].clone()
    image[..., 0] = 640 - image[..., 0]
    plain, mirrored = (lift(model, points, times, CAMERA, body) for points in (keypoints, image))
    torch.testing.assert_close(mirrored.estimate.rotations, mirror_rotations(plain.estimate.rotations), atol=1e-4, rtol=0)
    torch.testing.assert_close(mirrored.to_past, mirror_rotations(plain.to_past), atol=1e-4, rtol=0)
    torch.testing.assert_close(mirrored.estimate.trans, plain.estimate.trans * torch.tensor([-1.0, 1, 1]), atol=5e-3, rtol=0)


def test_a_photograph_is_somebody_who_stands_still(model: HMMR, keypoints: torch.Tensor, body) -> None:
    photograph = lift(model, keypoints[:1], torch.zeros(1).double(), CAMERA, body)
    film = lift(model, keypoints[:1].expand(25, -1, -1), torch.arange(25).double() / 30, CAMERA, body)
    assert len(photograph.estimate.rotations) == 1
    torch.testing.assert_close(film.estimate.rotations, photograph.estimate.rotations.expand(25, -1, -1, -1), atol=1e-4, rtol=0)
