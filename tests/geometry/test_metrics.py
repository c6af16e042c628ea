"""Metrics against values worked out by hand."""

import math

import pytest
import torch

from hmr_video.geometry import metrics
from hmr_video.geometry.rotations import axis_angle_to_matrix

ZEROS = torch.zeros(5, 24, 3, dtype=torch.float64)


def along(values, joints=1):
    """(T, joints, 3): every joint at x = the values, in metres."""
    points = torch.zeros(len(values), joints, 3, dtype=torch.float64)
    points[..., 0] = torch.tensor(values, dtype=torch.float64)[:, None]
    return points


def test_mpjpe_is_the_mean_distance_in_millimetres():
    truth = torch.zeros(1, 2, 3)
    points = torch.tensor([[[0.003, 0.0, 0.004], [0.0, 0.012, 0.005]]])  # 5 mm and 13 mm
    assert metrics.joint_error(points, truth).tolist() == pytest.approx([9.0])


def test_alignment_takes_the_midpoint_of_joints_1_and_2():
    joints = ZEROS.clone()
    joints[:, 1], joints[:, 2] = torch.tensor([1.0, 0, 0]), torch.tensor([3.0, 2.0, 0])
    torch.testing.assert_close(metrics.at_hips(joints, joints)[:, 0], torch.tensor([-2.0, -1.0, 0]).double().expand(5, 3))


def test_pa_mpjpe_forgives_rotation_scale_and_place_but_no_mirror():
    truth = torch.randn(3, 12, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    turn = axis_angle_to_matrix(torch.tensor([0.3, -1.2, 0.8], dtype=torch.float64))
    moved = 1.7 * truth @ turn + torch.tensor([3.0, -1.0, 5.0], dtype=torch.float64)
    assert metrics.aligned_error(moved, truth).max() < 1e-6
    mirrored = truth * torch.tensor([-1.0, 1, 1])
    assert metrics.aligned_error(mirrored, truth).min() > 100


def test_pa_mpjpe_by_hand():
    """Points at -1, 0, 1 against -1, 0, 1 with the middle one 3 cm off across: no turn or scale helps but the shift by 1 cm."""
    truth = torch.tensor([[[-1.0, 0, 0], [0, 0, 0], [1, 0, 0]]], dtype=torch.float64)
    points = truth.clone()
    points[0, 1, 1] = 0.03
    # Centred, the points are (-1, -.01), (0, .02), (1, -.01); the best scale is 2 / (2 + .0006).
    scale = 2 / 2.0006
    side = math.hypot(1 - scale, 0.01 * scale)
    assert metrics.aligned_error(points, truth).item() == pytest.approx(1000 * (2 * side + 0.02 * scale) / 3)


def test_acceleration_error_at_30_and_at_60_frames():
    truth = along([0.0, 0.0, 0.0, 0.0], joints=2)
    points = along([0.0, 0.0, 0.001, 0.003], joints=2)  # second differences: 1 mm, 1 mm
    assert metrics.acceleration_error(points, truth, 30.0).tolist() == pytest.approx([1.0, 1.0])
    assert metrics.acceleration_error(points, truth, 60.0).tolist() == pytest.approx([4.0, 4.0])
    assert metrics.acceleration_level(points, 30.0).tolist() == pytest.approx([1.0, 1.0])
    assert metrics.acceleration_level(truth, 30.0).tolist() == [0.0, 0.0]


def test_a_fall_accelerates_by_g_at_any_rate():
    for rate in (25.0, 30.0, 59.94):
        times = torch.arange(6, dtype=torch.float64) / rate
        points = along((9.81 / 2 * times**2).tolist())
        in_metres = metrics.acceleration_level(points, rate) * 0.9  # 1 mm/frame^2 at 30 fps is 0.9 m/s^2
        assert in_metres.tolist() == pytest.approx([9.81] * 4)


def test_jitter_is_the_third_derivative():
    times = torch.arange(6, dtype=torch.float64) / 30
    assert metrics.jitter(along((2 * times**3).tolist()), 30.0).tolist() == pytest.approx([12.0] * 3)


def test_bone_length_range():
    joints = torch.zeros(3, 3, 3, dtype=torch.float64)
    joints[:, 1, 0] = torch.tensor([0.4, 0.41, 0.39])  # child of 0: 20 mm
    joints[:, 2, 0] = torch.tensor([0.4, 0.41, 0.39])
    joints[:, 2, 1] = 0.3  # child of 1: constant
    assert metrics.bone_length_range(joints, (-1, 0, 1)).tolist() == pytest.approx([20.0, 0.0])


def test_feet_skate_only_while_the_true_ones_stand():
    truth = ZEROS.clone()
    truth[:, 8, 0] = torch.arange(5) * 0.1  # the right ankle swings at 3 m/s
    joints = ZEROS.clone()
    joints[:, 7, 0] = torch.arange(5) * 0.01  # the left ankle ought to stand, and slides at 0.3 m/s
    joints[:, 8, 0] = 5.0 * torch.arange(5)  # of no interest
    speeds = metrics.foot_skating(joints, truth, 30.0)
    assert len(speeds) == 4 * 3  # left ankle and both balls
    assert sorted(speeds.tolist())[-4:] == pytest.approx([300.0] * 4)
    assert speeds.sum().item() == pytest.approx(1200.0)


def test_the_papers_pck_counts_within_eleven_pixels_of_the_crop():
    """A grid of points whose box has a diagonal of 300 px: the crop halves it, so 11.2 px there are 22.4 px here."""
    x, y = torch.meshgrid(torch.tensor([-90.0, -30, 30, 90]), torch.tensor([-120.0, 0, 120]), indexing="ij")
    pixels = torch.stack([x.ravel(), y.ravel()], -1)[None].double() + 500
    points = torch.cat([(pixels - 500) / 200, torch.zeros(1, 12, 1)], -1)  # a weak-perspective camera fits exactly
    visible = torch.ones(1, 12, dtype=torch.bool)
    assert metrics.paper_pck(points, pixels, visible).item() == 1.0
    # Two inner points move against each other, which leaves centre and scale (nearly) as they are.
    for shift, share in ((20.0, 1.0), (25.0, 10 / 12)):
        moved = pixels.clone()
        moved[0, 4, 1] += shift  # (-30, 0)
        moved[0, 7, 1] -= shift  # (30, 0)
        assert metrics.paper_pck(points, moved, visible).item() == pytest.approx(share)
    assert metrics.paper_pck(points, pixels, torch.zeros_like(visible)).isnan().all()


def test_the_papers_pck_does_not_look_at_invisible_points():
    pixels = torch.rand(2, 14, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 200
    points = torch.cat([pixels / 200, torch.zeros(2, 14, 1)], -1)
    visible = torch.ones(2, 14, dtype=torch.bool)
    visible[:, 3] = False
    pixels[:, 3] = 1e5
    assert metrics.paper_pck(points, pixels, visible).tolist() == [1.0, 1.0]
