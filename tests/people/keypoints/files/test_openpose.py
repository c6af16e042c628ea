"""OpenPose's files, one a frame: every layout and naming, and what makes them odd."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from figures import (
    BODY_25,
    COCO_18,
    FRAMES,
    HAND,
    LAYOUTS,
    figure,
    flat,
    is_the_figure,
    landmarks,
    point,
    read,
    saved,
)

from hmr_video.errors import InputError, NobodyFoundError
from hmr_video.people.keypoints.files.reading import _read


def openpose(folder: Path, name: str = "clip_{:012d}_keypoints.json", layout: tuple[str, ...] = BODY_25, **more: Any) -> Path:
    folder.mkdir(parents=True)
    for frame in range(FRAMES):
        person = {"person_id": [-1], "pose_keypoints_2d": np.ravel(figure(layout, frame)).tolist(), **more}
        saved(folder / name.format(frame), {"version": 1.3, "people": [person]})
    return folder


@pytest.mark.parametrize("layout", LAYOUTS)
def test_points_of_all_layouts_in_openpose_files(layout: str, tmp_path: Path) -> None:
    folder = openpose(tmp_path / "json", layout=LAYOUTS[layout])
    is_the_figure(read(folder), LAYOUTS[layout])
    evidence = _read(folder)
    np.testing.assert_allclose(evidence.points, landmarks(LAYOUTS[layout], FRAMES))  # feet and hands are not dropped


def test_openposes_hands_are_landmarks_too(tmp_path: Path) -> None:
    hands = {
        f"hand_{side}_keypoints_2d": np.ravel([point(f"{side}_{name}", 0) for name in HAND]).tolist()
        for side in ("left", "right")
    }
    evidence = _read(openpose(tmp_path / "json", **hands))
    layout = (*BODY_25, *(f"{side}_{name}" for side in ("left", "right") for name in HAND))
    np.testing.assert_allclose(evidence.points[0], landmarks(layout, 1)[0])


@pytest.mark.parametrize(
    "name",
    [
        "{:012d}_keypoints.json",
        "{:06d}_view1_keypoints.json",
        "view1_{:06d}_keypoints.json",
        "2020-01-01_clip_{:d}_keypoints.json",
        "cam2.{:06d}.json",
        "IMG{:04d}_run3_keypoints.json",
        "frame{0:03d}_time{0:01d}33.json",
    ],
)
def test_openpose_files_of_many_names(name: str, tmp_path: Path) -> None:
    is_the_figure(read(openpose(tmp_path / "json", name)))


def test_frames_counted_from_one_begin_the_video_and_it_is_said(tmp_path: Path) -> None:
    folder = openpose(tmp_path / "json")
    for frame in reversed(range(FRAMES)):
        (folder / f"clip_{frame:012d}_keypoints.json").rename(folder / f"{frame + 1:06d}.json")
    notes: list[str] = []
    is_the_figure(read(folder, notes))
    assert "counted from 1" in notes[0]


def test_frames_of_two_views_are_refused(tmp_path: Path) -> None:
    folder = openpose(tmp_path / "json", "{:06d}_view1_keypoints.json")
    for path in list(folder.iterdir()):
        path.with_name(path.name.replace("view1", "view2")).write_bytes(path.read_bytes())
    with pytest.raises(InputError, match="frame 0 twice: 000000_view1 and 000000_view2"):
        read(folder)


def test_names_without_numbers_are_taken_in_order_and_it_is_said(tmp_path: Path) -> None:
    folder = openpose(tmp_path / "json")
    for letter, path in zip("abcd", sorted(folder.iterdir()), strict=True):
        path.rename(folder / f"{letter}.json")
    notes: list[str] = []
    is_the_figure(read(folder, notes))
    assert "order of their names" in notes[0]
    (folder / "d.json").rename(folder / "7.json")
    with pytest.raises(InputError, match="no frame number"):
        read(folder)


def test_a_folder_in_a_folder_as_archives_unpack(tmp_path: Path) -> None:
    openpose(tmp_path / "clip" / "clip")
    (tmp_path / "clip" / "__MACOSX").mkdir()
    is_the_figure(read(tmp_path / "clip"))


def test_empty_people_are_passed_over_and_nobody_is_exit_4(tmp_path: Path) -> None:
    folder = openpose(tmp_path / "json")
    for path in folder.iterdir():
        content = json.loads(path.read_text())
        content["people"] += [
            {"pose_keypoints_2d": [], "hand_left_keypoints_2d": [1.0] * 63},
            {},
            {"pose_keypoints_2d": [0] * 75},
        ]
        saved(path, content)
    is_the_figure(read(folder))
    for path in folder.iterdir():
        saved(path, {"people": []})
    with pytest.raises(NobodyFoundError):
        read(folder)


def test_files_in_other_spellings(tmp_path: Path) -> None:
    """Byte-order marks, two bytes a letter, Windows line ends, gzip, numbers as text, null and NaN."""
    folder = openpose(tmp_path / "json")
    first, second, third, fourth = sorted(folder.iterdir())
    first.write_bytes(b"\xef\xbb\xbf" + first.read_bytes().replace(b",", b",\r\n"))
    second.write_bytes(second.read_text().encode("utf-16"))
    content = json.loads(third.read_text())
    content["people"][0]["pose_keypoints_2d"] = [str(value) for value in content["people"][0]["pose_keypoints_2d"]]
    saved(third, content)
    packed = third.with_suffix(".json.gz")
    packed.write_bytes(gzip.compress(third.read_bytes()))
    third.unlink()
    content = json.loads(fourth.read_text())
    content["people"][0]["pose_keypoints_2d"][:3] = [None, float("nan"), None]
    saved(fourth, content)
    (track,) = read(folder).tracks
    expected = landmarks(BODY_25, FRAMES)[:, :17]
    expected[3, 0] = 0
    np.testing.assert_allclose(track.keypoints, expected)


def test_files_of_different_points_are_not_mixed(tmp_path: Path) -> None:
    folder = openpose(tmp_path / "json")
    openpose(tmp_path / "other", layout=COCO_18)
    name = "clip_000000000002_keypoints.json"
    (folder / name).write_bytes((tmp_path / "other" / name).read_bytes())
    with pytest.raises(InputError, match=f"{name}, person 0 has 18 points, and others have 25"):
        read(folder)


def test_points_in_space_are_refused(tmp_path: Path) -> None:
    folder = openpose(tmp_path / "json", pose_keypoints_2d=[], pose_keypoints_3d=[1.0] * 100)
    with pytest.raises(InputError, match="3D"):
        read(folder)
    rows = [[{"keypoints": [[1.0, 2.0, 3.0]] * 17, "keypoint_scores": [1.0] * 17}]]
    with pytest.raises(InputError, match="3D"):
        read(saved(tmp_path / "a.json", rows))


def test_numbers_of_detections_are_no_numbers_of_people(tmp_path: Path) -> None:
    frames = [{"people": [{"keypoints": flat(t), "id": 100 + t}]} for t in range(FRAMES)]
    notes: list[str] = []
    is_the_figure(read(saved(tmp_path / "a.json", frames), notes))
    assert "hardly ever come again" in notes[0]


def test_people_without_numbers_beside_those_with_are_noted(tmp_path: Path) -> None:
    frames = [{"people": [{"keypoints": flat(t)} | ({"track_id": 1} if t else {})]} for t in range(FRAMES)]
    notes: list[str] = []
    is_the_figure(read(saved(tmp_path / "a.json", frames), notes))
    assert "Not all people have a number" in notes[0]


def test_person_ids_tell_people_apart_unless_they_are_double(tmp_path: Path) -> None:
    (tmp_path / "json").mkdir()
    for frame in range(FRAMES):  # the two change places
        people = [
            {"person_id": [k], "pose_keypoints_2d": np.ravel(figure(BODY_25, 0, 100 + 200 * (k ^ frame & 1))).tolist()}
            for k in (0, 1)
        ]
        saved(tmp_path / "json" / f"{frame}.json", {"people": people})
    assert {np.ptp(track.keypoints[:, 0, 0]) for track in read(tmp_path / "json").tracks} == {200}
    for path in (tmp_path / "json").iterdir():
        path.write_text(path.read_text().replace('"person_id": [1]', '"person_id": [0]'))
    notes: list[str] = []
    assert {np.ptp(track.keypoints[:, 0, 0]) for track in read(tmp_path / "json", notes).tracks} == {0}
    assert "same number" in notes[0]
