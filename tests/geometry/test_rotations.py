"""Rotations: golden values of Rodrigues' formula, round trips, and gradients where formulas divide by zero."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from hmr_video.geometry import rotations

angles = st.lists(st.floats(-1.75, 1.75, width=32), min_size=3, max_size=3).map(torch.tensor)


@given(angles)
def test_axis_angle_round_trip(axis_angle: Tensor) -> None:
    matrix = rotations.axis_angle_to_matrix(axis_angle)
    torch.testing.assert_close(matrix @ matrix.mT, torch.eye(3), atol=1e-6, rtol=0)
    assert torch.linalg.det(matrix) > 0.99
    torch.testing.assert_close(rotations.matrix_to_axis_angle(matrix), axis_angle, atol=2e-4, rtol=0)
    torch.testing.assert_close(rotations.six_d_to_matrix(rotations.matrix_to_six_d(matrix)), matrix, atol=1e-5, rtol=0)


@pytest.mark.parametrize("angle", [0.0, 1e-6, 1e-4, 1e-3, 1.0, math.pi - 1e-3, math.pi, 5.0])
def test_rodrigues_is_the_matrix_exponential(angle: float) -> None:
    axis_angle = torch.tensor([2.0, -1, 2]) / 3 * angle
    expected = torch.matrix_exp(rotations.skew(axis_angle.double())).float()
    found = rotations.axis_angle_to_matrix(axis_angle)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=0)
    again = rotations.axis_angle_to_matrix(rotations.matrix_to_axis_angle(found))
    torch.testing.assert_close(again, expected, atol=2e-5, rtol=0)


def test_gradient_at_rest_is_that_of_the_cross_product() -> None:
    jacobian = torch.autograd.functional.jacobian(rotations.axis_angle_to_matrix, torch.zeros(3))
    expected = torch.stack([rotations.skew(axis) for axis in torch.eye(3)], -1)
    torch.testing.assert_close(jacobian, expected)
    there_and_back = torch.autograd.functional.jacobian(
        lambda v: rotations.matrix_to_axis_angle(rotations.axis_angle_to_matrix(v)), torch.zeros(3)
    )
    torch.testing.assert_close(there_and_back, torch.eye(3))


def test_slerp_turns_evenly() -> None:
    start, end = (rotations.axis_angle_to_matrix(torch.tensor([0.0, angle, 0])) for angle in (0.2, 1.4))
    middle = rotations.slerp(start, end, torch.tensor([0.25]))[0]
    torch.testing.assert_close(rotations.matrix_to_axis_angle(middle), torch.tensor([0, 0.5, 0]), atol=1e-6, rtol=0)
