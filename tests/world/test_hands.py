"""Hands that meet in the picture, and hands that only pass by."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter1d

from hmr_video.body import load_body
from hmr_video.geometry.rotations import matrix_to_six_d, six_d_to_matrix
from hmr_video.geometry.skeleton import LANDMARKS
from hmr_video.people import Track
from hmr_video.reconstruction.person import Estimate, Person
from hmr_video.synth.motion.sharp import draw_sharp
from hmr_video.world.hands import join_hands

RATE, SIZE = 30.0, (1280, 720)
KNUCKLES = [[LANDMARKS.index(f"{side}_{finger}") for finger in ("index", "little_finger")] for side in ("left", "right")]
CAMERA = np.array([[1400.0, 0, 640], [0, 1400, 360], [0, 0, 1]])


@pytest.fixture(scope="module")
def body():
    return load_body()


@pytest.fixture(scope="module")
def claps(body):
    return draw_sharp("claps", body, np.random.default_rng(4))


def result(body, rotations, seen):
    """Somebody 4 m away who turns as ``rotations`` say, and is seen as ``seen`` ones do."""
    away = torch.tensor([0.0, 0.2, 4.0])
    upright = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
    rotations, seen = rotations.clone(), seen.clone()
    for one in (rotations, seen):
        one[:, 0] = upright @ one[:, 0]
    betas = torch.zeros(len(seen), 10)
    points = (body.landmarks_from_joints(*body.joints(seen, betas), betas) + away).numpy()
    pixels = points @ CAMERA.T
    pixels = np.concatenate([pixels[..., :2] / pixels[..., 2:], np.ones((*pixels.shape[:2], 1))], -1)
    count = len(rotations)
    boxes = np.tile([500.0, 60, 780, 660], (count, 1))
    return Person(
        track=Track(np.arange(count), boxes, pixels, np.ones(count, bool)),
        estimate=Estimate(rotations, torch.zeros(10), away.tile(count, 1)),
        to_past=torch.eye(3).expand(count, 24, 3, 3),
        to_future=torch.eye(3).expand(count, 24, 3, 3),
        timestamps=np.arange(count) / RATE,
        frame_rate=RATE,
        camera_matrix=torch.from_numpy(CAMERA).float(),
        zoom=np.ones(count),
    )


def apart(person, body):
    points = body.landmarks_from_joints(*person.skeleton(body), torch.zeros(len(person), 10).double()).numpy()
    return np.linalg.norm(points[:, KNUCKLES[0]].mean(1) - points[:, KNUCKLES[1]].mean(1), axis=-1)


def joints_of(person, body):
    return person.skeleton(body)[0].numpy()


def rounded(rotations):
    """The rotations with what is fast smoothed away."""
    columns = gaussian_filter1d(matrix_to_six_d(rotations).numpy(), 2.4, axis=0, mode="nearest")
    return six_d_to_matrix(torch.from_numpy(columns))


def test_rounded_claps_meet_again_and_nothing_else_moves(body, claps):
    before = result(body, rounded(claps.rotations), claps.rotations)
    after = join_hands(before, body)
    assert apart(before, body)[claps.moments].min() > 0.06
    assert apart(after, body)[claps.moments].max() < 0.04
    arms = [18, 19, 20, 21, 22, 23]
    others = [joint for joint in range(24) if joint not in arms]
    joints, earlier = joints_of(after, body), joints_of(before, body)
    np.testing.assert_allclose(joints[:, others], earlier[:, others], atol=1e-5)
    midway = (claps.moments[1:] + claps.moments[:-1]) // 2  # between two claps
    np.testing.assert_allclose(joints[midway], earlier[midway], atol=1e-3)


def test_hands_that_pass_each_other_do_not_meet(body, claps):
    before = result(body, rounded(claps.rotations), claps.rotations)
    moment, passing = claps.moments[2], before.track.landmarks.copy()
    knuckles = KNUCKLES[0] + KNUCKLES[1]
    after = passing[moment + 1 :, knuckles, 0]
    passing[moment + 1 :, knuckles, 0] = 2 * after.mean(1, keepdims=True) - after  # each is seen where the other one is
    crossed = joints_of(join_hands(replace(before, track=replace(before.track, landmarks=passing)), body), body)
    met = joints_of(join_hands(before, body), body)
    np.testing.assert_allclose(crossed[moment], joints_of(before, body)[moment], atol=1e-4)
    assert np.abs(met[moment] - crossed[moment]).max() > 0.03
    np.testing.assert_allclose(crossed[claps.moments[0]], met[claps.moments[0]], atol=1e-4)


@pytest.mark.parametrize("change", ["hidden", "small", "far"])
def test_hands_of_which_too_little_is_known_are_left_alone(change, body, claps):
    before = result(body, rounded(claps.rotations), claps.rotations)
    if change == "hidden":
        before.track.landmarks[:, KNUCKLES[0], 2] = 0
    if change == "small":
        before = replace(before, track=replace(before.track, boxes=before.track.boxes / 10))
    if change == "far":  # in the result: one hand is seen before the other
        before = result(body, torch.eye(3).expand(claps.rotations.shape), claps.rotations)
    assert join_hands(before, body) is before


def test_one_frame_is_left_alone(body, claps):
    still = result(body, claps.rotations[claps.moments[:1]], claps.rotations[claps.moments[:1]])
    assert join_hands(still, body) is still


def test_a_frame_in_which_hands_are_hidden_while_they_meet_leaves_numbers(body, claps):
    before = result(body, rounded(claps.rotations), claps.rotations)
    for moment in claps.moments:
        before.track.landmarks[moment - 1 : moment + 2] = before.track.landmarks[moment]
        before.track.landmarks[moment, KNUCKLES[0], 2] = 0
    after = join_hands(before, body)
    assert after is not before
    assert torch.isfinite(after.estimate.rotations).all()
