"""The SMPL skeleton, the COCO keypoints and the landmarks: names, parents, left-right pairs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

JOINT_NAMES = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle", "spine3",
    "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder", "right_shoulder",
    "left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hand", "right_hand",
)  # fmt: skip
PARENTS = (-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19, 20, 21)
MIRRORED_JOINTS = (0, 2, 1, 3, 5, 4, 6, 8, 7, 9, 11, 10, 12, 14, 13, 15, 17, 16, 19, 18, 21, 20, 23, 22)
LIMB_JOINTS = (1, 2, 4, 5, 7, 8, 16, 17, 18, 19, 20, 21)  # hips, knees, ankles, shoulders, elbows, wrists

COCO_NAMES = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow", "right_elbow",
    "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle", "right_ankle",
)  # fmt: skip
# COCO-WholeBody's first 23 points, then the hands as BlazePose has them: the fingers' first knuckles, the thumb's second.
LANDMARKS = (
    *COCO_NAMES,
    "left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel",
    "left_thumb", "left_index", "left_little_finger", "right_thumb", "right_index", "right_little_finger",
)  # fmt: skip
MIRRORED_COCO = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)
COCO_FACE = (0, 1, 2, 3, 4)
# The COCO keypoints that are SMPL joints, in the order of LIMB_JOINTS.
COCO_LIMBS = (11, 12, 13, 14, 15, 16, 5, 6, 7, 8, 9, 10)
# Spread of human annotators by COCO keypoint, as a fraction of the person's scale (COCO keypoint evaluation).
COCO_SIGMAS = (
    0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072, 0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089, 0.089,
)  # fmt: skip

MIRRORED_LANDMARKS = (*MIRRORED_COCO, 20, 21, 22, 17, 18, 19, 26, 27, 28, 23, 24, 25)
LIMBS_OF_ENDS = (15, 15, 15, 16, 16, 16, 9, 9, 9, 10, 10, 10)  # ankle or wrist of each point of feet and hands
# Of the left and the right hand: landmarks whose middle is that of the knuckles.
KNUCKLES = tuple(tuple(LANDMARKS.index(f"{side}_{name}") for name in ("index", "little_finger")) for side in ("left", "right"))
BODY_LANDMARKS, FOOT_LANDMARKS, HAND_LANDMARKS = slice(0, 17), slice(17, 23), slice(23, 29)

# Of keypoints: above the first one it weighs in where the body is put; above the second it alone is evidence of a place.
USABLE_CONFIDENCE, CLEAR_CONFIDENCE = 0.1, 0.5


def with_limb_ends(points: NDArray[Any]) -> NDArray[Any]:
    """Landmarks (T, 29, 3) from the first K of them, (T, K, 3): zero, which is confidence 0, for the others."""
    return np.pad(points, ((0, 0), (0, len(LANDMARKS) - points.shape[1]), (0, 0)))
