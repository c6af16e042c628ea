"""What is said unasked, of whom, and of whom not."""

from pathlib import Path

import numpy as np
import pytest

from hmr_video.camera.clip import ClipCamera
from hmr_video.camera.path import Path as CameraPath
from hmr_video.console import Reporter
from hmr_video.motion import Motion
from hmr_video.options import Options, PeopleOptions
from hmr_video.remarks import remark_on_camera, remark_on_people, remark_on_source, slow_stride
from hmr_video.video import VideoInfo


def strider(motion: Motion, stride: float, step: float, seconds: float = 6.0, rate: float = 30.0) -> Motion:
    """A person whose ankles swing past each other: a ``stride`` takes so many seconds, a ``step`` is so many metres long."""
    count = int(seconds * rate)
    times = np.arange(count) / rate
    rows = np.zeros(count, int)
    joints = np.asarray(motion.joints3d, np.float64)[rows].copy()
    joints[:, 1], joints[:, 2] = [-0.1, 0.0, 4.0], [0.1, 0.0, 4.0]  # hips, across the view
    swing = step / 2 * np.sin(2 * np.pi * times / stride)
    joints[:, 7] = np.stack([np.full(count, -0.1), np.full(count, 0.9), 4.0 + swing], -1)
    joints[:, 8] = np.stack([np.full(count, 0.1), np.full(count, 0.9), 4.0 - swing], -1)
    frames = {name: getattr(motion, name)[rows] for name in ("poses", "trans", "confidence", "boxes", "landmarks2d")}
    frames |= {name: getattr(motion, name)[rows] for name in ("poses_past", "poses_future")}
    return motion.replace(**frames, joints3d=joints, timestamps=times, frame_ids=np.arange(count), frame_rate=rate)


@pytest.mark.parametrize(("stride", "step"), [(1.05, 0.72), (1.6, 0.45), (0.7, 1.1), (2.4, 0.1)])
def test_who_walks_or_runs_or_stands_is_left_alone(motion: Motion, stride: float, step: float) -> None:
    assert slow_stride(strider(motion, stride, step)) is None


@pytest.mark.parametrize(("stride", "step"), [(2.4, 0.72), (3.2, 0.7), (5.0, 0.8)])
def test_slow_motion_shows(motion: Motion, stride: float, step: float) -> None:
    seconds = slow_stride(strider(motion, stride, step, seconds=10))
    assert seconds == pytest.approx(stride, rel=0.05)
    reporter = Reporter(quiet=True)
    remark_on_people([motion, strider(motion, stride, step, seconds=10)], Options(), reporter)
    assert [note.startswith("A stride of person 2 takes") for note in reporter.notes] == [True]


def test_short_results_say_nothing(motion: Motion) -> None:
    assert slow_stride(motion) is None
    assert slow_stride(strider(motion, 2.4, 0.7, seconds=1 / 30)) is None


def test_one_height_is_for_one_person(motion: Motion) -> None:
    reporter = Reporter(quiet=True)
    remark_on_people([motion], Options(height=1.8), reporter)
    remark_on_people([motion, motion], Options(), reporter)
    assert reporter.notes == []
    remark_on_people([motion, motion], Options(height=1.8), reporter)
    assert "all 2 were made 1.8 m tall" in reporter.notes[0]


def test_folders_of_images(tmp_path: Path) -> None:
    info = VideoInfo(tmp_path, 64, 48, 30.0, 2, None, "pillow")
    reporter = Reporter(quiet=True)
    remark_on_source(tmp_path, info, Options(PeopleOptions(), frame_rate=25), reporter)
    assert reporter.notes == []
    (tmp_path / "b.mp4").touch()
    (tmp_path / ".hidden.mp4").touch()
    remark_on_source(tmp_path, info, Options(), reporter)
    assert "30 images a second" in reporter.notes[0]
    assert "b.mp4 was left out" in reporter.notes[1]


def test_a_camera_of_which_nothing_is_known_is_named() -> None:
    reporter = Reporter(quiet=True)
    remark_on_camera(ClipCamera((CameraPath.still(np.arange(2), 1.2, "unknown", 0),)), Options(), reporter)
    assert "does not tell" in reporter.notes[0]
