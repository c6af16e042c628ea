"""Predicted confidence beside observed error."""

import numpy as np
import pytest

from hmr_video.evaluate import Sequence
from hmr_video.evaluate.calibration import calibration, limb_marks, table
from hmr_video.geometry.skeleton import LIMB_JOINTS
from hmr_video.motion import Motion


def test_a_bin_tells_what_was_expected_and_what_came(motion: Motion) -> None:
    confidence = np.full(len(motion), 0.97, np.float32)
    confidence[:4] = 0.5
    joints = motion.joints3d.copy()
    joints[:4, list(LIMB_JOINTS[:3]), 0] += 1.0  # three of twelve, far off
    pairs = [(motion.replace(confidence=confidence, joints3d=joints), Sequence.from_motion(motion))]
    bins = calibration(pairs)
    assert [one.frames for one in bins] == [4, len(motion) - 4]
    assert [one.predicted for one in bins] == pytest.approx([0.5, 0.97])
    assert [one.observed for one in bins] == pytest.approx([0.75, 1.0])
    assert bins[0].pa_mpjpe > 50 > 1e-3 > bins[1].pa_mpjpe
    assert f"{len(motion) - 4:6d}" in table(bins, limb_marks(pairs))


def test_marks_are_right_where_a_limb_is_beside_its_points(motion: Motion) -> None:
    keypoints = motion.landmarks2d.copy()
    joints = motion.joints3d.copy()
    joints[:4, [18, 20], 0] += 1.0  # the left arm, beside what was seen: marked, and off
    joints[4:8, [5, 8], 0] += 1.0  # the right leg, whose points went with it: off, and not marked
    keypoints[4:8, [14, 16], 0] += motion.camera_matrix[0, 0] / motion.joints3d[4:8, [5, 8], 2]
    limbs = limb_marks([(motion.replace(joints3d=joints, landmarks2d=keypoints), Sequence.from_motion(motion))])
    assert limbs.limbs == 4 * len(motion)
    assert (limbs.precision, limbs.recall) == (1.0, 0.5)
    assert limbs.off == pytest.approx(8 / limbs.limbs)
