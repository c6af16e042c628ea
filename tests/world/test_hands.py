"""Hands that meet in the picture, and hands that only pass by."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter1d

from hmr_video.body import load_body
from hmr_video.geometry.rotations import axis_angle_to_matrix, matrix_to_axis_angle, matrix_to_six_d, six_d_to_matrix
from hmr_video.geometry.skeleton import LANDMARKS
from hmr_video.motion import Motion
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
    points, joints, poses = [], [], []
    for one in (rotations, seen):
        turned = one.clone()
        turned[:, 0] = upright @ turned[:, 0]
        found, frames = body.joints(turned, torch.zeros(len(one), 10))
        joints.append(found + away)
        points.append((body.landmarks_from_joints(found, frames, torch.zeros(len(one), 10)) + away).numpy())
        poses.append(matrix_to_axis_angle(turned).flatten(1).numpy())
    pixels = points[1] @ CAMERA.T
    pixels = np.concatenate([pixels[..., :2] / pixels[..., 2:], np.ones((*pixels.shape[:2], 1))], -1)
    count = len(rotations)
    return Motion(
        poses=poses[0], trans=np.tile(away.numpy(), (count, 1)), betas=np.zeros(10), frame_ids=np.arange(count),
        timestamps=np.arange(count) / RATE, frame_rate=RATE, confidence=np.full(count, 0.9), camera_matrix=CAMERA,
        image_size=np.array(SIZE), boxes=np.tile([500.0, 60, 780, 660], (count, 1)), landmarks2d=pixels,
        joints3d=joints[0].numpy(), poses_past=poses[0], poses_future=poses[0], body=body.name, body_hash=body.hash,
        weights_hash="",
    )  # fmt: skip


def apart(motion, body):
    rotations = torch.from_numpy(motion.poses).float().reshape(-1, 24, 3)
    betas = torch.zeros(len(motion), 10)
    points = body.landmarks_from_joints(*body.joints(axis_angle_to_matrix(rotations), betas), betas).numpy()
    return np.linalg.norm(points[:, KNUCKLES[0]].mean(1) - points[:, KNUCKLES[1]].mean(1), axis=-1)


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
    np.testing.assert_allclose(after.joints3d[:, others], before.joints3d[:, others], atol=1e-5)
    midway = (claps.moments[1:] + claps.moments[:-1]) // 2  # between two claps
    np.testing.assert_allclose(after.joints3d[midway], before.joints3d[midway], atol=1e-3)


def test_hands_that_pass_each_other_do_not_meet(body, claps):
    before = result(body, rounded(claps.rotations), claps.rotations)
    moment, passing = claps.moments[2], before.landmarks2d.copy()
    knuckles = KNUCKLES[0] + KNUCKLES[1]
    after = passing[moment + 1 :, knuckles, 0]
    passing[moment + 1 :, knuckles, 0] = 2 * after.mean(1, keepdims=True) - after  # each is seen where the other one is
    crossed = join_hands(before.replace(landmarks2d=passing), body).joints3d
    met = join_hands(before, body).joints3d
    np.testing.assert_allclose(crossed[moment], before.joints3d[moment], atol=1e-4)
    assert np.abs(met[moment] - crossed[moment]).max() > 0.03
    np.testing.assert_allclose(crossed[claps.moments[0]], met[claps.moments[0]], atol=1e-4)


@pytest.mark.parametrize("change", ["hidden", "small", "far"])
def test_hands_of_which_too_little_is_known_are_left_alone(change, body, claps):
    before = result(body, rounded(claps.rotations), claps.rotations)
    if change == "hidden":
        before.landmarks2d[:, KNUCKLES[0], 2] = 0
    if change == "small":
        before = before.replace(boxes=before.boxes / 10)
    if change == "far":  # in the result: one hand is seen before the other
        before = result(body, torch.eye(3).expand(claps.rotations.shape), claps.rotations)
    assert join_hands(before, body) is before


def test_one_frame_is_left_alone(body, claps):
    still = result(body, claps.rotations[claps.moments[:1]], claps.rotations[claps.moments[:1]])
    assert join_hands(still, body) is still
