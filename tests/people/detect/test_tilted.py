import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import center_of_mass

from hmr_video.geometry.skeleton import MIRRORED_COCO
from hmr_video.people.detect.detections import Detections
from hmr_video.people.detect.tilted import mirrored, tilted_pass
from hmr_video.people.detect.turned import SIDE, rotation

NOBODY = Detections(np.zeros((0, 4)), np.zeros(0), np.zeros((0, 17, 3)))
PEN = 2.5  # pixels: how large the dots are
# A person who stands at the origin, x to the right, y down: nose, then pairs of a left and a right.
HALVES = [(4, -62), (8, -60), (16, -45), (24, -20), (26, 0), (10, 0), (11, 30), (12, 60)]
STANDING = np.array([(0, -60), *[(side * x, y) for x, y in HALVES for side in (1, -1)]], float)


def person(degrees: float, middle: tuple[float, float] = (160, 120), score: float = 0.9) -> Detections:
    points = STANDING @ rotation(degrees).T + middle
    box = np.concatenate([points.min(0) - 8, points.max(0) + 8])
    return Detections(box[None], np.array([score]), np.concatenate([points, np.full((17, 1), 0.9)], 1)[None])


def photograph(who: Detections) -> np.ndarray:
    """A frame (240, 320, 3): a red dot between the hips, a green one between the shoulders, a blue one at the left shoulder."""
    down, across = np.mgrid[:240, :320] + 0.5
    frame = np.zeros((240, 320, 3))
    for channel, row in ((0, [11, 12]), (1, [5, 6]), (2, [5])):
        x, y = who.keypoints[0, row, :2].mean(0)
        frame[..., channel] = 255 * np.exp(-((across - x) ** 2 + (down - y) ** 2) / (2 * PEN**2))
    return frame.round().astype(np.uint8)


def seen(picture: np.ndarray, score: float = 0.9) -> Detections:
    """The person whose hips are red, shoulders green and left shoulder blue, if upright; sizes from hips to shoulders."""
    hips, shoulders, left = (centroid(picture[..., channel]) for channel in range(3))
    up = hips - shoulders
    size = np.linalg.norm(up) / 45
    if up[1] / (45 * size) < 0.95:
        return NOBODY
    turn = np.degrees(np.arctan2(-up[0], up[1]))
    side = np.sign((left - shoulders)[0])  # of the left shoulder
    points = size * STANDING * [side, 1] @ rotation(turn).T + hips
    box = np.concatenate([points.min(0) - 8 * size, points.max(0) + 8 * size])
    return Detections(box[None], np.array([score]), np.concatenate([points, np.full((17, 1), 0.9)], 1)[None])


def centroid(values: np.ndarray) -> np.ndarray:
    bright = (values.astype(float) - 120).clip(0)  # beyond the border all is grey, 114
    return np.array(center_of_mass(bright))[::-1] + 0.5


def moved(who: Detections, by: float) -> Detections:
    return Detections(who.boxes, who.scores, who.keypoints + np.array([by, -by, 0]))


@pytest.mark.parametrize("degrees", [-70, -25, 20, 40])
def test_one_look_that_errs_is_outvoted(degrees):
    truth = person(degrees)
    found = tilted_pass(lambda pictures: [seen(one) for one in pictures], photograph(truth), moved(truth, 6.0))
    np.testing.assert_allclose(found.keypoints[0], truth.keypoints[0], atol=1.0)
    np.testing.assert_array_equal(found.boxes, truth.boxes)


@pytest.mark.parametrize(
    ("degrees", "score", "other", "kept"),
    [(10, 0.9, 0.0, True), (30, 0.5, 0.0, True), (30, 0.9, 0.7, True), (30, 0.9, 0.3, False)],
    ids=["who is upright", "who is found less surely", "who is in somebody's arms", "but not at who is in a shadow's"],
)
def test_the_first_look_stays_at(degrees, score, other, kept):
    truth = person(degrees)
    first = moved(truth, 6.0)
    if other:
        another = person(0, (180, 120), other)
        first = first + another
    found = tilted_pass(lambda pictures: [seen(one, score) for one in pictures], photograph(truth), first)
    assert (found is first) == kept


def test_who_is_not_found_in_the_mirror_stays_as_he_was():
    truth = person(30)
    first = moved(truth, 6.0)
    assert tilted_pass(lambda pictures: [seen(pictures[0]), NOBODY], photograph(truth), first) is first


def test_sides_are_those_of_the_upright_picture():
    truth = person(30)
    exchanged = Detections(truth.boxes, truth.scores, truth.keypoints[:, MIRRORED_COCO])
    found = tilted_pass(lambda pictures: [seen(one) for one in pictures], photograph(truth), exchanged)
    np.testing.assert_allclose(found.keypoints[0], truth.keypoints[0], atol=1.0)


@given(st.integers(0, 2**32 - 1))
def test_the_mirror_of_the_mirror_is_the_picture(seed):
    dice = np.random.default_rng(seed)
    corners = np.sort(dice.uniform(0, SIDE, (3, 2, 2)), 1).reshape(3, 4)
    found = Detections(corners, dice.random(3), dice.random((3, 17, 3)))
    for mine, other in zip(vars(mirrored(mirrored(found))).values(), vars(found).values(), strict=True):
        np.testing.assert_allclose(mine, other)
    assert (np.diff(mirrored(found).boxes.reshape(3, 2, 2), axis=1) >= 0).all()
