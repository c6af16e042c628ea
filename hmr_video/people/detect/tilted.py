"""More looks at people whose torso is tilted, in a picture where it is upright, and in the mirror image of that.

The network places the limbs of upright people best. Each look errs on its own; of three, the one in the middle errs least.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import MIRRORED_COCO
from hmr_video.people.detect.detections import Detections, hidden_share
from hmr_video.people.detect.turned import SIDE, closest, picture, tilt, turned_back, view
from hmr_video.people.keypoints.sides import sided_as

_TILTED = 15  # degrees of a torso from upright
_ROOM = 1.2  # the picture's side against the longer side of the person's box
_SURE = 0.95  # score of who is found in it, against that of the first finding
_COVERED = 0.3  # share of a box, or of another's, from which both are taken for two who touch
_SOMEBODY = 0.5  # score from which that other is somebody, and no shadow


def tilted_pass(find: Callable[[list[Array]], list[Detections]], frame: Array, found: Detections) -> Detections:
    """The detections in a frame (H, W, 3), where keypoints of tilted people are the medians of three looks at them.

    ``find``: what the network finds in each of some pictures of one size, in their pixels. Who is not found in all keeps what was
    found first. Left and right are as in the upright picture.
    """
    tilts = tilt(found.keypoints)
    keypoints = found.keypoints.copy()
    for row in np.flatnonzero(np.abs(tilts) > _TILTED).tolist():
        if _in_company(found, row):
            continue
        way = view(found.boxes[row], -tilts[row], _ROOM)
        shown = picture(frame, way)
        straight, reverse = find([shown, np.ascontiguousarray(shown[:, ::-1])])
        looks = [_again(turned_back(seen, way, frame.shape[:2]), found, row) for seen in (straight, mirrored(reverse))]
        if looks[0] is not None and looks[1] is not None:
            others = [sided_as(looks[0], other) for other in (looks[1], found.keypoints[row])]
            keypoints[row] = np.median([looks[0], *others], 0)
    return replace(found, keypoints=keypoints) if (keypoints != found.keypoints).any() else found


def _in_company(found: Detections, row: int) -> bool:
    """Whether another is so close that pictures of both tell them apart no better."""
    others = found.scores > _SOMEBODY
    others[row] = False
    return bool((hidden_share(found.boxes[row], found.boxes[others]) > _COVERED).any())


def mirrored(found: Detections) -> Detections:
    """Detections in the mirror image of a square picture as such in the picture."""
    boxes = [SIDE, 0, SIDE, 0] + found.boxes[:, [2, 1, 0, 3]] * [-1, 1, -1, 1]
    return Detections(boxes, found.scores, [SIDE, 0, 0] + found.keypoints[:, MIRRORED_COCO] * [-1, 1, 1])


def _again(seen: Detections, found: Detections, row: int) -> Array | None:
    """Keypoints (17, 3) of the one among ``seen`` who is the person of ``row``, and found as surely."""
    sure = seen.scores > _SURE * found.scores[row]
    same = closest(seen.boxes[sure], found.boxes[row])
    return None if same is None else np.asarray(seen.keypoints[sure][same])
