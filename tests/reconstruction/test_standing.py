"""Which feet stand, told from points whose motion is known."""

import torch

from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.reconstruction.moving import as_from_one_place
from hmr_video.reconstruction.standing import FEET, standing

TIMES = torch.arange(30).double() / 30
SCALE = torch.full((30,), 100.0)  # pixels per metre


def walking_on_the_right_foot(count: int) -> torch.Tensor:
    """Points whose left ankle, toes and heel stand while the right ones go by 2 m/s."""
    points = torch.zeros(30, count, 2)
    going = [point for point in (16, 20, 21, 22) if point < count]
    points[:, going, 0] = (TIMES.float() * 200)[:, None]
    return points


def test_a_foot_stands_whose_points_do_not_move() -> None:
    for count in (17, 29):
        sure = standing(walking_on_the_right_foot(count), torch.ones(30, count), SCALE, TIMES)
        assert sure.shape == (29, len(FEET))
        assert sure[:, :2].min() > 0.99
        assert sure[:, 2:].max() < 0.01


def test_a_jittering_detection_stands() -> None:
    jitter = 0.5 * torch.randn(
        30, 17, 2, generator=torch.Generator().manual_seed(0)
    )  # half a centimetre, 0.2 m/s from frame to frame
    assert standing(jitter, torch.ones(30, 17), SCALE, TIMES).mean() > 0.7


def test_nothing_is_said_of_a_foot_that_is_not_seen() -> None:
    trust = torch.ones(30, 17)
    trust[:, 15] = 0.0
    sure = standing(torch.zeros(30, 17, 2), trust, SCALE, TIMES)
    assert (sure[:, :2] == 0).all()
    assert (sure[:, 2:] > 0.99).all()


def test_near_and_far_feet_are_judged_by_the_same_speed() -> None:
    points = walking_on_the_right_foot(17)
    near, far = (standing(points * size, torch.ones(30, 17), SCALE * size, TIMES) for size in (4.0, 0.25))
    assert torch.allclose(near, far, atol=1e-5)


def test_a_photograph_has_no_steps() -> None:
    assert standing(torch.zeros(1, 17, 2), torch.ones(1, 17), SCALE[:1], TIMES[:1]).shape == (0, 4)


def test_what_a_turning_and_moving_camera_adds_is_taken_off() -> None:
    matrix = torch.tensor([[500.0, 0, 320], [0, 500, 180], [0, 0, 1]])
    stage = torch.eye(4).repeat(30, 1, 1)
    stage[:, :3, :3] = axis_angle_to_matrix(torch.stack([torch.zeros(30), 0.3 * TIMES.float(), torch.zeros(30)], -1))
    stage[:, 0, 3] = 0.4 * TIMES.float()
    places = torch.tensor([0.2, 1.0, 5.0]).repeat(30, 2, 1)  # one stands, one goes by 1 m/s
    places[:, 1, 0] += TIMES.float()
    local = (places - stage[:, None, :3, 3]) @ stage[:, :3, :3]
    pixels = (local @ matrix.mT)[..., :2] / local[..., 2:]
    steady = as_from_one_place(pixels, local[:, 0, 2], stage, matrix)
    assert (pixels[-1, 0] - pixels[0, 0]).norm() > 100
    assert (steady[:, 0] - steady[0, 0]).norm(dim=-1).max() < 2
    assert abs(float(steady[-1, 1, 0] - steady[0, 1, 0]) - 100 * 29 / 30) < 12
