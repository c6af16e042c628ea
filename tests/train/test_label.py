"""Pseudo-labels: which parts of a track the paper's rules keep, and the command on a folder of videos."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from hmr_video.cli.main import run
from hmr_video.errors import InputError
from hmr_video.motion import load_arrays
from hmr_video.people import People, Track
from hmr_video.people.keypoints.files import read_keypoints
from hmr_video.train.label import PseudoTrack, clips, pseudo_tracks

SAMPLES = Path(__file__).parents[2] / "samples"
WHOLE = range(17)
BUST = range(7)


def track(*parts: tuple[int, range], confidence: float = 0.8) -> Track:
    """A track of frames that show the given points, part after part."""
    keypoints = np.zeros((sum(length for length, _ in parts), 17, 3))
    start = 0
    for length, points in parts:
        keypoints[start : start + length, list(points)] = [(320.0 + 9 * point, 240.0, confidence) for point in points]
        start += length
    return Track(np.arange(len(keypoints)), np.tile([0.0, 0, 10, 10], (len(keypoints), 1)), keypoints, np.ones(len(keypoints)))


def kept(*parts: tuple[int, range], rate: float = 30.0, **changes: float) -> list[tuple[int, int]]:
    one = track(*parts, **changes)
    return [(part.start, part.stop) for part in clips(one, np.arange(len(one)) / rate)]


def test_a_clip_begins_above_six_points_and_ends_at_four() -> None:
    assert kept((10, range(6, 12)), (50, WHOLE), (10, range(6, 11)), (5, range(7, 11)), (20, WHOLE)) == [(10, 70)]
    assert kept((60, WHOLE), confidence=0.09) == []
    assert kept((60, WHOLE), confidence=0.1) == [(0, 60)]


def test_clips_hold_forty_to_five_hundred_frames_of_the_model() -> None:
    assert kept((39, WHOLE)) == []
    assert kept((40, WHOLE)) == [(0, 40)]
    assert kept((1030, WHOLE)) == [(0, 500), (500, 1000)]
    assert kept((14, WHOLE), rate=10.0) == [(0, 14)]  # 1.3 seconds of a slow video are as long
    assert kept((13, WHOLE), rate=10.0) == []


def test_clips_of_face_and_shoulders_are_dropped() -> None:
    assert kept((40, BUST), (60, WHOLE)) == []
    assert kept((39, BUST), (61, WHOLE)) == [(0, 100)]


def test_a_track_comes_back_from_its_file_and_others_are_refused(tmp_path: Path) -> None:
    one = track((45, WHOLE))
    one.keypoints[3, 2, 2] = 0.05  # too unsure to be a label
    people = People([one], (640, 480), 25.0, np.arange(45) / 25.0)
    (made,) = pseudo_tracks(people, focal=500.0)
    made.save(tmp_path / "track_001.npz")
    read = PseudoTrack.load(tmp_path / "track_001.npz")
    assert read.keypoints2d[3, 2].tolist() == [0, 0, 0]
    assert read.camera_matrix[0, 0] == 500
    assert read.seconds == pytest.approx(44 / 25)
    again = read_keypoints(tmp_path / "track_001.npz")  # what `convert --keypoints` reads
    assert (again.image_size, again.frame_rate) == ((640, 480), pytest.approx(25.0))
    assert again.tracks[0].keypoints.shape == (45, 17, 3)
    values = dict(load_arrays(tmp_path / "track_001.npz"))
    for wrong in ({"timestamps": values["timestamps"][::-1]}, {"boxes": values["boxes"][:5]}, {"boxes": None}):
        changed = {name: value for name, value in (values | wrong).items() if value is not None}
        np.savez(tmp_path / "odd.npz", **changed)
        with pytest.raises(InputError, match=r"odd\.npz"):
            PseudoTrack.load(tmp_path / "odd.npz")


@pytest.mark.slow
def test_a_folder_is_labelled_once_and_a_bad_video_stops_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    videos, output = tmp_path / "videos", tmp_path / "tracks"
    videos.mkdir()
    shutil.copy(SAMPLES / "one_person.mp4", videos)
    (videos / "broken.mp4").write_bytes(b"no video")
    command = ["label", str(videos), "-o", str(output), "--json", "--quiet"]
    assert run(command) == 5
    report = json.loads(capsys.readouterr().out)
    assert (report["done"], report["failed"], report["earlier"]) == (1, 1, 0)

    labelled = PseudoTrack.load(output / "one_person" / "track_001.npz")
    truth = load_arrays(SAMPLES / "one_person.npz")
    seen = labelled.keypoints2d[..., 5:, 2] > 0.5
    error = np.linalg.norm(labelled.keypoints2d - truth["keypoints2d"][labelled.frame_ids], axis=-1)[:, 5:]
    height = np.median(labelled.boxes[:, 3] - labelled.boxes[:, 1])
    assert np.median(error[seen]) < 0.05 * height

    before = (output / "one_person" / "track_001.npz").stat().st_mtime_ns
    (videos / "broken.mp4").unlink()
    assert run(command) == 0
    assert json.loads(capsys.readouterr().out)["earlier"] == 1
    assert (output / "one_person" / "track_001.npz").stat().st_mtime_ns == before
