"""Documents and tables of many programs hold the same people."""

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from figures import (
    COCO,
    COCO_18,
    FRAMES,
    HALPE_26,
    LAYOUTS,
    figure,
    flat,
    is_the_figure,
    landmarks,
    point,
    read,
    saved,
)

from hmr_video.errors import InputError
from hmr_video.people.keypoints.files import read_keypoints


def scored(frame: int, layout: tuple[str, ...] = COCO) -> dict[str, Any]:
    """MMPose's person: points, and their scores apart."""
    points = figure(layout, frame)
    return {"keypoints": [row[:2] for row in points], "keypoint_scores": [row[2] for row in points], "bbox_score": 0.9}


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
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.json", "{}")
    with pytest.raises(InputError, match="Unpack it"):
        read(tmp_path / "a.zip")
