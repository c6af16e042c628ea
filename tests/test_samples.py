"""The sample clips: the truth beside them is a result of the open body, and the clips can be drawn again from it."""

import sys
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.motion import Motion

SAMPLES = Path(__file__).parent.parent / "samples"
CLIPS = {"one_person": ["one_person"], "two_crossing": ["two_crossing_01", "two_crossing_02"]}


def frames(name):
    with av.open(str(SAMPLES / f"{name}.mp4")) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@pytest.mark.parametrize("person", [person for people in CLIPS.values() for person in people])
def test_the_truth_is_a_pose_of_the_open_body(person, body):
    truth = Motion.load(SAMPLES / f"{person}.npz")
    assert truth.body_hash == body.hash
    rotations = axis_angle_to_matrix(torch.from_numpy(truth.poses).reshape(-1, 24, 3))
    joints, _ = body.joints(rotations, torch.from_numpy(truth.betas).expand(len(truth), 10))
    np.testing.assert_allclose(joints.numpy() + truth.trans[:, None], truth.joints3d, atol=1e-4)


@pytest.mark.parametrize("name", CLIPS)
def test_clips_are_short_small_and_as_long_as_their_truth(name):
    path = SAMPLES / f"{name}.mp4"
    assert path.stat().st_size < 3e6
    for person in CLIPS[name]:
        truth = Motion.load(SAMPLES / f"{person}.npz")
        with av.open(str(path)) as container:
            video = container.streams.video[0]
            assert (video.width, video.height) == tuple(truth.image_size)
            assert video.average_rate == truth.frame_rate
            assert sum(1 for _ in container.decode(video=0)) == len(truth)


def test_somebody_walks_in_front_of_somebody():
    one, two = (Motion.load(SAMPLES / f"{person}.npz") for person in CLIPS["two_crossing"])
    apart = (one.boxes[:, 0] + one.boxes[:, 2] - two.boxes[:, 0] - two.boxes[:, 2]) / 2
    assert apart[0] * apart[-1] < 0  # they change sides
    assert (one.joints3d[:, 0, 2] < two.joints3d[:, 0, 2] - 0.5).all()


@pytest.mark.slow
def test_clips_can_be_drawn_again(tmp_path, monkeypatch):
    """A frame drawn anew differs from the clip by noise and compression only: over 28 dB."""
    monkeypatch.syspath_prepend(str(SAMPLES))
    import render

    assert sys.modules["render"].__file__ == str(SAMPLES / "render.py")
    drawn = render.Film("two_crossing").expose(30).astype(float)
    error = np.mean((drawn - frames("two_crossing")[30]) ** 2)
    assert 10 * np.log10(255**2 / error) > 28
