import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hmr_video.features.keypoints import (
    camera_translation,
    feature_size,
    fill_gaps,
    keypoint_features,
    mirror_features,
    pixels_to_rays,
    resample,
    with_points,
)
from hmr_video.geometry.skeleton import LANDMARKS, LIMBS_OF_ENDS, MIRRORED_COCO, MIRRORED_LANDMARKS


@pytest.fixture
def keypoints() -> torch.Tensor:
    """(2, 30, 17, 3) rays of a jittering crowd of points, all seen."""
    generator = torch.Generator().manual_seed(0)
    points = 0.2 * torch.randn(2, 1, 17, 2, generator=generator) + 0.01 * torch.randn(2, 30, 17, 2, generator=generator)
    return torch.cat([points, torch.full((2, 30, 17, 1), 0.9)], -1)


def test_pixels_to_rays_undoes_a_pinhole() -> None:
    camera = torch.tensor([[500.0, 0, 320], [0, 400, 240], [0, 0, 1]])
    assert torch.allclose(pixels_to_rays(torch.tensor([820.0, 40.0]), camera), torch.tensor([1.0, -0.5]))


def test_points_fill_the_box_from_minus_one_to_one(keypoints: torch.Tensor) -> None:
    features, box = keypoint_features(keypoints)
    assert features.shape == (2, 30, feature_size(17))
    points = features[..., :34].unflatten(-1, (17, 2))
    still = points.mean(1)  # the box is smoothed over time, the points are not
    assert still.abs().amax((1, 2)) == pytest.approx(1, abs=0.1)
    assert (box[..., 2] > 0).all()


@given(scale=st.floats(0.3, 3), shift=st.floats(-0.4, 0.4))
@settings(max_examples=20, deadline=None)
def test_normalised_points_do_not_depend_on_place_or_size(scale: float, shift: float) -> None:
    keypoints = torch.cat([torch.rand(1, 9, 17, 2, generator=torch.Generator().manual_seed(1)), torch.ones(1, 9, 17, 1)], -1)
    moved = keypoints.clone()
    moved[..., :2] = keypoints[..., :2] * scale + shift
    assert torch.allclose(keypoint_features(keypoints)[0][..., :51], keypoint_features(moved)[0][..., :51], atol=1e-4)


def test_unseen_points_carry_no_position(keypoints: torch.Tensor) -> None:
    keypoints[:, 10, 9] = torch.tensor([5.0, -7.0, 0.05])
    features, _ = keypoint_features(keypoints)
    assert (features[:, 10, 18:20] == 0).all()
    assert (features[:, 10, 34 + 9] == -1).all()


def test_a_frame_without_anything_takes_the_box_of_its_neighbours(keypoints: torch.Tensor) -> None:
    whole = keypoint_features(keypoints)[1]
    keypoints[:, 12] = 0
    assert torch.allclose(keypoint_features(keypoints)[1], whole, atol=0.02)


def test_nobody_at_all_gives_finite_features() -> None:
    features, _ = keypoint_features(torch.zeros(1, 5, 17, 3))
    assert features.isfinite().all()


def test_fill_gaps_interpolates_inside_and_holds_the_ends() -> None:
    values = torch.tensor([[[9.0], [1.0], [9.0], [9.0], [4.0], [9.0]]])
    valid = torch.tensor([[False, True, False, False, True, False]])
    assert torch.allclose(fill_gaps(values, valid)[0, :, 0], torch.tensor([1.0, 1, 2, 3, 4, 4]))


def test_resample_at_the_frames_changes_nothing_and_halves_between(keypoints: torch.Tensor) -> None:
    frames = torch.arange(30.0).expand(2, -1)
    assert torch.allclose(resample(keypoints, frames), keypoints, atol=1e-6)
    between = resample(keypoints, frames[:, :-1] + 0.5)
    assert torch.allclose(between, (keypoints[:, :-1] + keypoints[:, 1:]) / 2, atol=1e-5)


def test_resample_lets_a_missing_neighbour_lower_trust_but_not_pull(keypoints: torch.Tensor) -> None:
    keypoints[:, 4] = 0
    between = resample(keypoints, torch.full((2, 1), 3.5))[:, 0]
    assert torch.allclose(between[..., :2], keypoints[:, 3, :, :2])
    assert torch.allclose(between[..., 2], keypoints[:, 3, :, 2] / 2)


def test_camera_translation_puts_the_body_where_its_weak_camera_sees_it() -> None:
    box = torch.tensor([0.3, -0.1, 0.25])  # rays
    camera = torch.tensor([1.1, 0.05, -0.02])
    point = torch.tensor([0.4, -0.6, 0.0])  # metres from the pelvis, at its depth
    placed = point + camera_translation(camera, box)
    seen = (placed[:2] / placed[2] - box[:2]) / box[2]
    assert torch.allclose(seen, camera[0] * (point[:2] + camera[1:]), atol=1e-5)


@pytest.mark.parametrize("order", [MIRRORED_COCO, MIRRORED_LANDMARKS])
def test_the_features_of_the_mirror_image_are_the_mirrored_features(keypoints: torch.Tensor, order: tuple[int, ...]) -> None:
    keypoints = torch.cat([keypoints, keypoints * torch.tensor([0.7, 1.2, 1.0])], 2)[..., : len(order), :]
    keypoints[:, 3, [9, -1]] = 0
    image = keypoints[..., list(order), :] * torch.tensor([-1.0, 1.0, 1.0])
    assert torch.allclose(mirror_features(keypoint_features(keypoints)[0]), keypoint_features(image)[0], atol=1e-6)


def test_feet_and_hands_come_last_and_change_nothing_of_the_body(keypoints: torch.Tensor) -> None:
    alone, box = keypoint_features(keypoints)
    count = len(LANDMARKS)
    absent, same = keypoint_features(with_points(keypoints, count))
    assert torch.equal(same, box)
    assert torch.equal(absent[..., : feature_size(17)], alone)
    assert absent.shape[-1] == feature_size(count)
    far = torch.cat([keypoints, torch.full((2, 30, 12, 3), 0.9)], 2)
    assert torch.equal(keypoint_features(far)[0][..., : feature_size(17)], alone)
    assert torch.equal(with_points(far, 17), keypoints)


def test_feet_are_seen_from_their_ankles(keypoints: torch.Tensor) -> None:
    everything = torch.cat([keypoints, keypoints[..., list(LIMBS_OF_ENDS), :]], 2)
    everything[..., 17, 0] += 0.01
    features, box = keypoint_features(everything)
    ends = features[..., feature_size(17) :][..., :24].unflatten(-1, (12, 2))
    assert torch.allclose(ends[..., 0, 0], 0.06 / box[..., 2], rtol=1e-3)
    assert ends[..., 1:, :].abs().max() < 1e-5
