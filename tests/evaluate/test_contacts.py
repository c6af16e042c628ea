"""Distances of what touches, of results whose distances are known. Filming and converting take minutes: `evaluate --contacts`."""

import numpy as np
import pytest
import torch

from hmr_video.evaluate.contacts import distances, film_sharp
from hmr_video.export.actors import Actor
from hmr_video.geometry.rotations import matrix_to_axis_angle
from hmr_video.motion import Motion
from hmr_video.synth.motion.sharp import KINDS, RATE, Sharp, draw_sharp


def acted(sharp: Sharp, body, rotations: torch.Tensor) -> Actor:
    count = len(rotations)
    poses = matrix_to_axis_angle(rotations).flatten(1).numpy()
    joints, _ = body.joints(rotations, torch.zeros(count, 10))
    motion = Motion(
        poses=poses, trans=sharp.trans.numpy(), betas=np.zeros(10), frame_ids=np.arange(count),
        timestamps=np.arange(count) / RATE, frame_rate=RATE, confidence=np.ones(count), camera_matrix=np.eye(3),
        image_size=np.array([9, 9]), boxes=np.zeros((count, 4)), landmarks2d=np.zeros((count, 29, 3)),
        joints3d=(joints + sharp.trans[:, None]).numpy(), poses_past=poses,
        poses_future=poses, body=body.name, body_hash=body.hash, weights_hash="", world_from_camera=np.eye(4),
    )  # fmt: skip
    rest = [points.double().numpy() for points in body.rest(torch.zeros(10))]
    return Actor(motion, body, rotations.double().numpy(), sharp.trans.double().numpy(), *rest)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_late_is_farther_apart(kind, body):
    sharp = draw_sharp(kind, body, np.random.default_rng(2))
    times = sharp.moments / RATE
    true = distances(sharp, times, acted(sharp, body, sharp.rotations))
    assert true.max() < {"claps": 32, "kicks": 30, "steps": 25}[kind]
    late = torch.cat([sharp.rotations[:1].expand(4, -1, -1, -1), sharp.rotations[:-4]])
    assert (distances(sharp, times, acted(sharp, body, late)) > true + 5).all()


def test_the_person_faces_the_camera_who_claps(body):
    _, clip = film_sharp("claps", body, (0, 1))
    ahead = clip.rotations[0, 0].numpy() @ [0, 0, 1]
    assert ahead @ (clip.world_from_camera[0, :3, 3] - clip.trans[0].numpy()) > 0
