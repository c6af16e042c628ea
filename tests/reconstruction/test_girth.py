"""Girth from the widths of bodies whose girth is known."""

import numpy as np
import pytest
import torch

from hmr_video.body import Body
from hmr_video.people.keypoints.widths import STATIONS
from hmr_video.reconstruction.girth import _widths_of, girth_direction, with_girth
from hmr_video.reconstruction.person import Estimate

T = 6
CAMERA = torch.tensor([[1000.0, 0, 500], [0, 1000, 500], [0, 0, 1]])
MARGINS = np.exp([station.margin for station in STATIONS])


@pytest.fixture
def estimate() -> Estimate:
    """Somebody of mean shape who stands upright before the camera and turns a little."""
    upright = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
    rotations = torch.eye(3).repeat(T, 24, 1, 1)
    for frame, angle in enumerate(np.linspace(-0.4, 0.4, T)):
        c, s = float(np.cos(angle)), float(np.sin(angle))
        rotations[frame, 0] = upright @ torch.tensor([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return Estimate(rotations, torch.zeros(10), torch.tensor([[0.0, 0.0, 4.0]]).repeat(T, 1))


def seen(estimate: Estimate, girth: float, body: Body) -> np.ndarray:
    """Widths (T, S) of a person as stout as that in clothes of usual size."""
    person = Estimate(estimate.rotations, girth * girth_direction(body), estimate.trans)
    return _widths_of(person, np.arange(T), CAMERA, body) * MARGINS


@pytest.mark.parametrize("girth", [-2.0, 2.0])
def test_the_stout_become_stout_and_the_slim_slim(body: Body, estimate: Estimate, girth: float) -> None:
    found = with_girth(estimate, seen(estimate, girth, body), CAMERA, body)
    found_girth = float(found.betas @ girth_direction(body))
    assert 0.3 < found_girth / girth < 1  # less than it seems: people are rarely so, and clothes differ
    assert torch.equal(found.rotations, estimate.rotations)


def test_somebody_of_usual_width_stays_who_he_is(body: Body, estimate: Estimate) -> None:
    found = with_girth(estimate, seen(estimate, 0.0, body), CAMERA, body)
    assert found.betas.norm() < 0.01


def test_limbs_stay_as_long_as_they_are_and_the_pelvis_where_it_is(body: Body, estimate: Estimate) -> None:
    found = with_girth(estimate, seen(estimate, 2.0, body), CAMERA, body)
    before, after = (body.joints(one.rotations, one.betas.expand(T, 10))[0] + one.trans[:, None] for one in (estimate, found))
    assert torch.allclose(before[:, 0], after[:, 0], atol=1e-4)
    for bone in ((1, 4), (5, 8), (16, 18), (19, 21), (16, 17), (1, 2)):
        lengths = [(joints[:, bone[0]] - joints[:, bone[1]]).norm(dim=-1) for joints in (before, after)]
        assert torch.allclose(*lengths, rtol=2e-3)


@pytest.mark.parametrize("known", [0, 2])
def test_too_little_changes_nothing(body: Body, estimate: Estimate, known: int) -> None:
    widths = seen(estimate, 2.0, body)
    widths[known:] = np.nan
    assert with_girth(estimate, widths, CAMERA, body) is estimate


def test_frames_in_which_something_else_is_seen_do_not_count(body: Body, estimate: Estimate) -> None:
    right = seen(estimate, 1.0, body)
    wrong = right.copy()
    wrong[0] *= 3
    girths = [float(with_girth(estimate, one, CAMERA, body).betas @ girth_direction(body)) for one in (right, wrong)]
    assert girths[0] == pytest.approx(girths[1], abs=0.1)
