"""How good a result is, as far as it can tell itself: its fit to the 2D evidence, how it moves, and what of it to doubt."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from hmr_video.geometry import Array
from hmr_video.geometry.cameras import project
from hmr_video.geometry.skeleton import COCO_LIMBS, LIMB_JOINTS
from hmr_video.motion import Motion
from hmr_video.people.track.tracks import Track

CONFIDENT = 0.5  # keypoints above count when the fit is measured
UNSURE, MISFIT = 0.3, 0.06  # mean confidence below which, and median residual above which, a result is not to be relied on
MOST = 0.5  # share of doubtful frames from which a whole result is
_DOUBT = 0.06  # error, as a fraction of the box height, at which a keypoint's agreement has fallen to 1/e
_FILLED_IN = 0.5  # factor on the confidence of frames that were filled in
# Of two witnesses: the share of limb joints within a tenth of the person's size of their true places, on 2,300 filmed frames, is
# 1 - exp(-x / 0.2) of the x that confidence, fit and agreement make (0.29, 0.72, 0.90, 0.97 at 0.05, 0.25, 0.45, 0.65).
_CALIBRATION = 0.2
# By limb: its COCO points, and the SMPL joints that should lie on them.
LIMBS = {
    "left_arm": ((7, 9), (18, 20)),
    "right_arm": ((8, 10), (19, 21)),
    "left_leg": ((13, 15), (4, 7)),
    "right_leg": ((14, 16), (5, 8)),
}
UNSURE_FRAME = 0.5  # confidence of a frame below which, with two witnesses, most limb joints are a tenth of the person off
# Confidence of a limb's point that hardly tells; in heights, how far the body misses one that does. On 160 filmed windows of
# held-out motion, a third of them from near, these tell best which limbs are a tenth of the person off.
_HARDLY_SEEN, _OFF = 0.2, 0.07
_BRIEF = 0.1  # seconds: spans so near are one, and shorter ones are left out
_TOWARDS = 0.5  # cosine between the chest's direction and the view's, from which a body faces the camera, or turns its back
_NO_FACE, _A_FACE = 0.2, 0.8  # confidence of nose and eyes: none of them is seen; all are
_SHOULDERS, _FACE = [5, 6], [0, 1, 2]
_LEFT_HIP, _RIGHT_HIP, _LEFT_SHOULDER, _RIGHT_SHOULDER = 1, 2, 16, 17


def frame_confidence(points: Tensor, track: Track, camera_matrix: Tensor) -> Array:
    """(T,) in 0..1: the mean confidence of the 12 limb keypoints, each weighed by how well the body's ``points`` meet it.

    Where two witnesses looked, it counts how well they agree, and the number is the share of limb joints to be expected within a
    tenth of the person's size of their true places in the picture. points: (T, 17, 3) COCO points in camera space.
    Filled-in frames take what their neighbours have, halved.
    """
    detected = track.keypoints[:, COCO_LIMBS]
    error = _missed(points[:, COCO_LIMBS], camera_matrix, detected, track.boxes)
    value = (detected[..., 2] * np.exp(-((error / _DOUBT) ** 2))).mean(-1)
    if track.agreement is not None:
        value = 1 - np.exp(-value * track.agreement / _CALIBRATION)
    seen = np.flatnonzero(track.detected)
    if len(seen) == 0:
        return np.zeros(len(track), np.float32)
    value = np.interp(np.arange(len(track)), seen, value[seen])
    return np.where(track.detected, value, _FILLED_IN * value).clip(0, 1).astype(np.float32)


def residuals(motion: Motion) -> Array:
    """Distances of the projected limb joints from the confident keypoints, as fractions of the box height; (N,), any order."""
    joints = torch.from_numpy(np.asarray(motion.joints3d[:, LIMB_JOINTS], np.float32))
    keypoints = motion.steady_landmarks[:, COCO_LIMBS]
    camera_matrix = torch.from_numpy(np.asarray(motion.camera_matrix, np.float32))
    return np.asarray(_missed(joints, camera_matrix, keypoints, motion.steady_boxes)[keypoints[..., 2] > CONFIDENT])


def _missed(points: Tensor, camera_matrix: Tensor, seen: Array, boxes: Array) -> Array:
    """(T, K) how far points (T, K, 3) in camera space are from where they are ``seen`` (T, K, 3), in heights of boxes (T, 4)."""
    height = np.maximum(boxes[:, 3] - boxes[:, 1], 1)[:, None]
    return np.asarray(np.linalg.norm(project(points, camera_matrix).numpy() - seen[..., :2], axis=-1) / height)


def joint_acceleration(motion: Motion) -> float:
    """Mean acceleration in m/s^2 of the limb joints relative to the pelvis: near 0 is frozen, tens jitter. 0 below 3 frames."""
    if len(motion) < 3:
        return 0.0
    joints = (motion.joints3d - motion.joints3d[:, :1])[:, LIMB_JOINTS].astype(np.float64)
    return float(np.linalg.norm(accelerations(joints, motion.timestamps), axis=-1).mean())


def accelerations(points: Array, timestamps: Array) -> Array:
    """(T - 2, N, 3) m/s^2 of points (T, N, 3) at seconds (T,), by differences over uneven steps."""
    step = np.maximum(np.diff(timestamps), 1e-3)[:, None, None]
    speed = np.diff(points, axis=0) / step
    return np.asarray(np.diff(speed, axis=0) / ((step[1:] + step[:-1]) / 2))


def doubtful_frames(motion: Motion, faces: bool = True) -> Array:
    """(T,) bool: frames that are little sure, or in which the body faces the other way than the face that is seen says.

    ``faces``: whether the confidence of its points tells if a face is seen; many files of keypoints call all points visible.
    """
    unsure = motion.confidence < UNSURE_FRAME
    return np.asarray(unsure | back_to_front(motion) if faces else unsure)


def doubtful_limbs(motion: Motion) -> dict[str, Array]:
    """For each of `LIMBS` (T,) bool: the frames in which it is not seen, or the body's lies beside it."""
    joints, camera = torch.from_numpy(motion.joints3d).double(), torch.from_numpy(motion.camera_matrix).double()
    landmarks, found = motion.steady_landmarks, {}
    for limb, (points, ends) in LIMBS.items():
        seen = landmarks[:, list(points)]
        missed = _missed(joints[:, list(ends)], camera, seen, motion.steady_boxes)
        found[limb] = np.any((seen[..., 2] < _HARDLY_SEEN) | (missed > _OFF), 1)
    return found


def back_to_front(motion: Motion) -> Array:
    """(T,) bool: the body faces the camera and nobody's face is seen above its shoulders, or the other way round."""
    joints = np.asarray(motion.joints3d, np.float64)
    up = joints[:, [_LEFT_SHOULDER, _RIGHT_SHOULDER]].mean(1) - joints[:, [_LEFT_HIP, _RIGHT_HIP]].mean(1)
    chest = np.cross(joints[:, _LEFT_SHOULDER] - joints[:, _RIGHT_SHOULDER], up)
    sizes = np.linalg.norm(chest, axis=-1) * np.linalg.norm(joints[:, 0], axis=-1)
    towards = -(chest * joints[:, 0]).sum(-1) / np.maximum(sizes, 1e-9)
    face, shoulders = motion.keypoints2d[:, _FACE, 2], motion.keypoints2d[:, _SHOULDERS, 2].min(1)
    faceless = (face.max(1) < _NO_FACE) & (shoulders > UNSURE_FRAME)
    return np.asarray(((towards > _TOWARDS) & faceless) | ((towards < -_TOWARDS) & (face.min(1) > _A_FACE)))


def spans(doubtful: Array, frame_ids: Array, frame_rate: float) -> list[list[int]]:
    """The first and the last frame id of each stretch of ``doubtful`` (T,) that is no brief one."""
    frames = np.flatnonzero(doubtful)
    if not len(frames):
        return []
    brief = _BRIEF * frame_rate
    runs = np.split(frames, np.flatnonzero(np.diff(frames) > 1 + brief) + 1)
    return [[int(frame_ids[run[0]]), int(frame_ids[run[-1]])] for run in runs if run[-1] - run[0] + 1 >= brief]


def assess(motion: Motion, faces: bool = True) -> dict[str, Any]:
    """The numbers of one person in ``summary.json`` and in the terminal's table. ``faces``: see `doubtful_frames`."""
    error = residuals(motion)
    detected = (motion.keypoints2d[..., 2] > 0).any(-1)
    confidence = float(motion.confidence.mean())
    frames = doubtful_frames(motion, faces)
    limbs = {limb: spans(where, motion.frame_ids, motion.frame_rate) for limb, where in doubtful_limbs(motion).items()}
    fits = len(error) == 0 or float(np.median(error)) <= MISFIT
    return {
        "reliable": bool(confidence >= UNSURE and fits and frames.mean() <= MOST),
        "unreliable_frames": spans(frames, motion.frame_ids, motion.frame_rate),
        "unreliable_limbs": {limb: where for limb, where in limbs.items() if where},
        "frames": len(motion),
        "first_frame": int(motion.frame_ids[0]),
        "last_frame": int(motion.frame_ids[-1]),
        "interpolated_frames": int((~detected).sum()),
        "confidence": round(confidence, 4),
        "residual_median": round(float(np.median(error)), 5) if len(error) else None,
        "residual_90th_percentile": round(float(np.percentile(error, 90)), 5) if len(error) else None,
        "joint_acceleration": round(joint_acceleration(motion), 3),
    }
