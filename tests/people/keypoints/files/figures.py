"""A figure of named points that moves, and how programs write it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hmr_video.console import Reporter
from hmr_video.geometry.skeleton import COCO_NAMES, LANDMARKS
from hmr_video.people.keypoints.files import read_keypoints
from hmr_video.people.track.tracks import People

FRAMES = 4
COCO = COCO_NAMES

BODY_25 = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist", "middle_hip",
    "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle", "right_eye", "left_eye", "right_ear",
    "left_ear", "left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel",
)  # fmt: skip
COCO_18 = (*BODY_25[:8], *BODY_25[9:19])
HALPE_26 = (
    *COCO_NAMES, "head", "neck", "middle_hip", "left_big_toe", "right_big_toe", "left_small_toe", "right_small_toe", "left_heel",
    "right_heel",
)  # fmt: skip
_FINGERS = ("thumb", "index", "middle", "ring", "little_finger")
HAND = ("root", *(f"{finger}{joint}" for finger in _FINGERS for joint in range(1, 5)))
HANDS = tuple(f"{side}_{point}" for side in ("left", "right") for point in HAND)
FACE = tuple(f"face{number}" for number in range(68))
LAYOUTS = {
    "COCO-17": COCO_NAMES,
    "OpenPose's COCO": COCO_18,
    "COCO with feet": LANDMARKS[:23],
    "BODY_25": BODY_25,
    "Halpe-26": HALPE_26,
    "COCO-WholeBody": (*LANDMARKS[:23], *FACE, *HANDS),
    "Halpe-136": (*HALPE_26, *FACE, *HANDS),
}
# Where our landmarks of the hands lie among the joints of fingers.
_JOINTS = {"thumb": "thumb3", "index": "index1", "little_finger": "little_finger1"}


def point(name: str, frame: int, x: float = 100.0) -> list[float]:
    """x, y and confidence of any named point: another for every name and frame."""
    known = {f"{side}_{joint}": f"{side}_{mark}" for side in ("left", "right") for mark, joint in _JOINTS.items()}
    name = known.get(name, name)
    place = LANDMARKS.index(name) if name in LANDMARKS else 40 + sum(map(ord, name)) % 50
    return [x + 2.0 * frame + place, 50.0 + 5 * place, 0.8]


def figure(layout: Sequence[str], frame: int, x: float = 100.0) -> list[list[float]]:
    """The points of a layout."""
    return [point(name, frame, x) for name in layout]


def landmarks(layout: Sequence[str], frames: int, x: float = 100.0) -> np.ndarray:
    """(T, 29, 3): what should be read; zero where the layout has no such point."""
    marks = {f"{side}_{mark}": f"{side}_{joint}" for side in ("left", "right") for mark, joint in _JOINTS.items()}
    known = set(layout) | {mark for mark, joint in marks.items() if joint in layout}
    return np.array([[point(name, t, x) if name in known else [0.0, 0, 0] for name in LANDMARKS] for t in range(frames)])


def flat(frame: int, layout: tuple[str, ...] = COCO) -> list[float]:
    return np.ravel(figure(layout, frame)).tolist()


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
