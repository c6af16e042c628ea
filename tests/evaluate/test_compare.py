"""People against truths: shared frames, matching, the two protocols."""

import numpy as np
import pytest
import torch

from hmr_video.errors import InputError
from hmr_video.evaluate import Protocol, Sequence, compare, evaluate_people, mean_scores


def test_the_truth_against_itself_is_perfect(motion, body):
    truth = Sequence.from_motion(motion, body)
    scores = compare(truth, truth)
    for name in ("mpjpe", "pa_mpjpe", "pve", "acceleration_error"):
        assert scores[name] == pytest.approx(0, abs=1e-4)
    assert scores["coverage"] == scores["pck"] == 1
    assert scores["acceleration"] == scores["true_acceleration"] > 1
    assert scores["shape_drift"] < 0.01


def test_place_and_size_are_not_counted_but_turns_are(motion, body):
    truth = Sequence.from_motion(motion, body)
    away = motion.replace(trans=motion.trans + np.float32(0.5), joints3d=motion.joints3d + np.float32(0.5))
    scores = compare(Sequence.from_motion(away, body), truth)
    assert scores["mpjpe"] < 0.01
    assert scores["pve"] < 0.01
    assert scores["pck"] < 0.5  # but the projection is off
    large = motion.replace(joints3d=motion.joints3d * np.float32(1.1))
    scores = compare(Sequence.from_motion(large), truth)
    assert scores["pa_mpjpe"] < 0.01
    assert scores["mpjpe"] > 20
    assert "pve" not in scores


def test_only_frames_of_both_count(motion):
    truth = Sequence.from_motion(motion)
    late = Sequence(
        truth.joints[5:] + torch.randn(24, 3), truth.frame_ids[5:] + 0, 25.0, truth.camera_matrix, truth.keypoints[5:]
    )
    scores = compare(late, truth)
    assert scores["coverage"] == pytest.approx(15 / 20)
    assert scores["acceleration_error"] < 1e-9  # a constant offset of each joint, and frames not mixed up
    never = Sequence(truth.joints, truth.frame_ids + 1000, 25.0, truth.camera_matrix, truth.keypoints)
    with pytest.raises(InputError, match="in common"):
        compare(never, truth)


def every_third(motion):
    """As `convert --every 3` leaves it: frames renumbered, times kept."""
    kept = motion.rows(np.flatnonzero(motion.frame_ids % 3 == 0))
    return kept.replace(frame_ids=kept.frame_ids // 3, frame_rate=motion.frame_rate / 3)


@pytest.mark.parametrize("swapped", [False, True])
def test_frames_are_paired_by_time_whatever_their_numbers_and_rates(motion, swapped):
    pair = [Sequence.from_motion(motion), Sequence.from_motion(every_third(motion))]
    predicted, true = pair[::-1] if swapped else pair
    ((partner, scores),) = evaluate_people([predicted], [true])
    assert partner == 0
    assert scores["mpjpe"] < 1e-6
    assert scores["pck"] == 1
    assert scores["coverage"] == pytest.approx(1, abs=0.1)
    assert scores["acceleration"] == pytest.approx(scores["true_acceleration"])


def test_a_later_start_is_no_other_moment(motion):
    truth = Sequence.from_motion(motion)
    renumbered = Sequence.from_motion(motion.replace(frame_ids=motion.frame_ids + 7))
    assert compare(renumbered, truth)["mpjpe"] < 1e-6
    between = motion.replace(timestamps=motion.timestamps + 0.6 / motion.frame_rate)  # nearer to the next frame
    assert compare(Sequence.from_motion(between), truth)["coverage"] == pytest.approx(19 / 20)


def test_people_are_matched_by_where_they_are(motions):
    true = [Sequence.from_motion(motion) for motion in motions]
    found = evaluate_people(true[::-1], true)
    assert [partner for partner, _ in found] == [1, 0]
    assert all(scores["mpjpe"] < 1e-6 for _, scores in found)
    missed = evaluate_people(true[1:], true)
    assert missed[0] == (None, {})
    assert missed[1][0] == 0
    assert evaluate_people([], true) == [(None, {}), (None, {})]


def test_the_papers_protocol_leaves_out_frames_in_which_little_is_visible(motion):
    truth = Sequence.from_motion(motion)
    truth.keypoints[..., 2] = 1.0
    truth.keypoints[10, 6:, 2] = 0.0  # six visible points are too few
    wrong = truth.joints.clone()
    wrong[10] += torch.randn(24, 3)
    scores = compare(Sequence(wrong, truth.frame_ids, 25.0, truth.camera_matrix, truth.keypoints), truth, Protocol.PAPER)
    assert scores["mpjpe"] < 1e-6
    assert scores["pa_mpjpe"] < 1e-6
    assert scores["acceleration_error"] < 1e-6  # the three differences that touch frame 10 are left out
    truth.keypoints[10, 6, 2] = 1.0  # seven are enough
    scores = compare(Sequence(wrong, truth.frame_ids, 25.0, truth.camera_matrix, truth.keypoints), truth, Protocol.PAPER)
    assert scores["mpjpe"] > 10
    assert scores["acceleration_error"] > 10


def test_the_mean_is_over_people_and_skips_what_they_lack():
    assert mean_scores([{"mpjpe": 10.0, "pve": 4.0}, {"mpjpe": 20.0}, {}, {"mpjpe": float("nan")}]) == {"mpjpe": 15.0, "pve": 4.0}


def test_pck_counts_limbs_within_a_twentieth_of_the_box():
    """All joints lie 2 m away before a focal length of 1000 px, in a box 400 px tall: 20 px are the limit, 4 cm."""
    joints = torch.zeros(2, 24, 3, dtype=torch.float64)
    joints[..., 2] = 2.0
    joints[:, 15, 1], joints[:, 10, 1] = -0.4, 0.4  # head and foot, 200 px above and below the middle
    camera = torch.tensor([[1000.0, 0, 320], [0, 1000, 240], [0, 0, 1]], dtype=torch.float64)
    truth = Sequence(joints, torch.arange(2), 30.0, camera, torch.full((2, 14, 3), torch.nan))
    moved = joints.clone()
    moved[0, 20, 0] += 0.039  # 19.5 px: counts
    moved[0, 21, 0] += 0.041  # 20.5 px: one of 24 does not
    scores = compare(Sequence(moved, truth.frame_ids, 30.0, camera, truth.keypoints), truth)
    assert scores["pck"] == pytest.approx(23 / 24)
