"""How good a result is, as far as the result itself can tell: its fit to the 2D evidence, and how it moves."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from hmr_video.geometry import Array
from hmr_video.geometry.cameras import project
from hmr_video.geometry.skeleton import COCO_LIMBS, LIMB_JOINTS
from hmr_video.motion import Motion
from hmr_video.people.track.tracks import Track
from hmr_video.reconstruction.doubts import doubtful_frames, doubtful_limbs, spans

CONFIDENT = 0.5  # keypoints above count when the fit is measured
UNSURE, MISFIT = 0.3, 0.06  # mean confidence below which, and median residual above which, a result is not to be relied on
MOST = 0.5  # share of doubtful frames from which a whole result is
_DOUBT = 0.06  # error, as a fraction of the box height, at which a keypoint's agreement has fallen to 1/e
_UNSEEN = 0.5  # factor on the confidence of frames that were filled in
# Of two witnesses: the share of limb joints within a tenth of the person's size of their true places, on 2,300 filmed frames, is
# 1 - exp(-x / 0.2) of the x that confidence, fit and agreement make (0.29, 0.72, 0.90, 0.97 at 0.05, 0.25, 0.45, 0.65).
_CALIBRATION = 0.2


def frame_confidence(points: Tensor, track: Track, camera_matrix: Tensor) -> Array:
    """(T,) in 0..1: the mean confidence of the 12 limb keypoints, each weighed by how well the body's ``points`` meet it.

    Where two witnesses looked, it counts how well they agree, and the number is the share of limb joints to be expected within a
    tenth of the person's size of their true places in the picture. points: (T, 17, 3) COCO points in camera space.
    Filled-in frames take what their neighbours have, halved.
    """
    projected = project(points, camera_matrix).numpy()[:, COCO_LIMBS]
    detected = track.keypoints[:, COCO_LIMBS]
    height = np.maximum(track.boxes[:, 3] - track.boxes[:, 1], 1)[:, None]
    error = np.linalg.norm(projected - detected[..., :2], axis=-1) / height
    value = (detected[..., 2] * np.exp(-((error / _DOUBT) ** 2))).mean(-1)
    if track.agreement is not None:
        value = 1 - np.exp(-value * track.agreement / _CALIBRATION)
    seen = np.flatnonzero(track.detected)
    if len(seen) == 0:
        return np.zeros(len(track), np.float32)
    value = np.interp(np.arange(len(track)), seen, value[seen])
    return np.where(track.detected, value, _UNSEEN * value).clip(0, 1).astype(np.float32)


def residuals(motion: Motion) -> Array:
    """Distances of the projected limb joints from the confident keypoints, as fractions of the box height; (N,), any order."""
    joints = torch.from_numpy(np.asarray(motion.joints3d[:, LIMB_JOINTS], np.float32))
    projected = project(joints, torch.from_numpy(np.asarray(motion.camera_matrix, np.float32))).numpy()
    keypoints, boxes = motion.steady_landmarks[:, COCO_LIMBS], motion.steady_boxes
    height = np.maximum(boxes[:, 3] - boxes[:, 1], 1)[:, None]
    error = np.linalg.norm(projected - keypoints[..., :2], axis=-1) / height
    return np.asarray(error[keypoints[..., 2] > CONFIDENT])


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
