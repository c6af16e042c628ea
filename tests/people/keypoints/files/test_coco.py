"""COCO's annotations: order, flags, names of points, and what is empty."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from figures import (
    COCO,
    FRAMES,
    flat,
    is_the_figure,
    read,
    saved,
)

from hmr_video.errors import NobodyFoundError


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
    names = COCO[::-1]
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
