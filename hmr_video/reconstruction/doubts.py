"""Which frames and which limbs of a result are not to be relied on, as far as the result itself can tell."""

import numpy as np
import torch

from hmr_video.geometry import Array
from hmr_video.geometry.cameras import project
from hmr_video.motion import Motion

# By limb: its COCO points, and the SMPL joints that should lie on them.
LIMBS = {
    "left_arm": ((7, 9), (18, 20)),
    "right_arm": ((8, 10), (19, 21)),
    "left_leg": ((13, 15), (4, 7)),
    "right_leg": ((14, 16), (5, 8)),
}
UNSURE = 0.5  # confidence of a frame below which, with two witnesses, most limb joints are expected a tenth of the person off
# Confidence of a limb's point that hardly tells; in heights, how far the body misses one that does. On 160 filmed windows of
# held-out motion, a third of them from near, these tell best which limbs are a tenth of the person off.
_UNSEEN, _OFF = 0.2, 0.07
_BRIEF = 0.1  # seconds: spans so near are one, and shorter ones are left out
_TOWARDS = 0.5  # cosine between the chest's direction and the view's, from which a body faces the camera, or turns its back
_NO_FACE, _A_FACE = 0.2, 0.8  # confidence of nose and eyes: none of them is seen; all are
_SHOULDERS, _FACE = [5, 6], [0, 1, 2]
_LEFT_HIP, _RIGHT_HIP, _LEFT_SHOULDER, _RIGHT_SHOULDER = 1, 2, 16, 17


def doubtful_frames(motion: Motion, faces: bool = True) -> Array:
    """(T,) bool: frames that are little sure, or in which the body faces the other way than the face that is seen says.

    ``faces``: whether the confidence of its points tells if a face is seen; many files of keypoints call all points visible.
    """
    unsure = motion.confidence < UNSURE
    return np.asarray(unsure | back_to_front(motion) if faces else unsure)


def doubtful_limbs(motion: Motion) -> dict[str, Array]:
    """For each of `LIMBS` (T,) bool: the frames in which it is not seen, or the body's lies beside it."""
    projected = project(torch.from_numpy(motion.joints3d).double(), torch.from_numpy(motion.camera_matrix).double()).numpy()
    landmarks, boxes = motion.steady_landmarks, motion.steady_boxes
    height = np.maximum(boxes[:, 3] - boxes[:, 1], 1)[:, None]
    found = {}
    for limb, (points, joints) in LIMBS.items():
        seen = landmarks[:, list(points)]
        missed = np.linalg.norm(projected[:, list(joints)] - seen[..., :2], axis=-1) / height
        found[limb] = ((seen[..., 2] < _UNSEEN) | (missed > _OFF)).any(1)
    return found


def back_to_front(motion: Motion) -> Array:
    """(T,) bool: the body faces the camera and nobody's face is seen above its shoulders, or the other way round."""
    joints = np.asarray(motion.joints3d, np.float64)
    up = joints[:, [_LEFT_SHOULDER, _RIGHT_SHOULDER]].mean(1) - joints[:, [_LEFT_HIP, _RIGHT_HIP]].mean(1)
    chest = np.cross(joints[:, _LEFT_SHOULDER] - joints[:, _RIGHT_SHOULDER], up)
    sizes = np.linalg.norm(chest, axis=-1) * np.linalg.norm(joints[:, 0], axis=-1)
    towards = -(chest * joints[:, 0]).sum(-1) / np.maximum(sizes, 1e-9)
    face, shoulders = motion.keypoints2d[:, _FACE, 2], motion.keypoints2d[:, _SHOULDERS, 2].min(1)
    faceless = (face.max(1) < _NO_FACE) & (shoulders > UNSURE)
    return np.asarray(((towards > _TOWARDS) & faceless) | ((towards < -_TOWARDS) & (face.min(1) > _A_FACE)))


def spans(doubtful: Array, frame_ids: Array, frame_rate: float) -> list[list[int]]:
    """The first and the last frame id of each stretch of ``doubtful`` (T,) that is no brief one."""
    frames = np.flatnonzero(doubtful)
    if not len(frames):
        return []
    brief = _BRIEF * frame_rate
    runs = np.split(frames, np.flatnonzero(np.diff(frames) > 1 + brief) + 1)
    return [[int(frame_ids[run[0]]), int(frame_ids[run[-1]])] for run in runs if run[-1] - run[0] + 1 >= brief]
