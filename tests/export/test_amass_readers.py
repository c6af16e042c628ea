"""AMASS files, read by the rules that other programs load them with, told in our words.

Both programs need SMPL to show anything; what is checked here is which keys they ask for, how they cut the poses, what they make
of the frame rate, and which way is up.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

from hmr_video.export import ExportOptions, export
from hmr_video.geometry.rotations import axis_angle_to_matrix

UPRIGHT = np.diag([1.0, -1.0, -1.0])  # camera space to y up
NTSC = 30000 / 1001


class Loaded(NamedTuple):
    """poses (T, 22, 3) of the body, trans (T, 3), betas (N,), what turns the file's space into the program's, frames a second."""

    poses: np.ndarray
    trans: np.ndarray
    betas: np.ndarray
    turn: np.ndarray
    rate: float


def by_blender(path: Path, target: int = 30) -> Loaded:
    """The SMPL-X add-on and its relatives: whole frame rates only, which the scene's must not exceed; every n-th frame is a key.

    The model is chosen by the number of joints in the poses: 24, 52 (with SMPL's hands) or 55. z is up in Blender as in the file.
    """
    with np.load(path) as data:
        assert {"trans", "gender", "betas", "poses"} <= set(data.files)
        key = next(name for name in ("mocap_frame_rate", "mocap_framerate") if name in data.files)
        rate = int(data[key])
        assert str(data["gender"]) in ("female", "male", "neutral")
        if rate < target:
            raise ValueError(f"{rate} below {target}")
        poses = data["poses"].reshape(len(data["poses"]), -1, 3)
        assert poses.shape[1] in (24, 52, 55)
        step = int(rate / target)
        return Loaded(poses[::step, :22], data["trans"][::step], data["betas"], np.eye(3), target)


def by_aitviewer(path: Path) -> Loaded:
    """aitviewer: root, 21 joints of the body, 15 of each hand, 16 betas; what has z up is turned to its own y."""
    with np.load(path) as data:
        assert data["gender"].item() in ("female", "male", "neutral")
        root, body, left, right, rest = np.split(data["poses"], [3, 66, 111, 156], axis=1)
        assert (left.shape[1], right.shape[1], rest.shape[1]) == (45, 45, 0)
        assert data["trans"].shape == (len(root), 3)
        assert data["betas"][np.newaxis].shape == (1, 16)
        poses = np.concatenate([root, body], axis=1).reshape(-1, 22, 3)
        turn = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
        return Loaded(poses, data["trans"], data["betas"], turn, float(data["mocap_framerate"]))


def placed(loaded: Loaded, motion, body) -> np.ndarray:
    """(T, 22, 3) joints in the program's world, on the body that the person was fitted with."""
    poses = torch.zeros(len(loaded.poses), 24, 3)
    poses[:, :22] = torch.from_numpy(loaded.poses)
    joints, _ = body.joints(axis_angle_to_matrix(poses), torch.from_numpy(motion.betas).expand(len(poses), 10))
    return ((joints.numpy() + loaded.trans[:, None]) @ loaded.turn.T)[:, :22]


def test_aitviewer_shows_what_we_show(motions, body, tmp_path):
    for path, motion in zip(export(motions, body, tmp_path, ["amass"]), motions, strict=True):
        loaded = by_aitviewer(path)
        assert loaded.rate == motion.frame_rate
        np.testing.assert_allclose(placed(loaded, motion, body), motion.joints3d[:, :22] @ UPRIGHT, atol=1e-5)


def test_blender_has_the_head_up_and_the_feet_down(motion, body, tmp_path):
    (path,) = export([motion], body, tmp_path, ["amass"], ExportOptions(frame_rate=30.0))
    joints = placed(by_blender(path), motion, body)
    assert (joints[:, 15, 2] - joints[:, [10, 11], 2].min(1) > 1.2).all()
    assert len(joints) == int((len(motion) - 1) / motion.frame_rate * 30 + 1e-6) + 1
    np.testing.assert_allclose(
        joints[0], motion.joints3d[0, :22] @ UPRIGHT @ np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]), atol=1e-5
    )


def test_blender_refuses_29_97_and_takes_it_at_30(motion, body, tmp_path):
    """29.97 frames a second are cut down to 29, which is below the 30 that the add-ons ask for: what `--fps 30` is for."""
    filmed = motion.replace(frame_rate=NTSC, timestamps=np.arange(len(motion)) / NTSC)
    (path,) = export([filmed], body, tmp_path / "as_filmed", ["amass"])
    with pytest.raises(ValueError, match="29 below 30"):
        by_blender(path)
    (path,) = export([filmed], body, tmp_path / "resampled", ["amass"], ExportOptions(frame_rate=30.0))
    loaded = by_blender(path)
    seconds = np.arange(len(loaded.trans)) / loaded.rate
    wanted = np.stack([np.interp(seconds, filmed.timestamps, column) for column in (filmed.joints3d[:, 0] @ UPRIGHT).T], 1)
    pelvis = placed(loaded, filmed, body)[:, 0] @ np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
    np.testing.assert_allclose(pelvis, wanted, atol=1e-4)


def test_blender_takes_every_second_frame_of_60(motion, body, tmp_path):
    (path,) = export([motion], body, tmp_path, ["amass"], ExportOptions(frame_rate=60.0))
    with np.load(path) as data:
        assert len(by_blender(path).poses) == -(-len(data["poses"]) // 2)
