"""The numbers of the synthetic detector: YOLO11n-pose on bodies that we filmed.

`hmr-video evaluate --detector-errors` measures again.

Rows: visible keypoints, those hidden by the person's own body, covered by a thing, outside the picture (reported at its border).
Columns: face, shoulders, elbows, wrists, hips, knees, ankles.
"""

import torch

_GROUP = [0] * 5 + [group for group in range(1, 7) for _ in range(2)]  # the column of each keypoint

# Where the detector sees the nose and the left side's keypoints, eye to ankle, metres left, up and forward in the frame of the
# head, chest or limb that carries them (`BIAS_FRAMES`); the right side mirrors the left.
_OFFSETS = torch.tensor(
    [[0.000, 0.025, -0.018], [-0.001, 0.014, -0.006], [-0.014, 0.009, 0.010], [-0.033, 0.007, -0.006], [-0.019, 0.012, 0.013],
     [0.004, -0.001, 0.006], [0.003, 0.032, 0.015], [-0.007, 0.033, 0.000], [-0.003, 0.031, 0.017]]
)  # fmt: skip
DEFINITION = _OFFSETS[[0] + [k for k in range(1, 9) for _ in range(2)]]  # (17, 3)
DEFINITION[2::2, 0] *= -1

# (4, 17) deviation of each coordinate beyond those offsets, in COCO's sigmas.
SPREAD = torch.tensor(
    [[0.28, 0.25, 0.34, 0.30, 0.18, 0.28, 0.32],
     [0.76, 0.47, 0.75, 1.20, 0.34, 0.63, 0.72],
     [1.30, 0.56, 0.79, 1.90, 0.36, 0.60, 1.60],
     [1.65, 0.55, 1.04, 1.52, 0.36, 0.69, 0.80]]
)[:, _GROUP]  # fmt: skip

# (4, 17) deviation of the logarithm of an error's size, lasting: how much larger the large errors are.
# 0.7 of what fits point by point: independent of each other, errors hurt more than the real ones, which go together.
HEAVY = torch.tensor(
    [[0.42, 0.23, 0.52, 0.73, 0.34, 0.36, 0.46],
     [0.35, 0.34, 0.42, 0.49, 0.14, 0.28, 0.28],
     [0.56, 0.40, 0.43, 0.42, 0.21, 0.39, 0.28],
     [0.29, 0.21, 0.28, 0.53, 0.21, 0.48, 0.37]]
)[:, _GROUP]  # fmt: skip

# Shares of an error (their squares sum to 1): constant over a window, changing within half a second, and of the frame alone.
LASTING, SLOW, QUICK = 0.73, 0.53, 0.43

# How the lasting errors of keypoints go together, across and down the picture: rows are shared errors, columns the face's
# keypoints, then left and right shoulder, elbow, wrist, hip, knee, ankle. Hips slip together; crossing legs draw each other.
_ACROSS = torch.tensor(
    [[0.6, -0.6, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
     [0.0, 0.0, 0.6, 0.0, 0.7, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
     [0.0, 0.0, 0.0, 0.6, 0.0, 0.7, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
     [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.7, 0.7, 0.0, 0.0, 0.0, 0.0],
     [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.85, -0.85, 0.75, -0.75]]
)  # fmt: skip
_DOWN = torch.tensor(
    [[0.75, 0.75, 0.7, 0.7, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
     [0.0, 0.0, 0.5, 0.0, 0.8, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
     [0.0, 0.0, 0.0, 0.5, 0.0, 0.8, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
     [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.92, 0.92, 0.35, 0.35, 0.0, 0.0],
     [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.4, -0.4, 0.7, -0.7]]
)  # fmt: skip
SHARED = torch.nn.functional.pad(torch.stack([_ACROSS, _DOWN], -1), (0, 0, 5, 0))  # (5, 17, 2)
OWN = (1 - SHARED.square().sum(0)).sqrt()  # (17, 2) what is each keypoint's own

# (4, 17, 5) logits of the confidence at -2, -1, 0, 1 and 2 standard deviations.
LOGITS = torch.tensor(
    [[[-1.2, 0.8, 2.7, 4.4, 5.5], [1.7, 4.1, 5.6, 5.9, 6.2], [-0.8, 1.4, 3.6, 5.0, 5.8], [-1.6, 1.1, 3.0, 4.3, 5.1],
      [0.5, 4.3, 6.2, 6.8, 7.2], [0.7, 4.0, 5.8, 6.2, 6.6], [-1.4, 2.7, 3.9, 4.8, 5.5]],
     [[-5.8, -3.8, -2.2, 0.2, 1.9], [0.6, 2.1, 3.4, 4.5, 5.8], [-1.2, 0.1, 1.0, 2.2, 3.5], [-2.0, -0.8, 0.6, 1.8, 3.6],
      [0.0, 3.6, 5.5, 6.0, 6.5], [-1.5, 2.8, 4.5, 5.8, 6.2], [-1.0, 1.6, 2.5, 3.9, 4.9]],
     [[-3.8, -2.4, -0.6, 1.2, 2.0], [0.8, 2.3, 3.4, 4.9, 5.8], [-1.0, -0.1, 1.2, 3.6, 4.8], [-1.8, -0.9, 0.6, 2.8, 4.2],
      [1.5, 4.0, 5.6, 6.0, 6.5], [0.5, 2.5, 3.9, 4.9, 5.8], [-0.8, 0.8, 2.4, 4.0, 5.2]],
     [[-7.0, -6.5, -5.8, -2.8, -0.4], [-6.5, -5.8, -3.2, 0.5, 2.6], [-5.8, -4.8, -1.7, -0.1, 1.4],
      [-4.6, -4.0, -2.0, -0.5, 0.3], [-2.4, -1.6, -0.6, 1.0, 2.7], [-4.3, -3.6, -1.5, 0.5, 2.3],
      [-6.5, -5.5, -2.5, 1.0, 3.1]]]
)[:, _GROUP]  # fmt: skip

# (4,) how far a low confidence tells a large error: the correlation of the one with the other's logarithm; and the mean of that
# logarithm, in units of SPREAD, the way beyond the border included.
FORESIGHT = torch.tensor([0.28, 0.25, 0.3, 0.6])
SURPRISE = torch.tensor([0.2, 0.2, 0.2, 1.3])

# Shares of the confidence's variance, as of the errors': of the window, of the keypoint in it, of half a second, of the frame.
MOOD = (0.58, 0.68, 0.38, 0.24)
