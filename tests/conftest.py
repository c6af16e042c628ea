"""What tests of several rooms share: the open body and made-up results of people who walk on it."""

import math
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from hypothesis import settings

from hmr_video.assets import find_model_file, get_model_file
from hmr_video.console import Reporter
from hmr_video.errors import AssetError
from hmr_video.files import cache_folder
from hmr_video.geometry.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from hmr_video.geometry.skeleton import JOINT_NAMES
from hmr_video.motion import Motion
from hmr_video.people.keypoints.choice import NONE, store_choice

if TYPE_CHECKING:
    from hmr_video.body import Body
    from hmr_video.synth.film.filmed import Film


settings.register_profile("busy machines", deadline=None)
settings.load_profile("busy machines")


def pytest_addoption(parser: pytest.Parser) -> None:
    """How thorough the trials are that take long: small in every run, larger by the commands that the README names."""
    group = parser.getgroup("trials")
    group.addoption("--kills", type=int, default=4, help="how often a batch is killed (tests/batch/test_kills.py)")
    group.addoption("--rounds", type=int, default=25, help="damaged copies of each file (tests/batch/test_fuzz.py)")
    group.addoption("--videos", type=int, default=9, help="size of the mixed batch (tests/batch/test_mixed.py)")
    group.addoption("--clips", type=int, default=12, help="random clips against ffmpeg (tests/video/test_against_ffmpeg.py)")
    group.addoption("--minutes", type=float, default=0.8, help="length of the long video (tests/batch/test_memory.py)")
    group.addoption("--seed", type=int, default=2019, help="of everything random in trials")


@pytest.fixture(scope="session", autouse=True)
def _machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Whatever this machine has fetched and chosen: tests fetch nothing, and look closely at people only where they say so.

    The detector's weights, which newer Pythons cannot install, are fetched before the first test, once.
    """
    with suppress(AssetError):
        get_model_file("yolo11n-pose", Reporter())
    usual, own = cache_folder(), tmp_path_factory.mktemp("cache")
    for name in ("models", "openvino"):
        (usual / name).mkdir(parents=True, exist_ok=True)
        (own / name).symlink_to(usual / name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HMR_VIDEO_CACHE", str(own))
        patch.setenv("HMR_VIDEO_OFFLINE", "1")
        store_choice(NONE)
        yield


@pytest.fixture(scope="session")
def blazepose() -> Path:
    """BlazePose's heavy network, where it was fetched (`hmr-video weights get all`); CI always does."""
    path = find_model_file("blazepose-heavy")
    if path is None and "CI" not in os.environ:
        pytest.skip("blazepose-heavy was not fetched")
    assert path is not None
    return path


@pytest.fixture(scope="session")
def seed(pytestconfig: pytest.Config) -> int:
    return int(pytestconfig.getoption("seed"))


@pytest.fixture(scope="session")
def body() -> "Body":
    from hmr_video.body import load_body

    return load_body("open")


@pytest.fixture(scope="session")
def motion(body: "Body") -> Motion:
    """Twenty frames of somebody who walks, turns and bends the arms, 4 m before a 640 x 480 camera at 25 fps."""
    return walk(body, length=20, first_frame=3)


@pytest.fixture(scope="session")
def steps(body: "Body") -> Motion:
    """Sixty frames of such a walk: three and a half cycles, each of two thirds of a second."""
    return walk(body, length=60, first_frame=3)


@pytest.fixture(scope="session")
def motions(body: "Body", motion: Motion) -> list[Motion]:
    """That person and another, of another shape, who comes later and walks the other way."""
    return [motion, walk(body, length=12, first_frame=9, heading=2.2, place=(-0.8, 5.0), betas=(1.5, -1.0, 0.5))]


def walk(
    body: "Body",
    length: int,
    first_frame: int = 0,
    heading: float = -0.6,
    place: tuple[float, float] = (0.4, 4.0),
    betas: tuple[float, ...] = (-0.8, 0.6),
    frame_rate: float = 25.0,
) -> Motion:
    """A walking-like result in camera space: sines in hips, knees, shoulders and elbows, one and a half cycles a second.

    heading: radians about the vertical, 0 facing the camera; place: metres to the right and in depth.
    """
    seconds = (first_frame + np.arange(length)) / frame_rate
    poses = np.stack([_walking_pose(time, heading) for time in seconds])
    shape = np.zeros(10, dtype=np.float32)
    shape[: len(betas)] = betas
    trans = np.zeros((length, 3))
    trans[:, 0] = place[0] + 1.2 * math.sin(heading) * (seconds - seconds[0])
    trans[:, 1] = 0.02 * np.sin(6 * math.pi * seconds)
    trans[:, 2] = place[1] - 1.2 * math.cos(heading) * (seconds - seconds[0])
    rotations = axis_angle_to_matrix(torch.from_numpy(poses).float().reshape(-1, 24, 3))
    with torch.inference_mode():
        joints, _ = body.joints(rotations, torch.from_numpy(shape).expand(length, 10))
    joints3d = joints.numpy() + trans[:, None]
    camera = np.array([[800.0, 0, 320], [0, 800.0, 240], [0, 0, 1]])
    pixels = joints3d[..., :2] / joints3d[..., 2:] * 800 + [320, 240]
    boxes = np.concatenate([pixels.min(1) - 10, pixels.max(1) + 10], axis=1)
    keypoints = np.zeros((length, 17, 3))
    keypoints[:, 5:] = np.concatenate([pixels[:, [16, 17, 18, 19, 20, 21, 1, 2, 4, 5, 7, 8]], np.full((length, 12, 1), 0.9)], -1)
    return Motion(
        poses=poses.astype(np.float32),
        trans=trans.astype(np.float32),
        betas=shape,
        frame_ids=first_frame + np.arange(length),
        timestamps=seconds,
        frame_rate=frame_rate,
        confidence=np.full(length, 0.9, dtype=np.float32),
        camera_matrix=camera.astype(np.float32),
        image_size=np.array([640, 480]),
        boxes=boxes.astype(np.float32),
        landmarks2d=keypoints.astype(np.float32),
        joints3d=joints3d.astype(np.float32),
        poses_past=np.stack([_walking_pose(time - 5 / 30, heading) for time in seconds]).astype(np.float32),
        poses_future=np.stack([_walking_pose(time + 5 / 30, heading) for time in seconds]).astype(np.float32),
        body=body.name,
        body_hash=body.hash,
        weights_hash="0" * 64,
    )


def _walking_pose(seconds: float, heading: float) -> np.ndarray:
    """(72,) axis-angle at a moment; the root turns the body (y up, facing +z) into camera space (y down, facing -z)."""
    swing = math.sin(3 * math.pi * seconds)
    pose = np.zeros((24, 3))
    upright = axis_angle_to_matrix(torch.tensor([math.pi, 0.0, 0.0], dtype=torch.float64))
    turn = axis_angle_to_matrix(torch.tensor([0.0, heading, 0.0], dtype=torch.float64))
    pose[0] = matrix_to_axis_angle(upright @ turn).numpy()
    turns = {
        "left_hip": (-0.5 * swing, 0, 0.05),
        "right_hip": (0.5 * swing, 0, -0.05),
        "left_knee": (0.5 - 0.4 * swing, 0, 0),
        "right_knee": (0.5 + 0.4 * swing, 0, 0),
        "left_ankle": (0.15 * swing, 0, 0),
        "spine2": (0.1, 0.15 * swing, 0),
        "left_shoulder": (0.3 * swing, 0, -1.2),
        "right_shoulder": (-0.3 * swing, 0, 1.2),
        "left_elbow": (0, -0.6 + 0.3 * swing, 0),
        "right_elbow": (0, 0.6 + 0.3 * swing, 0),
        "head": (0.1, -0.2 * swing, 0),
    }
    for name, turn_of_joint in turns.items():
        pose[JOINT_NAMES.index(name)] = turn_of_joint
    return pose.reshape(72)


@pytest.fixture(scope="session")
def mocap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six clips of bodies that bend hips, knees, shoulders and elbows on sines."""
    folder = tmp_path_factory.mktemp("mocap")
    random = np.random.default_rng(0)
    for number in range(6):
        time = np.arange(90)[:, None] / 30
        poses = np.zeros((90, 72))
        for joint, axis in ((1, 0), (2, 0), (4, 0), (5, 0), (16, 2), (17, 2), (18, 1), (19, 1)):
            poses[:, joint * 3 + axis] = 0.8 * np.sin(2 * np.pi * (random.random() + random.random() * time[:, 0]))
        poses[:, 1] = random.uniform(-3, 3)
        np.savez(folder / f"{number}.npz", poses=poses, trans=np.zeros((90, 3)), mocap_frame_rate=30.0)
    return folder


@pytest.fixture(scope="session")
def perfect_film(body: "Body") -> "Callable[..., Film]":
    """Makes films: of so many windows of so many frames, one in ``every`` filmed."""
    from hmr_video.synth.film.filmed import Film

    def film(windows: int, frames: int, every: int = 1, seed: int = 0) -> Film:
        """Bodies that hold one pose each, 4 m before the camera, with every keypoint detected where it is."""
        generator = torch.Generator().manual_seed(seed)
        poses = (0.4 * torch.randn(windows, 1, 72, generator=generator)).expand(-1, frames, -1)
        betas = torch.randn(windows, 10, generator=generator)
        pelvis = torch.tensor([0.3, -0.2, 4.0]).expand(windows, frames, 3)
        shape = betas[:, None].expand(-1, frames, -1)
        joints, turned = body.joints(axis_angle_to_matrix(poses.unflatten(-1, (24, 3))), shape)
        points = (body.coco_from_joints(joints, turned, shape) - joints[..., :1, :] + pelvis[..., None, :])[:, ::every]
        detections = torch.cat([points[..., :2] / points[..., 2:], torch.ones_like(points[..., :1])], -1)
        arrays = (value.numpy().copy() for value in (poses, pelvis, betas, detections))
        return Film(*arrays, np.arange(windows), {"every": every, "body": body.hash})

    return film
