"""The model as a module: shapes, presets, precision. Its numbers are checked in test_hmmr_parity.py."""

import pytest
import torch

from hmr_video.model import HMMR, HMMRConfig
from hmr_video.model.discriminator import PoseDiscriminator
from hmr_video.model.presets import hmr_video_default
from hmr_video.model.temporal import TemporalConv

SMALL = hmr_video_default(feature_size=9, width=16, blocks=2)


def test_every_moment_has_a_body_and_shares_its_shape() -> None:
    output = HMMR(SMALL)(torch.randn(2, 5, 9))
    for moment in (output.present, output.past, output.future):
        assert moment.rotations.shape == (2, 5, 24, 3, 3)
        assert torch.allclose(moment.rotations @ moment.rotations.mT, torch.eye(3), atol=1e-5)
        assert torch.equal(moment.betas, output.present.betas)
    assert not torch.equal(output.past.pose, output.future.pose)
    assert output.past.camera[0, 0].tolist() == [1, 0, 0]
    assert len(output.thetas) == SMALL.iterations


def test_deltas_start_from_the_present_with_its_gradient() -> None:
    model = HMMR(SMALL)
    loss = model(torch.randn(1, 3, 9)).future.rotations[..., 0, 1].sum()
    regressors = (model.regressor, model.regressor_past)
    present, past = torch.autograd.grad(loss, [regressor.fc3.weight for regressor in regressors], allow_unused=True)
    assert present.abs().sum() > 0
    assert past is None


def test_convolution_as_a_product_is_a_convolution() -> None:
    conv = TemporalConv(6)
    torch.nn.init.normal_(conv.linear.bias)
    for frames in (1, 2, 7):
        x = torch.randn(3, frames, 6)
        kernel = conv.linear.weight.unflatten(1, (3, 6)).transpose(1, 2)  # (out, in, 3)
        expected = torch.nn.functional.conv1d(x.mT, kernel, conv.linear.bias, padding=1).mT
        torch.testing.assert_close(conv(x), expected)


def test_without_side_taps_frames_do_not_see_each_other() -> None:
    model = HMMR(SMALL)
    features = torch.randn(1, 4, 9)
    together, alone = model(features).strip, model(features[:, 2:3]).strip
    assert not torch.allclose(together[:, 2:3], alone, atol=1e-6)
    model.temporal.zero_side_taps()
    torch.testing.assert_close(model(features).strip[:, 2:3], model(features[:, 2:3]).strip)


def test_rotations_stay_single_precision_under_autocast() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        output = HMMR(SMALL)(torch.randn(1, 4, 9))
    assert output.strip.dtype == torch.bfloat16
    assert output.present.rotations.dtype == output.thetas[-1].dtype == torch.float32
    assert torch.allclose(output.past.rotations @ output.past.rotations.mT, torch.eye(3), atol=1e-5)


def test_an_untrained_model_stands_upright() -> None:
    root = HMMR(SMALL)(torch.zeros(1, 1, 9)).present.rotations[0, 0, 0]
    assert root[1, 1] < -0.9
    assert root[0, 0] > 0.9


def test_discriminator_scores_each_joint_by_itself_and_all_together() -> None:
    judge = PoseDiscriminator()
    pose = torch.eye(3).repeat(23, 1, 1)
    other = pose.clone()
    other[4] = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    changed = (judge(other) - judge(pose)).abs() > 1e-6
    assert changed.nonzero().flatten().tolist() == [4, 23]


def test_impossible_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="projection"):
        HMMRConfig(10, 16, False, 1, False, "six_d", 0.0, 17)
    with pytest.raises(ValueError, match="groups"):
        HMMRConfig(10, 16, True, 3, False, "six_d", 0.0, 17)
