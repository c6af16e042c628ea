import numpy as np
import pytest
import torch

from hmr_video.motion import Motion
from hmr_video.people.track.tracks import Track
from hmr_video.reconstruction.quality import assess, doubtful_limbs, frame_confidence, joint_acceleration, residuals


def test_a_body_on_its_keypoints_has_no_residual(motion: Motion) -> None:
    assert residuals(motion).max() < 1e-3
    shifted = motion.keypoints2d.copy()
    shifted[..., 0] += 0.1 * (motion.boxes[:, 3] - motion.boxes[:, 1])[:, None]
    assert residuals(motion.replace(landmarks2d=shifted)) == pytest.approx(0.1, abs=1e-3)


def test_doubtful_keypoints_do_not_count(motion: Motion) -> None:
    doubtful = motion.keypoints2d * np.array([1.3, 0.7, 0.4])
    assert len(residuals(motion.replace(landmarks2d=doubtful))) == 0
    assert assess(motion.replace(landmarks2d=doubtful))["residual_median"] is None


def test_acceleration_is_per_second_whatever_the_frame_rate() -> None:
    """Joints on x = t^2 / 2 accelerate by 1 m/s^2."""

    class Falling:
        def __init__(self, times: np.ndarray) -> None:
            self.timestamps = times
            self.joints3d = np.zeros((len(times), 24, 3))
            self.joints3d[:, 1:, 0] = (times**2 / 2)[:, None]

        def __len__(self) -> int:
            return len(self.timestamps)

    for rate in (10, 30):
        assert joint_acceleration(Falling(np.arange(20) / rate)) == pytest.approx(1, rel=1e-6)  # type: ignore[arg-type]


def test_filled_in_frames_are_trusted_less(motion: Motion) -> None:
    detected = np.ones(len(motion), bool)
    detected[5:8] = False
    keypoints = motion.keypoints2d * detected[:, None, None]
    track = Track(motion.frame_ids, motion.boxes, keypoints, detected)
    limbs = motion.joints3d[:, [15] * 5 + [16, 17, 18, 19, 20, 21, 1, 2, 4, 5, 7, 8]]
    confidence = frame_confidence(torch.from_numpy(limbs), track, torch.from_numpy(motion.camera_matrix))
    assert confidence[4] == pytest.approx(0.9, abs=0.01)
    assert confidence[6] == pytest.approx(0.45, abs=0.01)


def test_a_result_says_when_it_is_not_to_be_relied_on(motion: Motion) -> None:
    sure = motion.replace(confidence=np.full(len(motion), 0.8, np.float32))
    assert assess(sure, faces=False)["reliable"] is True
    assert assess(motion.replace(confidence=np.full(len(motion), 0.1, np.float32)))["reliable"] is False
    shifted = motion.keypoints2d.copy()
    shifted[..., 0] += 0.1 * (motion.boxes[:, 3] - motion.boxes[:, 1])[:, None]
    assert assess(sure.replace(landmarks2d=shifted))["reliable"] is False


def test_a_zoom_is_no_misfit(motion: Motion) -> None:
    middle, zoom = motion.camera_matrix[:2, 2], np.linspace(1, 2, len(motion))
    landmarks, boxes = motion.landmarks2d.copy(), motion.boxes.reshape(-1, 2, 2)
    landmarks[..., :2] = (landmarks[..., :2] - middle) * zoom[:, None, None] + middle
    boxes = ((boxes - middle) * zoom[:, None, None] + middle).reshape(-1, 4)
    zooming = motion.replace(landmarks2d=landmarks, boxes=boxes, zoom=zoom)
    np.testing.assert_allclose(residuals(zooming), residuals(motion), atol=1e-4)
    for limb, marked in doubtful_limbs(motion).items():
        np.testing.assert_array_equal(doubtful_limbs(zooming)[limb], marked)
