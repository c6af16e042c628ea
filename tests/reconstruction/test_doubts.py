"""Frames and limbs that are not to be relied on."""

import numpy as np

from hmr_video.motion import Motion
from hmr_video.reconstruction.quality import assess, back_to_front, doubtful_frames, doubtful_limbs, spans


def test_spans_join_what_is_near_and_leave_out_what_is_brief() -> None:
    doubtful = np.zeros(60, bool)
    doubtful[[5, 20, 21, 22, 25, 26, 40, 41, 42, 43]] = True
    assert spans(doubtful, np.arange(100, 160), 30.0) == [[120, 126], [140, 143]]
    assert spans(np.zeros(3, bool), np.arange(3), 30.0) == []


def test_little_confidence_marks_the_frames(motion: Motion) -> None:
    confidence = np.full(len(motion), 0.9, np.float32)
    confidence[3:8] = 0.3
    quality = assess(motion.replace(confidence=confidence), faces=False)
    assert quality["unreliable_frames"] == [[int(motion.frame_ids[3]), int(motion.frame_ids[7])]]
    assert quality["reliable"] is True
    confidence[: len(motion) * 2 // 3] = 0.4
    assert assess(motion.replace(confidence=confidence), faces=False)["reliable"] is False


def test_a_limb_that_is_unseen_or_missed_is_marked(motion: Motion) -> None:
    landmarks = motion.landmarks2d.copy()
    landmarks[2:8, 9, 2] = 0.1  # left wrist
    landmarks[4:9, 14, 0] += 0.2 * (motion.boxes[4:9, 3] - motion.boxes[4:9, 1])  # right knee
    limbs = {
        limb: np.flatnonzero(frames).tolist() for limb, frames in doubtful_limbs(motion.replace(landmarks2d=landmarks)).items()
    }
    assert limbs == {"left_arm": [2, 3, 4, 5, 6, 7], "right_arm": [], "left_leg": [], "right_leg": [4, 5, 6, 7, 8]}


def test_a_body_that_looks_where_no_face_is_counts_as_back_to_front(motion: Motion) -> None:
    sure = motion.replace(confidence=np.full(len(motion), 0.9, np.float32))
    joints = np.zeros((len(motion), 24, 3), np.float32)
    joints[..., 2] = 4
    joints[:, [1, 16], 0], joints[:, [2, 17], 0] = 0.2, -0.2  # the left side at the picture's right: it faces the camera
    joints[:, [16, 17], 1] = -0.5
    landmarks = motion.landmarks2d.copy()
    landmarks[:, :5, 2] = 0.05
    facing = sure.replace(joints3d=joints, landmarks2d=landmarks)
    assert back_to_front(facing).all()
    assert doubtful_frames(facing).all()
    assert not doubtful_frames(facing, faces=False).any()
    assert assess(facing)["reliable"] is False
    away = joints * np.array([-1, 1, 1], np.float32)
    assert not back_to_front(facing.replace(joints3d=away)).any()
    landmarks[:, :5, 2] = 0.95
    assert back_to_front(facing.replace(joints3d=away, landmarks2d=landmarks)).all()
    assert not back_to_front(facing.replace(landmarks2d=landmarks)).any()
