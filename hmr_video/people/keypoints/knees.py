"""Knees that a detector doubts although it sees where they are: those of sitting people, whose shins the picture cuts off."""

from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import USABLE_CONFIDENCE
from hmr_video.people.keypoints.border import border_distance

_KNEES = [13, 14]  # COCO
_DOUBTED, _BELIEVED = 0.25, 0.35  # confidence of the surer knee: from where both are believed a little, and fully
_BORDER, _INSIDE = 0.01, 0.05  # of the box's longer side: as near to the border as says nothing; far enough to be inside
_SURE = 0.97


def raise_knee_confidence(keypoints: Array, boxes: Array, image_size: tuple[int, int]) -> Array:
    """Keypoints (T, 17, 3) in pixels with more confidence in knees well inside a picture of ``image_size``, width and height;
    boxes (T, 4).

    The model learnt that low knees of low confidence are those of standing legs that are cut off, and takes sitting people whose
    shins are out of the picture for them. But what is out of the picture detectors put near its border: doubted knees elsewhere
    are mostly in it, and about where they are said to be.
    """
    knees = keypoints[:, _KNEES]
    surer = (knees[..., 2].max(1, keepdims=True) - _DOUBTED) / (_BELIEVED - _DOUBTED)
    inside = (border_distance(knees, boxes, image_size) - _BORDER) / (_INSIDE - _BORDER)
    belief = surer.clip(0, 1) * inside.clip(0, 1) * (knees[..., 2] > USABLE_CONFIDENCE)
    raised = keypoints.copy()
    raised[:, _KNEES, 2] += belief * (_SURE - knees[..., 2]).clip(0)
    return raised
