"""Refinement, on bodies whose truth is known because the evidence is projected from them."""

import pytest
import torch

from hmr_video.body import Body, load_body
from hmr_video.geometry.cameras import camera_matrix, project
from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.geometry.skeleton import PARENTS
from hmr_video.reconstruction.lift import initial_translation
from hmr_video.reconstruction.person import Estimate
from hmr_video.reconstruction.refine import (
    LOWEST_TEMPO,
    MOVING_CAMERA,
    Evidence,
    RefineConfig,
    evident,
    minimise,
    refine,
    tempo,
)

CAMERA = camera_matrix(1280, 720, 1100.0)
TIMES = torch.arange(30).double() / 30


def coco(body: Body, estimate: Estimate) -> torch.Tensor:
    shape = estimate.betas.expand(len(estimate.trans), -1)
    return body.coco_from_joints(*body.joints(estimate.rotations, shape), shape) + estimate.trans[:, None]


def joints(body: Body, estimate: Estimate) -> torch.Tensor:
    return body.joints(estimate.rotations, estimate.betas.expand(len(estimate.trans), -1))[0] + estimate.trans[:, None]


@pytest.fixture(scope="module")
def truth() -> Estimate:
    """A person who waves the left arm and drifts to the right, 4 m away."""
    body_turn = torch.zeros(30, 24, 3)
    body_turn[:, 0, 0] = torch.pi
    body_turn[:, 16, 2] = 0.8 * torch.sin(torch.arange(30) / 4)
    body_turn[:, 17, 2] = 1.0
    body_turn[:, 18, 1] = -0.7
    trans = torch.tensor([0.2, 0.0, 4.0]) + torch.arange(30)[:, None] * torch.tensor([0.01, 0.0, 0.005])
    return Estimate(axis_angle_to_matrix(body_turn), torch.tensor([0.5, -0.5] + [0.0] * 8), trans)


@pytest.fixture(scope="module")
def evidence(truth: Estimate) -> torch.Tensor:
    points = project(coco(load_body("open"), truth), CAMERA)
    return torch.cat([points, torch.full((30, 17, 1), 0.9)], -1)


@pytest.fixture(scope="module")
def guess(truth: Estimate) -> Estimate:
    """The truth, disturbed as a network would: jitter in every joint, no shape, a wrong distance."""
    generator = torch.Generator().manual_seed(0)
    noise = 0.08 * torch.randn(30, 24, 3, generator=generator) + 0.1 * torch.randn(1, 24, 3, generator=generator)
    return Estimate(truth.rotations @ axis_angle_to_matrix(noise), torch.zeros(10), truth.trans * 1.1)


def test_translation_follows_from_points_and_keypoints(truth: Estimate, evidence: torch.Tensor) -> None:
    points = coco(load_body("open"), truth) - truth.trans[:, None]
    solved = initial_translation(points, evidence, CAMERA, truth.trans * 1.3, 0.15)
    assert (solved - truth.trans).norm(dim=-1).max() < 0.02


def test_one_stray_keypoint_does_not_draw_a_body_near(truth: Estimate, evidence: torch.Tensor) -> None:
    points = coco(load_body("open"), truth) - truth.trans[:, None]
    bust = evidence.clone()
    bust[:, 7:, 2] = 0.0
    bust[3, 9] = torch.tensor([100.0, 300.0, 0.9])  # a wrist that is not there, as sure as the rest
    solved = initial_translation(points, bust, CAMERA, truth.trans * 1.1, 0.1)
    assert (solved[:, 2] / truth.trans[:, 2] - 1).abs().max() < 0.12  # no further off than the prior


def test_where_nothing_is_seen_the_prior_stands(truth: Estimate, evidence: torch.Tensor) -> None:
    points = coco(load_body("open"), truth) - truth.trans[:, None]
    unseen = evidence * torch.tensor([1.0, 1.0, 0.0])
    assert torch.allclose(initial_translation(points, unseen, CAMERA, truth.trans, 0.15), truth.trans, atol=1e-3)


def test_refining_meets_the_evidence_and_smooths(truth: Estimate, evidence: torch.Tensor, guess: Estimate) -> None:
    body = load_body("open")
    refined = refine([guess], [evidence], [TIMES], CAMERA, body)[0]

    def error(estimate: Estimate) -> float:
        return float((project(coco(body, estimate), CAMERA) - evidence[..., :2]).norm(dim=-1).median())

    def acceleration(estimate: Estimate) -> float:
        return float(joints(body, estimate).diff(n=2, dim=0).norm(dim=-1).mean())

    assert error(refined) < min(3.0, 0.15 * error(guess))
    assert acceleration(refined) < 0.3 * acceleration(guess)
    assert acceleration(refined) > 0.7 * acceleration(truth)  # smooth, not frozen
    bones = joints(body, refined)[:, 1:] - joints(body, refined)[:, PARENTS[1:]]
    assert bones.norm(dim=-1).std(0).max() < 1e-4


def test_a_confident_wrong_keypoint_does_not_drag_the_limb(truth: Estimate, evidence: torch.Tensor, guess: Estimate) -> None:
    body = load_body("open")
    wrong = evidence.clone()
    wrong[14:16, 9, :2] += torch.tensor([250.0, -180.0])  # a wrist, two frames, more than half a metre off
    clean, dragged = (refine([guess], [seen], [TIMES], CAMERA, body)[0] for seen in (evidence, wrong))
    moved = (joints(body, clean) - joints(body, dragged))[14:16, 20].norm(dim=-1)
    assert moved.max() < 0.1


def test_a_wavering_distance_comes_to_rest(truth: Estimate, evidence: torch.Tensor, guess: Estimate) -> None:
    wavering = truth.trans * (1 + 0.15 * torch.randn(30, 1, generator=torch.Generator().manual_seed(1)))
    refined = refine([Estimate(guess.rotations, guess.betas, wavering)], [evidence], [TIMES], CAMERA, load_body("open"))[0]
    assert refined.trans[:, 2].diff(n=2).abs().max() * 900 < 10  # m/s^2; it was some thousand


def test_a_foot_that_stands_on_the_image_does_not_slide(truth: Estimate, evidence: torch.Tensor, guess: Estimate) -> None:
    body, standing = load_body("open"), Estimate(truth.rotations, truth.betas, truth.trans[:1].expand(30, 3))
    seen = torch.cat([project(coco(body, standing), CAMERA), evidence[..., 2:]], -1)
    swaying = Estimate(guess.rotations.clone(), guess.betas, standing.trans)
    angle = torch.zeros(30, 3)
    angle[:, 0] = 0.3 * torch.sin(torch.arange(30) / 3)  # legs that swing towards the camera and away
    swaying.rotations[:, [1, 2]] = swaying.rotations[:, [1, 2]] @ axis_angle_to_matrix(angle)[:, None]

    def sliding(config: RefineConfig) -> float:
        refined = refine([swaying], [seen], [TIMES], CAMERA, body, config)[0]
        return float(joints(body, refined)[:, [7, 8]].diff(dim=0).norm(dim=-1).mean() * 30)

    slow, free = sliding(RefineConfig()), sliding(RefineConfig(standing=1e6))
    assert slow < 0.1  # m/s
    assert slow < 0.6 * free


def test_bodies_keep_up_with_a_camera_that_swings(truth: Estimate, evidence: torch.Tensor, guess: Estimate) -> None:
    body = load_body("open")
    pan = 15 * torch.cumsum(torch.cumsum(torch.tensor([0.0] * 10 + [1.0, 0.0, 0.0, -2.0, 0.0, 0.0, 1.0] + [0.0] * 13), 0), 0)
    swung = evidence + torch.stack([pan, pan * 0, pan * 0], -1)[:, None]
    carried = Estimate(guess.rotations, guess.betas, guess.trans + torch.stack([pan * 4 / 1100, pan * 0, pan * 0], -1))
    refined = refine([carried], [swung], [TIMES], CAMERA, body, MOVING_CAMERA)[0]
    miss = (project(coco(body, refined), CAMERA) - swung[..., :2]).mean(1).norm(dim=-1)
    assert miss.max() < 4  # pixels
    assert refined.trans[:, 2].diff(n=2).abs().max() * 900 < 10


def test_people_are_refined_together_as_they_are_alone(evidence: torch.Tensor, guess: Estimate) -> None:
    body = load_body("open")
    short = Estimate(guess.rotations[:12], guess.betas, guess.trans[:12])
    first, second = refine([guess, short], [evidence, evidence[:12]], [TIMES, TIMES[:12]], CAMERA, body)
    alone = refine([short], [evidence[:12]], [TIMES[:12]], CAMERA, body)[0]
    assert len(first.trans) == 30
    difference = joints(body, second) - joints(body, alone)
    assert (difference - difference[:, :1]).norm(dim=-1).mean() < 0.02  # the distance, which one view hardly tells, aside


def test_a_known_shape_stays(evidence: torch.Tensor, guess: Estimate) -> None:
    refined = refine([guess], [evidence], [TIMES], CAMERA, load_body("open"), fixed_shape=True)[0]
    assert torch.equal(refined.betas, guess.betas)


def test_a_long_track_is_refined_in_blocks_without_seams(
    evidence: torch.Tensor, guess: Estimate, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = load_body("open")
    whole = refine([guess], [evidence], [TIMES], CAMERA, body)[0]
    monkeypatch.setattr("hmr_video.reconstruction.refine.BLOCK", 10)
    monkeypatch.setattr("hmr_video.reconstruction.refine.OVERLAP", 4)
    pieced = refine([guess], [evidence], [TIMES], CAMERA, body)[0]
    assert pieced.trans.shape == whole.trans.shape

    def relative(estimate: Estimate) -> torch.Tensor:
        return joints(body, estimate) - estimate.trans[:, None]

    assert (relative(pieced) - relative(whole)).norm(dim=-1).mean() < 0.03
    jerk = joints(body, pieced).diff(n=2, dim=0).norm(dim=-1).amax(-1)
    assert jerk.max() < 2.5 * joints(body, whole).diff(n=2, dim=0).norm(dim=-1).max()


@pytest.mark.parametrize("frames", [1, 2])
def test_photographs_have_no_acceleration(evidence: torch.Tensor, guess: Estimate, frames: int) -> None:
    start = Estimate(guess.rotations[:frames], guess.betas, guess.trans[:frames])
    refined = refine([start], [evidence[:frames]], [TIMES[:frames]], CAMERA, load_body("open"))[0]
    assert refined.trans.isfinite().all()


def test_what_the_model_guesses_of_unseen_limbs_is_not_brisk(guess: Estimate, evidence: torch.Tensor) -> None:
    brisk, unseen = torch.full((30,), 5.0), evidence * torch.tensor([1.0, 1.0, 0.0])
    assert evident(brisk, Evidence(guess, evidence, TIMES)).min() > 4.9
    assert evident(brisk, Evidence(guess, unseen, TIMES)).max() < 1.1
    assert torch.equal(evident(brisk / 10, Evidence(guess, unseen, TIMES)), brisk / 10)


def test_tempo_is_the_motions_own(truth: Estimate) -> None:
    body, still = load_body("open"), Estimate(truth.rotations[:1].expand(30, -1, -1, -1), truth.betas, truth.trans)
    assert torch.equal(tempo(still, TIMES, body), torch.full((30,), LOWEST_TEMPO))
    assert tempo(Estimate(still.rotations[:1], still.betas, still.trans[:1]), TIMES[:1], body) == 1
    assert tempo(truth, TIMES / 2, body).mean() > 1.5 * LOWEST_TEMPO


def test_who_stands_still_does_not_tremble(truth: Estimate, evidence: torch.Tensor) -> None:
    body = load_body("open")
    keypoints = evidence[:1].repeat(30, 1, 1)
    keypoints[..., :2] += 2 * torch.randn(30, 17, 2, generator=torch.Generator().manual_seed(1))
    start = Estimate(truth.rotations[:1].expand(30, -1, -1, -1), truth.betas, truth.trans[:1].expand(30, -1))
    refined = joints(body, refine([start], [keypoints], [TIMES], CAMERA, body)[0])
    assert refined.diff(n=2, dim=0).norm(dim=-1).mean() < 0.0007  # metres a frame^2; the keypoints tremble by 2 pixels, 7 mm


def test_frames_at_one_time_are_no_infinite_motion(truth: Estimate, evidence: torch.Tensor, guess: Estimate) -> None:
    times = TIMES.clone()
    times[10:13] = times[10]  # as some damaged files have them
    refined = refine([guess], [evidence], [times], CAMERA, load_body("open"))[0]
    assert (joints(load_body("open"), refined) - joints(load_body("open"), truth)).norm(dim=-1).mean() < 0.5


def rosenbrock(point):
    return (100 * (point[1:] - point[:-1] ** 2) ** 2 + (1 - point[:-1]) ** 2).sum()


def test_the_bottom_of_a_bent_valley_is_found():
    point = torch.zeros(10, dtype=torch.float64, requires_grad=True)
    looks = []

    def energy():
        looks.append(None)
        return rosenbrock(point)

    minimise(energy, point, steps=200)
    torch.testing.assert_close(point.detach(), torch.ones(10, dtype=torch.float64), atol=1e-2, rtol=0)
    assert len(looks) < 100


@pytest.mark.parametrize("steps", [1, 3, 10])
def test_a_short_search_stops_lower_than_it_began(steps):
    point = torch.full((6,), -1.0, requires_grad=True)
    before = rosenbrock(point).item()
    minimise(lambda: rosenbrock(point), point, steps)
    assert rosenbrock(point).item() < before


def test_at_the_minimum_nothing_moves():
    point = torch.ones(4, requires_grad=True)
    minimise(lambda: rosenbrock(point), point, 10)
    assert torch.equal(point.detach(), torch.ones(4))


@pytest.mark.parametrize("seed", range(8))
def test_a_change_too_small_for_the_numbers_ends_the_search(seed):
    generator = torch.Generator().manual_seed(seed)
    point = (100 * torch.randn(5, generator=generator)).requires_grad_()
    stiffness = 10 * torch.rand(5, generator=generator)
    minimise(lambda: 1e8 + (stiffness * (point - 3).square()).sum() + 50 * point.cos().sum(), point, 100)
    assert point.isfinite().all()
