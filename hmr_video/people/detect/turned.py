"""Pictures of a frame's people, turned, and what is found in them brought back; `tilted` and `lying` look at them."""

import numpy as np

from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import USABLE_CONFIDENCE
from hmr_video.people.detect.detections import Detections, box_overlap
from hmr_video.people.detect.engine import PAD

SIDE = 320  # pixels of the picture that is looked at
LEANING = 50  # degrees of a torso from upright; some quarter turn brings it nearer
SAME = 0.3  # overlap from which two boxes may hold one person


def tilt(keypoints: Array) -> Array:
    """Degrees (n,), clockwise, from upright to the torsos of (n, 17, 3); 0 where shoulders or hips are not seen."""
    up = keypoints[:, [5, 6], :2].mean(1) - keypoints[:, [11, 12], :2].mean(1)
    seen = (keypoints[:, [5, 6, 11, 12], 2] > USABLE_CONFIDENCE).all(1)
    return np.where(seen, np.degrees(np.arctan2(up[:, 0], -up[:, 1])), 0.0)


def rotation(degrees: float) -> Array:
    """(2, 2) that turns pixels clockwise."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array([[cosine, -sine], [sine, cosine]])


def view(box: Array, turn: float, room: float) -> Array:
    """(2, 3) from the pixels of a frame to those of a square picture of what is in and about ``box`` (4,).

    ``turn``: degrees by which it is turned clockwise; ``room``: the picture's side against the longer side of the box.
    """
    low, high = box[:2], box[2:]
    linear = rotation(turn) * (SIDE / (room * max(float((high - low).max()), 1.0)))
    return np.concatenate([linear, (SIDE / 2 - linear @ (low + high) / 2)[:, None]], 1)


def picture(frame: Array, way: Array) -> Array:
    """The square picture (S, S, 3) of a frame (H, W, 3) to which ``way`` (2, 3) leads."""
    import cv2

    middles = way.copy()  # pixels' middles are at halves for us, and at whole numbers for OpenCV
    middles[:, 2] += way[:, :2].sum(1) / 2 - 0.5
    return np.asarray(cv2.warpAffine(frame, middles, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderValue=(PAD, PAD, PAD)))


def turned_back(found: Detections, way: Array, size: tuple[int, ...]) -> Detections:
    """Detections in the picture to which ``way`` (2, 3) leads as such in the frame of a ``size`` (height, width)."""
    inverse = np.linalg.inv(way[:, :2])

    def back(points: Array) -> Array:
        return np.asarray((points - way[:, 2]) @ inverse.T)

    corners = back(found.boxes[:, [[0, 1], [2, 1], [2, 3], [0, 3]]]).clip(0, [size[1], size[0]])
    boxes = np.concatenate([corners.min(1), corners.max(1)], 1)
    return Detections(boxes, found.scores, np.concatenate([back(found.keypoints[..., :2]), found.keypoints[..., 2:]], -1))


def closest(boxes: Array, box: Array) -> int | None:
    """Which of the boxes (n, 4) may hold the person of ``box`` (4,)."""
    overlap = box_overlap(boxes, box)
    return int(overlap.argmax()) if overlap.max(initial=0.0) > SAME else None
