"""The measures of weak points, on values known by hand and on a model of random numbers."""

from pathlib import Path

import pytest
import torch

from hmr_video.body import Body
from hmr_video.console import Reporter
from hmr_video.evaluate.weak_points import forward_bend, slope, standing, stature, weak_points
from hmr_video.model import HMMR
from hmr_video.model.presets import hmr_video_default
from hmr_video.reconstruction.loading import Models


def test_the_hunched_lean_forward_and_the_arched_back(body: Body) -> None:
    betas = torch.zeros(2, 10)
    assert forward_bend(standing(0.2, 0.0, betas).rotations).tolist() == pytest.approx([0.5646] * 2, abs=1e-3)  # sin 0.6
    assert forward_bend(standing(-0.2, 1.0, betas).rotations).tolist() == pytest.approx([-0.5646] * 2, abs=1e-3)
    hunched = standing(0.2, 0.0, betas)
    joints, _ = body.joints(hunched.rotations, betas)
    assert joints[0, 16, 2] < joints[0, 1, 2] - 0.1  # facing the camera, the shoulders are nearer to it than the hips
    assert joints[0, 20, 1] > joints[0, 16, 1] + 0.3  # the arms hang: y points down


def test_stature_and_slope(body: Body) -> None:
    tall, mean = torch.zeros(10), torch.zeros(10)
    tall[0] = 1.0
    assert 1200 < stature(body, mean) < 1700
    assert stature(body, tall) != stature(body, mean)
    assert slope(torch.tensor([1.0, 2.0, 4.0]), torch.tensor([5.0, 3.0, -1.0])).item() == pytest.approx(-2.0)


@pytest.mark.slow
def test_every_measure_has_a_number_of_each_stage(mocap: Path, body: Body) -> None:
    torch.manual_seed(0)
    model = HMMR(hmr_video_default(width=32)).eval()
    found = weak_points(Models(model, {}, "", body, body), mocap, ["0", "1"], 2, 0, Reporter(quiet=True))
    assert len(found) == 10
    for one in found:
        assert {"single frame", "temporal", "refined"} <= set(one.values)
        assert all(value >= 0 for value in one.values.values())
    by_name = {one.name: one for one in found}
    assert by_name["shape drift over a clip: range of a bone's length"].values["refined"] < 0.1
