"""Are these pixels, and are these confidences? What is neither is refused, with what to do, and never guessed."""

import numpy as np

from hmr_video.errors import InputError
from hmr_video.geometry import Array
from hmr_video.people.keypoints.files.evidence import Evidence

STATED_CONFIDENCE = 0.05  # above which a file says where a keypoint is
WIDEST = 100_000  # pixels
_TOLERATED = 0.1  # by which peaks of heat maps go beyond 0 and 1
_FLAGGED = 0.5  # the confidence of a point that COCO flags as labelled and not visible
_NORMALISED = 1.5
_NOSE, _ANKLES = 0, (15, 16)
_SMALLEST, _METRES = 8.0, 50.0  # people smaller than the first, all within the second, are given in metres
_PERCENT, _LARGE = 100.5, 250  # percentages reach to the first; a picture whose sides are longer than the second is larger


def checked_points(evidence: Evidence, where: str) -> Array:
    """(N, 29, 3) of all poses, confidences in 0 to 1; zero where a point is missing. Raises InputError."""
    points = evidence.points
    points[~(np.abs(points) < 2 * WIDEST).all(-1)] = 0.0  # NaN, or far outside of any picture
    points[(points[..., :2] == 0).all(-1)] = 0.0
    trust = points[..., 2]
    if evidence.flags and np.isin(trust, (0, 1, 2)).all() and (trust == 2).any():
        points[..., 2] = np.array([0.0, _FLAGGED, 1.0])[trust.astype(int)]
        evidence.notes.append(f"The third numbers of {where} are COCO's flags; hidden points that are labelled count half.")
    elif trust.size and (trust.max() > 1 + _TOLERATED or trust.min() < -_TOLERATED):
        scale = "Divide percentages by 100." if 2 < trust.max() <= 100 else "Scale them to 0 (absent) to 1 (sure)."
        raise InputError(f"{where} has confidences from {trust.min():g} to {trust.max():g}, not 0 to 1.", scale)
    points[..., 2] = points[..., 2].clip(0, 1)
    return points


def check_pixels(points: Array, image_size: tuple[int, int], where: str) -> str | None:
    """Raises InputError where points (N, 29, 3), some of each seen, are no pixels of such a picture; a note on what is odd."""
    seen = points[..., 2] > STATED_CONFIDENCE
    places = points[seen][:, :2]
    width, height = image_size
    farthest = np.quantile(np.abs(places), 0.95)
    if farthest <= _NORMALISED:
        raise InputError(
            f"{where} has coordinates between {places.min():.2g} and {places.max():.2g}, which are no pixels.",
            f"Multiply x by the width and y by the height of the pictures ({width} and {height}), if these are their shares.",
        )
    extent = float(np.median([np.ptp(one[shown][:, :2], axis=0).max() for one, shown in zip(points, seen, strict=True)]))
    if extent < _SMALLEST and farthest <= _METRES:
        raise InputError(
            f"{where} has people who are {extent:.1f} pixels large.", "Give coordinates in pixels of the picture, not in metres."
        )
    if places.min() >= 0 and places.max() <= _PERCENT and min(image_size) > _LARGE:
        raise InputError(
            f"{where} has coordinates up to {places.max():.0f} in pictures of {width} x {height}, which seem to be percentages.",
            "Multiply x by the width and y by the height, and divide by 100.",
        )
    margin = np.array(image_size) * 0.05
    outside = float(((places < -margin) | (places > np.array(image_size) + margin)).any(1).mean())
    if outside > 0.5:
        raise InputError(
            f"{where}: {outside:.0%} of the keypoints lie outside of pictures of {width} x {height}.",
            "Pass the size of the pictures that they were found in: --image-size WIDTHxHEIGHT.",
        )
    if outside > 0.1:
        return f"{outside:.0%} of the keypoints lie outside of the pictures ({width} x {height})."
    heads, feet = points[:, _NOSE], points[:, _ANKLES].mean(1)
    whole = seen[:, _NOSE] & seen[:, _ANKLES].all(1)
    if whole.any() and (heads[whole, 1] > feet[whole, 1]).mean() > 0.95:
        return f"All people in {where} have their heads below their feet: y must point down, as in pictures."
    return None
