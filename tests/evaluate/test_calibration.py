"""Predicted confidence beside observed error."""

import numpy as np
import pytest

from hmr_video.evaluate import Sequence
from hmr_video.evaluate.calibration import calibration, table
from hmr_video.geometry.skeleton import LIMB_JOINTS
from hmr_video.motion import Motion


def test_a_bin_tells_what_was_expected_and_what_came(motion: Motion) -> None:
    confidence = np.full(len(motion), 0.97, np.float32)
    confidence[:4] = 0.5
    joints = motion.joints3d.copy()
    joints[:4, list(LIMB_JOINTS[:3]), 0] += 1.0  # three of twelve, far off
    bins = calibration([(motion.replace(confidence=confidence, joints3d=joints), Sequence.from_motion(motion))])
    assert [one.frames for one in bins] == [4, len(motion) - 4]
    assert [one.predicted for one in bins] == pytest.approx([0.5, 0.97])
    assert [one.observed for one in bins] == pytest.approx([0.75, 1.0])
    assert bins[0].pa_mpjpe > 50 > 1e-3 > bins[1].pa_mpjpe
    assert f"{len(motion) - 4:6d}" in table(bins)
