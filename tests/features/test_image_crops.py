"""Boxes and crops of the paper, against their definition computed the long way."""

import numpy as np
import pytest

from hmr_video.features.image_crops import Crops, cut, person_crops


def _frame() -> np.ndarray:
    y, x = np.mgrid[:90, :120]
    return np.stack([(x * 7 + y) % 256, (x + y * 5) % 256, x * y % 251], -1).astype(np.uint8)


def _resized(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear with pixel centres at halves, one output pixel after the other."""
    out = np.zeros((height, width, 3))
    for i in range(height):
        for j in range(width):
            y = np.clip((i + 0.5) * len(image) / height - 0.5, 0, len(image) - 1)
            x = np.clip((j + 0.5) * image.shape[1] / width - 0.5, 0, image.shape[1] - 1)
            top, left = int(y), int(x)
            bottom, right = min(top + 1, len(image) - 1), min(left + 1, image.shape[1] - 1)
            above = image[top, left] * (left + 1 - x) + image[top, right] * (x - left)
            below = image[bottom, left] * (left + 1 - x) + image[bottom, right] * (x - left)
            out[i, j] = above * (top + 1 - y) + below * (y - top)
    return out


@pytest.mark.parametrize(("center", "scale"), [((61.3, 40.8), 1.37), ((-10.0, 88.0), 0.71)])
def test_a_crop_is_resized_padded_and_cut(center: tuple[float, float], scale: float) -> None:
    frame = _frame()
    resized = _resized((frame / 255 - 0.5) * 2, int(90 * scale), int(120 * scale))
    padded = np.pad(resized, ((400, 400), (400, 400), (0, 0)), "edge")
    x, y = (round(value * scale) + 400 - 112 for value in center)
    crop = cut(frame, np.array(center), scale)
    assert crop.shape == (3, 224, 224)
    np.testing.assert_allclose(crop.permute(1, 2, 0), padded[y : y + 224, x : x + 224], atol=1e-5)


def _track(frames: int) -> np.ndarray:
    """A person 30 wide and 40 high (diagonal 50) that walks two pixels a frame; a third point is hardly seen."""
    points = np.array([[10.0, 20, 1], [40, 60, 0.5], [500, 500, 0.1]])
    return np.stack([points + np.array([2 * t, 0, 0]) for t in range(frames)])


def test_boxes_are_filled_filtered_and_scaled() -> None:
    keypoints = _track(60)
    keypoints[20:25, :, 2] = 0
    keypoints[30, 0, :2] = (-300, -400)  # an outlier, which the median removes
    keypoints[40, 1, :2] = keypoints[40, 0, :2]  # a box of no size counts as missing
    crops = person_crops(keypoints)
    middle = slice(15, 45)
    np.testing.assert_allclose(crops.scales[middle], 3.0, atol=1e-6)
    np.testing.assert_allclose(crops.centers[middle, 0], 25 + 2 * np.arange(60)[middle], atol=2)
    np.testing.assert_allclose(crops.centers[middle, 1], 40, atol=1e-6)
    # At the ends zeros enter the median, which then takes the lowest of the six values within the clip.
    assert crops.centers[-1, 0] < 25 + 2 * 57


def test_smoothing_is_a_median_of_11_padded_with_zeros_then_a_gaussian_of_3() -> None:
    track = _track(14)
    centers = np.pad(25 + 2.0 * np.arange(14), 5)
    medians = np.array([np.median(centers[i : i + 11]) for i in range(14)])
    mirrored = np.concatenate([medians[::-1], medians, medians[::-1]])
    kernel = np.exp(-0.5 * (np.arange(-12, 13) / 3) ** 2)
    expected = np.convolve(mirrored, kernel / kernel.sum(), "same")[14:28]
    np.testing.assert_allclose(person_crops(track).centers[:, 0], expected, atol=1e-9)


def test_ends_without_a_person_hold_and_a_photograph_keeps_its_box() -> None:
    keypoints = _track(30)
    keypoints[:4, :, 2] = keypoints[-3:, :, 2] = 0
    crops = person_crops(keypoints)
    assert (crops.centers[:4] == crops.centers[4]).all()
    assert (crops.centers[-3:] == crops.centers[-4]).all()
    single = person_crops(_track(1))
    assert single.centers[0].tolist() == [25, 40]
    assert single.scales[0] == 3
    with pytest.raises(ValueError, match="no frame"):
        person_crops(np.zeros((5, 17, 3)))


def test_crop_coordinates_and_pixels() -> None:
    crops = Crops(np.array([[100.0, 50.0]]), np.array([2.0]))
    np.testing.assert_allclose(crops.from_image(np.array([[[100.0, 50.0], [156.0, -6.0]]]))[0], [[0, 0], [1, -1]], atol=1e-9)
