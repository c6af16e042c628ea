"""Windows over a video: which frames each result has seen."""

import pytest
import torch

from hmr_video.model import HMMR, HMMRConfig
from hmr_video.model.windows import predict_windows

CONFIG = HMMRConfig(8, 8, False, groups=2, norm_over_time=True, rotation="axis_angle", dropout=0.5, keypoints=25, hidden=16)


@pytest.fixture
def model() -> HMMR:
    torch.manual_seed(0)
    model = HMMR(CONFIG).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model


@pytest.mark.parametrize("frames", [1, 8, 21])
def test_each_frame_has_the_result_of_its_own_window(model: HMMR, frames: int) -> None:
    features, zero = torch.randn(frames, 8), torch.randn(8)
    found = predict_windows(model, features, zero)
    assert found.present.rotations.shape == (1, frames, 24, 3, 3)
    assert len(found.thetas) == CONFIG.iterations
    assert torch.equal(found.past.camera, found.present.camera)
    for frame in range(frames):
        start = frame // 8 * 8 - 6
        window = torch.stack([features[t] if 0 <= t < frames else zero for t in range(start, start + 20)])
        expected = model(window[None])
        place = frame - start
        torch.testing.assert_close(found.present.pose[0, frame], expected.present.pose[0, place])
        torch.testing.assert_close(found.past.rotations[0, frame], expected.past.rotations[0, place])
        torch.testing.assert_close(found.future.betas[0, frame], expected.future.betas[0, place])
        torch.testing.assert_close(found.strip[0, frame], expected.strip[0, place])


def test_one_pass_is_not_windows_and_padding_is_not_zero(model: HMMR) -> None:
    features, zero = torch.randn(21, 8), torch.randn(8)
    found = predict_windows(model, features, zero).present.pose
    assert (found - model(features[None]).present.pose).abs().max() > 1e-3
    assert (found - predict_windows(model, features, torch.zeros(8)).present.pose).abs().max() > 1e-3
