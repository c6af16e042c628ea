"""One body of evidence from two witnesses: the detector, which saw the whole picture, and the landmark network, which saw a crop.

What each is worth was measured once, on 2,000 filmed pictures of which the truth is known. Where the two agree to a twentieth of
the person, their errors are alike (4.3 and 3.9 % of the person's size; their mean 3.8). Where they differ, the crop is the better
one, the more so the more they differ (7.8 to 9.7 at 8 % of disagreement, 13 to 18 at 15 %), and it has the right sides in 7 of 10
frames in which they differ in these. The exception is company: of a crop with two people in it the network may take the other
one, or a limb of his; there the detector decides. `evaluate --detector-errors MOCAP`, with `--landmarks none` and without, tells
what the detector errs by, and what both together.

The detector's confidence tells whether a point is in the picture and can be placed; the network's, whether it is hidden.
"""

from dataclasses import dataclass

import numpy as np

from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import BODY_LANDMARKS, COCO_FACE, COCO_LIMBS, LANDMARKS

CROP_SHARE = 0.6  # of the network in points on which both agree
AGREED, DISPUTED = 0.05, 0.08  # of the person's size: distance up to which points agree, and from which the network decides alone
ANOTHER = 0.1  # the same, of the median limb: in company, the network looked at somebody else
OUTSIDE_SHARE = 0.5  # of the visible limb points outside the box: likewise
OUTSIDE_MARGIN = 0.15  # sides of the box, by which those are outside of it
NOBODY = 0.5  # presence below which the network saw nobody
HIDDEN = 0.5  # what is left of the confidence in a point that the network holds for hidden
_DISCORD = 0.1  # of the person's size: distance of a limb point at which agreement has fallen to 1/e


@dataclass(frozen=True)
class Witnesses:
    """One person over T frames.

    Attributes:
        detector: (T, 17, 3) COCO points, pixels and confidence; 0 where not detected.
        crop: (T, 29, 3) landmarks, pixels and confidence; 0 where there is none.
        presence: (T,) of a person in the crop.
        boxes: (T, 4) x1 y1 x2 y2 pixels.
        company: (T,) whether somebody else is so near that the crop shows both.
    """

    detector: Array
    crop: Array
    presence: Array
    boxes: Array
    company: Array

    @property
    def absent(self) -> Array:
        """(T,) whether the detector says nothing."""
        return np.asarray((self.detector[..., 2] <= 0).all(1))

    @property
    def apart(self) -> Array:
        """(T, 17) how far the two are from each other, in longer sides of the box."""
        size = np.maximum((self.boxes[:, 2:] - self.boxes[:, :2]).max(1), 1.0)[:, None]
        return np.linalg.norm(self.detector[..., :2] - self.crop[:, BODY_LANDMARKS, :2], axis=-1) / size


def fuse(seen: Witnesses) -> Array:
    """The landmarks (T, 29, 3) of a person, in pixels with confidence, from what both witnesses say."""
    own, crop, apart, absent = seen.detector, seen.crop[:, BODY_LANDMARKS], seen.apart, seen.absent
    another = seen.company & ~absent & (np.median(apart[:, COCO_LIMBS], 1) > ANOTHER)
    believed = (seen.presence >= NOBODY) & ~another & ~_astray(crop, seen.boxes)
    disputed = ((apart - AGREED) / (DISPUTED - AGREED)).clip(0, 1)
    decides = np.where(seen.company, 0.0, 1.0)[:, None]  # the crop; in company, the detector
    share = CROP_SHARE + (decides - CROP_SHARE) * disputed
    share = np.where(absent[:, None], 1.0, share) * (believed[:, None] & (crop[..., 2] > 0))

    fused = np.zeros((len(own), len(LANDMARKS), 3))
    fused[:, BODY_LANDMARKS, :2] = own[..., :2] + share[..., None] * (crop[..., :2] - own[..., :2])
    sure = np.where(absent[:, None], crop[..., 2] * believed[:, None], own[..., 2])
    open_view = np.where(share > 0, HIDDEN + (1 - HIDDEN) * crop[..., 2], 1.0)
    open_view[:, COCO_FACE] = 1.0  # the network calls every face visible, and its own is the detector's strength
    fused[:, BODY_LANDMARKS, 2] = sure * open_view
    ends = slice(BODY_LANDMARKS.stop, None)
    fused[:, ends] = seen.crop[:, ends] * believed[:, None, None]
    return fused


def agreement(seen: Witnesses) -> Array:
    """(T,) in 0..1: how well the two agree on the limbs; 0 where the network sees nobody, 1 where one of them was not asked."""
    asked = ~seen.absent & (seen.crop[..., 2] > 0).any(1)
    alike = np.exp(-((seen.apart[:, COCO_LIMBS] / _DISCORD) ** 2)).mean(1)
    return np.where(asked, np.where(seen.presence < NOBODY, 0.0, alike), 1.0)


def _astray(crop: Array, boxes: Array) -> Array:
    """(T,) whether most of the visible limb points among (T, 17, 3) lie outside the person's box (T, 4)."""
    limbs = crop[:, COCO_LIMBS]
    low, high = boxes[:, None, :2], boxes[:, None, 2:]
    margin = OUTSIDE_MARGIN * (high - low)
    outside = ((limbs[..., :2] < low - margin) | (limbs[..., :2] > high + margin)).any(-1)
    visible = limbs[..., 2] > HIDDEN
    return np.asarray((outside & visible).sum(1) > OUTSIDE_SHARE * np.maximum(visible.sum(1), 1))
