"""Two-bone inverse kinematics of legs, on the open body."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hmr_video.body import Body
from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.world.leg_ik import ANKLES, HIPS, KNEES, Legs, between

TURN = st.floats(-0.6, 0.6)


def posed(body: Body, turns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Joints and their rotations of one body, y up, facing z; turns: (24, 3) axis-angle."""
    rotations = axis_angle_to_matrix(torch.from_numpy(turns))[None]
    joints, turned = body.joints(rotations, torch.zeros(1, 10, dtype=torch.float64))
    return joints.numpy(), turned.numpy()


def crouching(body: Body, knee: float, lean: float = 0.0, spread: float = 0.0) -> Legs:
    turns = np.zeros((24, 3))
    turns[[1, 2], 0] = -knee / 2 + lean
    turns[1, 2], turns[2, 2] = spread, -spread
    turns[[4, 5], 0] = knee
    return Legs.of(*posed(body, turns))


@settings(deadline=None, max_examples=40)
@given(st.floats(0.3, 2.0), TURN, st.floats(0, 0.4), st.lists(st.floats(-0.04, 0.04), min_size=3, max_size=3))
def test_ankles_get_where_they_are_sent_and_bones_stay_as_long(
    body: Body, knee: float, lean: float, spread: float, step: list[float]
) -> None:
    legs = crouching(body, knee, lean, spread)
    targets = legs.ankles + np.array(step)
    bent = legs.towards(targets)
    shortfall = np.linalg.norm(bent.ankles - targets, axis=-1)
    straighter = np.linalg.norm(targets - legs.hips, axis=-1) > np.linalg.norm(legs.ankles - legs.hips, axis=-1)
    assert (shortfall[~straighter] < 1e-9).all()
    assert (shortfall[straighter] <= np.linalg.norm(step) + 1e-9).all()
    for first, second in (("hips", "knees"), ("knees", "ankles")):
        before, after = (np.linalg.norm(getattr(each, second) - getattr(each, first), axis=-1) for each in (legs, bent))
        np.testing.assert_allclose(after, before, atol=1e-9)
    # The rotations say the same as the points.
    rest = body.rest_joints(torch.zeros(10, dtype=torch.float64)).numpy()
    np.testing.assert_allclose(bent.hips + _turned(bent.thighs, rest[[4, 5]] - rest[[1, 2]]), bent.knees, atol=1e-6)
    np.testing.assert_allclose(bent.knees + _turned(bent.shins, rest[[7, 8]] - rest[[4, 5]]), bent.ankles, atol=1e-6)


def test_a_straight_leg_bends_forward(body: Body) -> None:
    legs = crouching(body, 0.0)
    raised = legs.ankles + np.array([0.0, 0.1, 0.0])
    bent = legs.towards(raised)
    assert (bent.knees[..., 2] > legs.knees[..., 2] + 0.1).all()
    np.testing.assert_allclose(bent.ankles, raised, atol=1e-9)


def test_a_leg_that_is_asked_too_much_ends_straight_and_gets_there_without_a_jerk(body: Body) -> None:
    legs = crouching(body, 0.6)
    length = np.linalg.norm(legs.knees - legs.hips, axis=-1) + np.linalg.norm(legs.ankles - legs.knees, axis=-1)
    far = np.linspace(0, 0.3, 40)[:, None, None] * (legs.ankles - legs.hips) + legs.ankles
    reached = np.array([legs.towards(target[None]).ankles for target in far])[:, 0]
    extension = np.linalg.norm(reached - legs.hips[0], axis=-1) / length
    assert (np.diff(extension, axis=0) > 0).all()
    assert 0.995 < extension[-1].min() <= extension[-1].max() < 1
    assert (np.diff(extension, n=2, axis=0) < 1e-9).all()  # slower and slower


def test_nothing_changes_where_nothing_is_asked(body: Body) -> None:
    legs = crouching(body, 0.8, 0.1, 0.2)
    same = legs.towards(legs.ankles)
    for name in ("knees", "ankles", "thighs", "shins"):
        np.testing.assert_allclose(getattr(same, name), getattr(legs, name), atol=1e-9)


def test_between_is_the_smallest_turn() -> None:
    turn = between(np.array([2.0, 0, 0]), np.array([0, 0, 0.5]))
    np.testing.assert_allclose(turn @ [1.0, 0, 0], [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(turn @ [0, 1.0, 0], [0, 1, 0], atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1)


def test_the_legs_are_those_of_the_skeleton(body: Body) -> None:
    joints, turned = posed(body, np.zeros((24, 3)))
    legs = Legs.of(joints, turned)
    np.testing.assert_array_equal(legs.knees, joints[:, KNEES])
    assert (legs.hips[..., 1] > legs.knees[..., 1]).all()
    assert (legs.knees[..., 1] > legs.ankles[..., 1]).all()
    assert joints[0, HIPS[0], 0] > 0 > joints[0, ANKLES[1], 0]  # left is x


def _turned(rotations: np.ndarray, bones: np.ndarray) -> np.ndarray:
    return (rotations @ bones[..., None])[..., 0]
