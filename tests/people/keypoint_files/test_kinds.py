"""Each kind of file that people have gives the same people."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from figures import BODY_25, COCO_18, HALPE_26, HAND, LAYOUTS, figure, landmarks, point

from hmr_video.console import Reporter
from hmr_video.errors import InputError, NobodyFoundError
from hmr_video.geometry.skeleton import COCO_NAMES
from hmr_video.people import read_keypoints
from hmr_video.people.keypoint_files.reading import _read
from hmr_video.people.tracks import People

COCO = LAYOUTS["COCO-17"]
FRAMES = 4


def read(path: Path, notes: list[str] | None = None) -> People:
    """A file that states neither size nor rate."""
    reporter = Reporter(quiet=True)
    people = read_keypoints(path, (640, 480), 30.0, reporter=reporter)
    if notes is not None:
        notes += reporter.notes
    return people


def is_the_figure(people: People, layout: tuple[str, ...] = COCO, frames: int = FRAMES) -> None:
    """One person, whole, from frame 0 on."""
    (track,) = people.tracks
    assert track.frame_ids.tolist() == list(range(frames))
    np.testing.assert_allclose(track.keypoints, landmarks(layout, frames)[:, :17])


def saved(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


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


def scored(frame: int, layout: tuple[str, ...] = COCO) -> dict[str, Any]:
    """MMPose's person: points, and their scores apart."""
    points = figure(layout, frame)
    return {"keypoints": [row[:2] for row in points], "keypoint_scores": [row[2] for row in points], "bbox_score": 0.9}


def flat(frame: int, layout: tuple[str, ...] = COCO) -> list[float]:
    return np.ravel(figure(layout, frame)).tolist()


NAMES = dict(enumerate(HALPE_26))
DOCUMENTS: dict[str, tuple[tuple[str, ...], Any]] = {
    "AlphaPose": (COCO, [{"image_id": f"{t}.jpg", "category_id": 1, "keypoints": flat(t), "score": 2.9} for t in (2, 0, 3, 1)]),
    "AlphaPose, Halpe": (HALPE_26, [{"image_id": f"{t}.jpg", "keypoints": flat(t, HALPE_26), "idx": [1]} for t in range(FRAMES)]),
    "AlphaPose, cmu": (
        COCO_18,
        {f"{t}.jpg": {"version": "AlphaPose v0.3", "bodies": [{"joints": flat(t, COCO_18)}]} for t in range(FRAMES)},
    ),
    "AlphaPose, open": (
        COCO_18,
        {f"{t}.jpg": {"version": "x", "people": [{"pose_keypoints_2d": flat(t, COCO_18)}]} for t in range(FRAMES)},
    ),
    "COCO's results": (COCO, [{"image_id": t, "category_id": 1, "keypoints": flat(t), "score": 0.9} for t in range(FRAMES)]),
    "MMPose": (COCO, [{"frame_id": t, "instances": [scored(t)]} for t in range(FRAMES)]),
    "MMPose's demo": (
        HALPE_26,
        {
            "meta_info": {"dataset_name": "halpe26", "keypoint_id2name": NAMES},
            "instance_info": [{"frame_id": t + 1, "instances": [scored(t, HALPE_26)]} for t in range(FRAMES)],
        },
    ),
    "MMPose's list of lists": (COCO, [[scored(t)] for t in range(FRAMES)]),
    "MMPose's predictions": (COCO, {"predictions": [[scored(t)] for t in range(FRAMES)]}),
    "frames of people": (COCO, [{"frame_index": t, "people": [{"keypoints": flat(t)}]} for t in range(FRAMES)]),
    "frames in an object": (COCO, {"frames": [{"people": [{"keypoints": flat(t), "track_id": 4}]} for t in range(FRAMES)]}),
    "a row a person, by frame": (COCO, [{"frame": t, "keypoints": flat(t)} for t in (1, 0, 3, 2)]),
    "points by name": (
        HALPE_26,
        [[{"keypoints": {name: point(name, t) for name in reversed(HALPE_26)}}] for t in range(FRAMES)],
    ),
    "frames by number": (COCO, {str(t): [{"keypoints": flat(t)}] for t in range(FRAMES)}),
    "points of one person": (COCO, [figure(COCO, t) for t in range(FRAMES)]),
    "points of people": (COCO, [[figure(COCO, t)] for t in range(FRAMES)]),
    "Ultralytics": (
        COCO,
        [
            [
                {
                    "name": "person",
                    "keypoints": dict(zip(("x", "y", "visible"), np.transpose(figure(COCO, t)).tolist(), strict=True)),
                }
            ]
            for t in range(FRAMES)
        ],
    ),
    "named points in another order": (
        HALPE_26,
        [
            [{"keypoints": [{"name": n, "x": point(n, t)[0], "y": point(n, t)[1], "score": 0.8} for n in reversed(HALPE_26)]}]
            for t in range(FRAMES)
        ],
    ),
}


@pytest.mark.parametrize("kind", DOCUMENTS)
def test_documents_of_many_programs(kind: str, tmp_path: Path) -> None:
    layout, content = DOCUMENTS[kind]
    is_the_figure(read(saved(tmp_path / "a.json", content)), layout)


def test_images_without_people_are_not_in_lists_of_results(tmp_path: Path) -> None:
    """So one that begins with 1 need not count from 1."""
    for content in (
        [{"image_id": f"{t}.jpg", "keypoints": flat(t)} for t in (1, 2)],
        {f"{t}.jpg": {"people": [{"pose_keypoints_2d": flat(t, COCO_18)}]} for t in (1, 2)},
    ):
        assert read(saved(tmp_path / "a.json", content)).tracks[0].frame_ids.tolist() == [1, 2]


def test_image_ids_without_names_are_taken_for_frames_and_it_is_said(tmp_path: Path) -> None:
    notes: list[str] = []
    is_the_figure(read(saved(tmp_path / "a.json", DOCUMENTS["COCO's results"][1]), notes))
    assert "taken for frame numbers" in notes[0]
    notes.clear()
    content = [{"image_id": 139 + 977 * t, "keypoints": flat(t)} for t in range(FRAMES)]
    is_the_figure(read(saved(tmp_path / "a.json", content), notes))
    assert "not numbered by frames" in notes[0]


def test_a_line_of_json_a_frame(tmp_path: Path) -> None:
    lines = [json.dumps({"frame": t, "people": [{"keypoints": flat(t)}]}) for t in range(FRAMES)]
    for name in ("a.jsonl", "a.json"):
        (tmp_path / name).write_text("\r\n".join(lines))
        is_the_figure(read(tmp_path / name))


def test_a_folder_of_one_document_is_that_document(tmp_path: Path) -> None:
    saved(tmp_path / "alphapose-results.json", DOCUMENTS["AlphaPose"][1])
    is_the_figure(read(tmp_path))
    saved(tmp_path / "other-results.json", DOCUMENTS["AlphaPose"][1])
    with pytest.raises(InputError, match="no list of people"):
        read(tmp_path)


def test_scores_may_lie_in_an_array_of_their_own(tmp_path: Path) -> None:
    points = np.array([figure(COCO, t) for t in range(FRAMES)])
    np.savez(tmp_path / "a.npz", keypoints=points[..., :2], keypoint_scores=points[..., 2])
    is_the_figure(read(tmp_path / "a.npz"))


def test_feet_alone_are_nobody(tmp_path: Path) -> None:
    content = [
        {
            "people": [
                {"keypoints": [*[0.0] * 51, *[90.0, 90.0, 0.9] * 6]},
                {"keypoints": flat(t, COCO + LAYOUTS["COCO-WholeBody"][17:23])},
            ]
        }
        for t in range(FRAMES)
    ]
    is_the_figure(read(saved(tmp_path / "a.json", content)))


def test_frames_without_people_count(tmp_path: Path) -> None:
    content = [{"frame_id": t, "instances": [scored(t)] if t % 2 == 0 else []} for t in range(6)]
    people = read(saved(tmp_path / "a.json", content))
    assert len(people.timestamps) == 6
    assert people.tracks[0].detected.tolist() == [True, False, True, False, True]


def test_without_confidences_what_has_a_place_is_there(tmp_path: Path) -> None:
    rows = [[row[:2] for row in figure(COCO, t)] for t in range(FRAMES)]
    rows[1][0] = [0.0, 0.0]
    (track,) = read(saved(tmp_path / "a.json", rows)).tracks
    assert track.keypoints[1, 0].tolist() == [0, 0, 0]
    assert (track.keypoints[0, :, 2] == 1).all()


def sports2d(path: Path, unit: float = 1.0) -> Path:
    head = ["PathFileType\t4\t(X/Y/Z)\ta.trc", "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits", f"30\t30\t{FRAMES}\t26\tm"]
    head += [
        "Frame#\tTime\t" + "\t".join(f"{name}\t\t" for name in SPORTS2D),
        "\t\t" + "\t".join(f"X{k}\tY{k}\tZ{k}" for k in range(26)),
        "",
    ]
    for t in range(FRAMES):
        cells = [f"{value * unit:.4f}" for name in SPORTS2D.values() for value in (*point(name, t)[:2], 0)]
        head.append("\t".join([str(t + 1), f"{t / 30:.6f}", *cells]))
    path.write_text("\n".join(head))
    return path


SPORTS2D = {
    "".join(word.title() for word in name.replace("left_", "l ").replace("right_", "r ").replace("_", " ").split()): name
    for name in HALPE_26
}


def test_sports2ds_tables_in_pixels(tmp_path: Path) -> None:
    path = sports2d(tmp_path / "clip_Sports2D_px_person00.trc")
    people = read_keypoints(path, (640, 480))
    assert people.frame_rate == 30
    (track,) = people.tracks
    np.testing.assert_allclose(track.keypoints[..., :2], landmarks(HALPE_26, FRAMES)[:, :17, :2], atol=1e-4)
    sports2d(tmp_path / "clip_Sports2D_m_person00.trc", 0.01)
    sports2d(tmp_path / "clip_Sports2D_px_person01.trc", 1.5)
    assert len(read_keypoints(tmp_path, (640, 480)).tracks) == 2
    with pytest.raises(InputError, match="in m, not in pixels"):
        read_keypoints(tmp_path / "clip_Sports2D_m_person00.trc", (640, 480))


def coco(order: tuple[int, ...] = (0, 1, 2, 3), **more: Any) -> dict[str, Any]:
    """Images whose ids are not in the order of time."""
    images = [{"id": 10 + order[t], "file_name": f"clip/frame_{t:06d}.jpg", "width": 640, "height": 480} for t in range(FRAMES)]
    annotations = [
        {"id": 77 - t, "image_id": 10 + order[t], "category_id": 1, "keypoints": flat(t), "num_keypoints": 17}
        for t in range(FRAMES)
    ]
    return {"info": {"fps": 30}, "images": images, "annotations": annotations, **more}


def test_cocos_images_are_in_the_order_of_their_names(tmp_path: Path) -> None:
    notes: list[str] = []
    is_the_figure(read(saved(tmp_path / "a.json", coco((3, 0, 2, 1))), notes))
    assert "not in the order of time" in notes[0]
    content = coco()
    for image in content["images"]:
        del image["file_name"]
    notes.clear()
    is_the_figure(read(saved(tmp_path / "a.json", content), notes))
    assert "that of the images' ids" in notes[0]
    for t, image in enumerate(content["images"]):
        image |= {"id": 13 - t, "frame_id": t}
    for t, annotation in enumerate(content["annotations"]):
        annotation["image_id"] = 13 - t
    is_the_figure(read(saved(tmp_path / "a.json", content)))


def test_cocos_flags_are_flags(tmp_path: Path) -> None:
    content = coco()
    for annotation in content["annotations"]:
        annotation["keypoints"][2::3] = [2] * 15 + [1, 0]
    notes: list[str] = []
    (track,) = read(saved(tmp_path / "a.json", content), notes).tracks
    assert track.keypoints[0, :, 2].tolist() == [1.0] * 15 + [0.5, 0.0]
    assert "flags" in notes[0]


def test_cocos_empty_annotations_are_passed_over(tmp_path: Path) -> None:
    content = coco()
    content["annotations"] += [
        {"id": 1, "image_id": 10, "category_id": 3, "bbox": [1, 2, 3, 4]},
        {"id": 2, "image_id": 10, "keypoints": [0] * 51, "num_keypoints": 0},
        {"id": 3, "image_id": 11, "keypoints": [], "iscrowd": 1},
    ]
    is_the_figure(read(saved(tmp_path / "a.json", content)))
    with pytest.raises(NobodyFoundError):
        read(saved(tmp_path / "b.json", coco() | {"annotations": []}))


def test_cocos_categories_name_the_points(tmp_path: Path) -> None:
    names = COCO_NAMES[::-1]
    content = coco(categories=[{"id": 1, "name": "person", "keypoints": list(names)}])
    for t, annotation in enumerate(content["annotations"]):
        annotation["keypoints"] = flat(t, names)
    is_the_figure(read(saved(tmp_path / "a.json", content)))


def test_sparse_images_of_coco_stay_where_they_are_in_time(tmp_path: Path) -> None:
    content = coco()
    for t, image in enumerate(content["images"]):
        image["file_name"] = f"{t * 10:06d}.jpg"
    notes: list[str] = []
    people = read(saved(tmp_path / "a.json", content), notes)
    assert np.flatnonzero(people.tracks[0].detected).tolist() == [0, 10, 20, 30]
    assert "10 apart" in notes[0]


@pytest.mark.parametrize("suffix", [".npz", ".npy"])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_arrays_of_all_layouts(suffix: str, layout: str, tmp_path: Path) -> None:
    rows, path = np.array([figure(LAYOUTS[layout], t) for t in range(FRAMES)]), tmp_path / f"a{suffix}"
    if suffix == ".npz":
        np.savez(path, keypoints2d=rows, notes=np.array([{"of": "mine"}], object))
    else:
        np.save(path, rows)
    is_the_figure(read(path), LAYOUTS[layout])


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]x",
        '{"a": 1}',
        "[1, 2]",
        '"text"',
        "null",
        '[{"instances": [{"keypoints": [[1, 2], [3]]}]}]',
        '{"frames": [7]}',
    ],
)
def test_other_documents_are_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InputError, match=r"a\.json"):
        read(tmp_path / "a.json")


def test_an_archive_is_to_be_unpacked(tmp_path: Path) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.json", "{}")
    with pytest.raises(InputError, match="Unpack it"):
        read(tmp_path / "a.zip")
