"""Made-up touches touch, and what touches is apart before and after."""

import numpy as np
import pytest
import torch

from hmr_video.synth.motion.sharp import KINDS, RATE, REST, draw_sharp

KNUCKLES, SOLES, BALLS = ([24, 25], [27, 28]), (slice(17, 20), slice(20, 23)), (10, 11)


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("kind", KINDS)
def test_what_touches_touches_only_then(kind, seed, body):
    sharp = draw_sharp(kind, body, np.random.default_rng(seed))
    betas = torch.zeros(len(sharp.trans), 10)
    joints, turned = body.joints(sharp.rotations, betas)
    points = (body.landmarks_from_joints(joints, turned, betas) + sharp.trans[:, None]).numpy()
    joints = (joints + sharp.trans[:, None]).numpy()
    assert len(sharp.moments) == len(sharp.sides) >= 3
    for moment, side in zip(sharp.moments, sharp.sides, strict=True):
        if kind == "claps":
            apart = np.linalg.norm(points[:, KNUCKLES[0]].mean(1) - points[:, KNUCKLES[1]].mean(1), axis=-1)
            close, away = 0.035, 0.06
        elif kind == "kicks":
            apart = np.linalg.norm(joints[:, BALLS[side]] - joints[moment, BALLS[side]], axis=-1)
            close, away = 0.03, 0.1
            assert apart[moment : moment + round(REST * RATE)].max() < close  # it stays there
        else:
            apart = points[:, SOLES[side], 1].min(1)
            close, away = 0.03, 0.04
        assert apart[moment] < close
        assert apart[moment - 3] > away


def test_the_same_dice_draw_the_same(body):
    one, other = (draw_sharp("kicks", body, np.random.default_rng(3)).rotations for _ in range(2))
    torch.testing.assert_close(one, other, rtol=0, atol=0)
