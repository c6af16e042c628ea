"""Bodies that we film: what of them can be seen, and that the synthetic detector errs like the real one did."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from hmr_video.body import load_body
from hmr_video.evaluate.realism import FITTED, Footage, compare, stage, surface_depth, visibility
from hmr_video.geometry.rotations import matrix_to_six_d
from hmr_video.mocap.clips import Mocap
from hmr_video.synth.detector_errors import Observed, describe, kinds
from hmr_video.synth.film.filming import Camera, Shot
from hmr_video.synth.simulated_detector import mistakes


@pytest.fixture(scope="module")
def standing() -> Mocap:
    """Two seconds of standing in the T-pose."""
    rotations = matrix_to_six_d(torch.eye(3).expand(60, 24, 3, 3))
    return Mocap(rotations, torch.zeros(60, 3), torch.tensor([0]), torch.tensor([60]), ["a/1"])


def test_the_nearest_surface_on_a_line_of_sight() -> None:
    square = np.array([[-1.0, -1, 2], [1, -1, 2], [1, 1, 2], [-1, 1, 2]])
    both = np.concatenate([square, square + np.array([0, 0, 3])])
    faces = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]])
    depths = surface_depth(both, faces, np.array([[0.1, 0.2, 9.0], [8.0, 0.0, 9.0]]))
    assert depths.tolist() == pytest.approx([2, np.inf])


def test_a_shot_shows_the_person_where_its_keypoints_are(standing: Mocap) -> None:
    body = load_body("open")
    camera = Camera(body)
    for number, shot in enumerate(stage(standing, body, torch.ones(1), 3, 2, 5)):
        pictures = camera.film(shot, np.random.default_rng(number))
        assert pictures.shape == (2, shot.size[1], shot.size[0], 3)
        empty = camera.film(_far_away(shot), np.random.default_rng(number))
        hidden, covered = visibility(shot, np.asarray(body.faces))
        inside = ~(shot.beyond != 0).any(-1) & ~covered & ~hidden
        for x, y in shot.pixels[1][inside[1]][5:].clip(0, np.array(shot.size) - 1).astype(int):
            assert np.abs(pictures[1, y, x].astype(int) - empty[1, y, x]).max() > 0 or shot.height < 80


def _far_away(shot: Shot) -> Shot:
    return replace(shot, vertices=shot.vertices + np.array([1e4, 0, 0]))


def test_the_same_seed_films_the_same(standing: Mocap) -> None:
    body = load_body("open")
    one, other = (next(stage(standing, body, torch.ones(1), 1, 3, 7)) for _ in range(2))
    assert np.array_equal(one.points, other.points)
    assert one.size == other.size


@pytest.fixture(scope="module")
def simulated() -> Observed:
    """The fitted synthetic detector on scattered points, a sixth of them hidden."""
    generator = torch.Generator().manual_seed(0)
    rays = torch.rand(50, 1, 17, 2, generator=generator).expand(50, 26, 17, 2) * torch.tensor([0.3, 0.9])
    hidden = torch.rand(50, 1, 17, generator=generator).expand(50, 26, 17) < 1 / 6
    nothing = torch.zeros_like(hidden)
    beyond = torch.zeros_like(rays)
    beyond[:10, :, 13:, 1], beyond[10:20, :, 13:, 1] = 0.05, 0.4
    seen = mistakes(rays, hidden, nothing, beyond, FITTED, generator)
    return Observed(rays, seen, kinds(hidden, nothing, (beyond != 0).any(-1)), torch.full((50,), 200.0))


def test_the_fit_is_what_was_measured(simulated: Observed) -> None:
    """Against the real detector on 176 windows of 12 frames (`evaluate --detector-errors`), its constant offsets left out."""
    found = describe(simulated)
    measured = {
        "error p50 visible knees": (0.33, 0.1),
        "error p50 hidden wrists": (1.33, 0.4),
        "confidence p50 visible hips": (0.998, 0.01),
        "confidence p50 hidden face": (0.10, 0.08),
        "change of error over 1": (0.16, 0.06),
        "change of error over 10": (0.39, 0.12),
    }
    for name, (value, tolerance) in measured.items():
        assert found[name] == pytest.approx(value, abs=tolerance), name


def test_points_beyond_the_border_are_seen_on_it_and_doubted_the_farther_they_are(simulated: Observed) -> None:
    short_of = simulated.detections[..., 1] - simulated.truth[..., 1]
    assert short_of[:10, :, 13:].median() == pytest.approx(-0.05, abs=0.02)
    assert short_of[10:20, :, 13:].median() == pytest.approx(-0.4, abs=0.02)
    confidence = simulated.detections[..., 13:, 2]
    assert confidence[10:20].median() < 0.2 < confidence[:10].median() < 0.8 < confidence[20:].median()


def test_a_faultless_detector_is_distinguished_from_the_synthetic_one(standing: Mocap) -> None:
    body = load_body("open")
    shots = list(stage(standing, body, torch.ones(1), 12, 12, 1))
    points, joints, turned, beyond = (
        torch.from_numpy(np.stack([getattr(shot, name) for shot in shots])).float()
        for name in ("points", "joints", "turned", "beyond")
    )
    nothing = torch.zeros(points.shape[:3], dtype=torch.bool)
    rays = points[..., :2] / points[..., 2:]
    faultless = torch.cat([rays, torch.ones_like(rays[..., :1])], -1)
    size = torch.full((12,), 200.0)
    found = compare(Footage(points, joints, turned, faultless, nothing, nothing, beyond, size))
    real, fitted, trained = found.statistics["error p50 visible knees"]
    assert real == 0
    assert 0.2 < fitted < 0.8
    assert trained > 0.2
    assert found.distances["errors visible knees"][0] > 0.9
    assert np.abs(np.array(list(found.bias.values()))).max() < 0.1
