"""What is no pixels or no confidence is refused, with what to do; what may be told on the command line is obeyed."""

import json
from pathlib import Path

import numpy as np
import pytest
from figures import LAYOUTS, figure

from hmr_video.cli.main import run
from hmr_video.console import Reporter
from hmr_video.errors import InputError, NobodyFoundError, UsageError
from hmr_video.people.keypoints.files import read_keypoints
from hmr_video.video.reader import Selection


def save(path: Path, points: np.ndarray, size: tuple[int, int] = (640, 480), **more: np.ndarray) -> Path:
    np.savez(path, keypoints2d=points, image_size=size, mocap_frame_rate=30.0, **more)
    return path


def figures(frames: int = 12, x: float = 100.0) -> np.ndarray:
    return np.array([figure(LAYOUTS["COCO-17"], t, x) for t in range(frames)])


def scaled(by: float | tuple[float, float]) -> np.ndarray:
    points = figures()
    points[..., :2] *= by
    return points


def trusted(confidence: float) -> np.ndarray:
    points = figures()
    points[0, 0, 2] = confidence
    return points


@pytest.mark.parametrize(
    ("points", "size", "said"),
    [
        (scaled((1 / 640, 1 / 480)), (640, 480), "Multiply x by the width"),
        (scaled((2 / 640, 2 / 480)) - [1, 1, 0], (640, 480), "Multiply x by the width"),
        (scaled((100 / 640, 100 / 480)), (640, 480), "divide by 100"),
        (scaled(0.01), (640, 480), "not in metres|Multiply"),
        (scaled(0.03), (640, 480), "not in metres"),
        (scaled(4), (320, 240), "outside of pictures of 320 x 240"),
        (trusted(100), (640, 480), "Divide percentages by 100"),
        (trusted(2), (640, 480), "confidences from 0 to 2"),
        (trusted(-0.5), (640, 480), "confidences from -0.5"),
    ],
)
def test_wrong_units_are_refused_with_the_remedy(points: np.ndarray, size: tuple[int, int], said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        read_keypoints(save(tmp_path / "a.npz", points, size))


def test_percentages_in_a_list_are_no_flags(tmp_path: Path) -> None:
    rows = [{"image_id": f"{t}.jpg", "keypoints": (figures()[t] * [1, 1, 100]).ravel().tolist()} for t in range(12)]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    with pytest.raises(InputError, match="Divide percentages by 100"):
        read_keypoints(tmp_path / "a.json", (640, 480), 30.0)


def test_peaks_a_little_beyond_one_are_one(tmp_path: Path) -> None:
    (track,) = read_keypoints(save(tmp_path / "a.npz", trusted(1.04))).tracks
    assert track.keypoints[0, 0, 2] == 1


def test_some_points_outside_are_noted(tmp_path: Path) -> None:
    reporter = Reporter(quiet=True)
    points = figures()
    points[:, :4, 0] = -200
    read_keypoints(save(tmp_path / "b.npz", points), reporter=reporter)
    assert reporter.notes == ["24% of the keypoints lie outside of the pictures (640 x 480)."]


def test_the_selection_is_that_of_a_video(tmp_path: Path) -> None:
    """Times and frame numbers as `open_video` gives them."""
    path = save(tmp_path / "a.npz", figures())
    people = read_keypoints(path, selection=Selection(start=0.1, end=0.3, every=2))
    (track,) = people.tracks
    assert track.frame_ids.tolist() == [2, 3, 4]  # frames 4, 6 and 8 of 12
    np.testing.assert_allclose(track.keypoints, figures()[4:9:2])
    np.testing.assert_allclose(people.timestamps[track.frame_ids], np.array([4, 6, 8]) / 30)
    assert people.frame_rate == 15
    with pytest.raises(InputError, match="last one is at 0"):
        read_keypoints(path, selection=Selection(start=7))
    gone = figures()
    gone[3:, :, 2] = 0
    with pytest.raises(NobodyFoundError):
        read_keypoints(save(tmp_path / "b.npz", gone), selection=Selection(start=0.2))
    with pytest.raises(UsageError):
        read_keypoints(path, frame_rate=-1.0)


def test_the_largest_people_are_kept(tmp_path: Path) -> None:
    frames = [[points.tolist(), (points * [2, 2, 1] + [200, 0, 0]).tolist()] for points in figures(5)]
    (tmp_path / "a.json").write_text(json.dumps(frames))
    assert len(read_keypoints(tmp_path / "a.json", (1280, 720), 30.0).tracks) == 2
    (track,) = read_keypoints(tmp_path / "a.json", (1280, 720), 30.0, limit=1).tracks
    assert np.ptp(track.keypoints[0, :, 1]) == 160


@pytest.mark.parametrize(
    "arguments",
    [
        ["--detector", "yolo11x-pose"],
        ["--tracker", "botsort"],
        ["--detector-engine", "torch"],
        ["--device", "cuda"],
        ["--start", "2", "--end", "1"],
        ["--every", "0"],
        ["--frame-rate", "0"],
        ["--people", "nobody"],
    ],
)
def test_what_means_nothing_for_keypoints_is_wrong_usage(arguments: list[str], tmp_path: Path) -> None:
    path = save(tmp_path / "a.npz", figures())
    assert run(["convert", "--keypoints", str(path), "-o", str(tmp_path / "out"), "--quiet", *arguments]) == 2
    assert not (tmp_path / "out" / "a").exists()


def test_options_of_keypoints_mean_nothing_without(tmp_path: Path) -> None:
    assert run(["convert", str(tmp_path / "a.mp4"), "--video", str(tmp_path / "a.mp4")]) == 2
    assert run(["convert", str(tmp_path / "a.mp4"), "--image-size", "640x480"]) == 2


def test_formats_that_show_the_video_want_one_before_any_work(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npz", figures())
    assert run(["convert", "--keypoints", str(path), "-o", str(tmp_path / "out"), "-f", "overlay,csv"]) == 2


def test_a_rate_that_is_given_replaces_the_times_of_the_file(tmp_path: Path) -> None:
    path = save(tmp_path / "a.npz", figures(), timestamps=np.arange(12) / 30)
    people = read_keypoints(path, frame_rate=60.0)
    np.testing.assert_allclose(people.timestamps, np.arange(12) / 60)


def test_people_on_their_heads_are_noted(tmp_path: Path) -> None:
    points, reporter = figures(), Reporter(quiet=True)
    points[..., 1] = 480 - points[..., 1]
    read_keypoints(save(tmp_path / "a.npz", points), reporter=reporter)
    assert "y must point down" in reporter.notes[0]
