"""JSON of frames and the people in them: OpenPose's files, one a frame, and lists of frames as MMPose and others write them."""

import re
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hmr_video.errors import InputError
from hmr_video.geometry import Array
from hmr_video.people.keypoints.files.evidence import FORMATS, Evidence, Pose
from hmr_video.people.keypoints.files.layouts import hand_landmarks, landmarks_of, points_of, triples
from hmr_video.people.keypoints.files.numbering import frame_numbers, from_zero
from hmr_video.people.keypoints.files.text import read_json

_PEOPLE = ("people", "instances", "persons", "bodies", "predictions", "detections")
_POINTS = (
    "pose_keypoints_2d", "pose_keypoints", "keypoints_2d", "keypoints", "keypoints2d", "pred_keypoints", "pose_landmarks",
    "body_parts", "joints",
)  # fmt: skip
_SCORES = ("keypoint_scores", "keypoints_scores", "kp_score", "scores")
NUMBERS = ("frame_id", "frame_index", "frame_idx", "frame_number", "frame")
_IMAGES = ("image_id", "image", "image_name", "file_name", "filename", "img_path")
_WHO = ("track_id", "person_id", "idx", "id")


def read_folder(folder: Path, files: list[Path]) -> Evidence:
    """One file per frame, numbered in its name, as OpenPose, AlphaPose and MMPose write them."""
    names = [re.sub(r"(_keypoints)?\.json(\.gz)?$", "", path.name, flags=re.IGNORECASE) for path in files]
    numbers, notes = frame_numbers(names, str(folder))
    numbers, counted = from_zero(numbers, str(folder))
    layout, poses = Layout(), []
    for number, path in zip(numbers, files, strict=True):
        people = people_of(read_json(path))
        if people is None:
            raise InputError(f"{path} has no list of people.", "Give the JSON files that OpenPose writes.")
        poses += poses_of(people, number, str(path), layout)
    return Evidence(poses, max(numbers) + 1, notes=notes + counted)


def people_of(content: Any) -> list[Any] | None:
    """The people of one frame, where this is a frame: an object with a list of them, or the list itself."""
    if isinstance(content, Mapping):
        return next((content[key] for key in _PEOPLE if isinstance(content.get(key), list)), None)
    if not isinstance(content, list) or not all(isinstance(one, Mapping) and _has_points(one) for one in content):
        return None
    return content if len({str(frame_of(one)) for one in content}) <= 1 else None


def frame_of(entry: Mapping[str, Any]) -> Any:
    """What an entry says of the frame that it belongs to: a number, or an image's name; None where it says nothing."""
    return _first(entry, (*_IMAGES, *NUMBERS))


def read_frames(frames: list[Any], where: str, names: list[str] | None = None, whole: bool = True) -> Evidence:
    """A list of frames, each an object or a list of people.

    ``names``: of the points, where the file tells them. ``whole``: frames without people are in the list, too.
    """
    people = [people_of(frame) for frame in frames]
    if any(one is None for one in people):
        position = people.index(None)
        raise InputError(f"{where}: entry {position} is no frame with people.", FORMATS)
    numbers, notes = _numbers(frames, where, whole)
    layout, poses = Layout(), []
    for number, (position, found) in zip(numbers, enumerate(people), strict=True):
        poses += poses_of(found or [], number, f"{where}, frame {position}", layout, names)
    return Evidence(poses, max(numbers, default=-1) + 1, notes=notes)


def _numbers(frames: list[Any], where: str, whole: bool) -> tuple[list[int], list[str]]:
    """Of each frame: its own number, or that in its image's name, or its place."""
    for keys in (NUMBERS, _IMAGES):
        stated = [_first(frame, keys) if isinstance(frame, Mapping) else None for frame in frames]
        if frames and all(isinstance(value, int | str) and not isinstance(value, bool) for value in stated):
            numbers, notes = frame_numbers([Path(str(value)).stem for value in stated], where)
            counted, said = from_zero(numbers, where) if whole else (numbers, [])
            return counted, notes + said
    return list(range(len(frames))), []


class Layout:
    """How many points the people of a file have: all the same."""

    def __init__(self) -> None:
        self._count = 0

    def check(self, count: int, where: str) -> None:
        """Raises InputError."""
        self._count = self._count or count
        if count != self._count:
            raise InputError(f"{where} has {count} points, and others have {self._count}.", FORMATS)


def poses_of(people: list[Any], frame: int, where: str, layout: Layout, names: list[str] | None = None) -> list[Pose]:
    """The people of one frame who have points."""
    poses = []
    for position, person in enumerate(people):
        place = f"{where}, person {position}"
        points = _person(person, place, layout, names)
        if points is not None:
            poses.append(Pose(frame, points, who_of(person) if isinstance(person, Mapping) else None))
    return poses


def who_of(person: Mapping[str, Any]) -> Hashable:
    """What the file calls a person, where it tells them apart; -1 is OpenPose's word for that it does not."""
    value = _first(person, _WHO)
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value if isinstance(value, int | float | str) and value != -1 else None


def _person(person: Any, where: str, layout: Layout, names: list[str] | None) -> Array | None:
    """(29, 3), or None of somebody without points."""
    if not isinstance(person, Mapping):
        person = {"keypoints": person}
    points, own = points_of(_first(person, _POINTS) or [], _first(person, _SCORES), where)
    if len(points) == 0:
        if any(np.size(person.get(key) or []) for key in ("pose_keypoints_3d", "keypoints_3d")):
            raise InputError(f"{where} has 3D keypoints only.", "Give 2D keypoints in pixels, of one camera.")
        return None
    layout.check(len(points), where)
    found = landmarks_of(points, where, own or names)
    feet = triples(person.get("foot_kpts") or [], where)
    if len(feet) == 6:  # of COCO-WholeBody's annotations
        found[17:23] = feet
    for side in ("left", "right"):
        hand = triples(person.get(f"hand_{side}_keypoints_2d") or person.get(f"{side}hand_kpts") or [], where)
        if len(hand) == 21:
            for index, point in hand_landmarks(hand, side).items():
                found[index] = point
    return found


def _has_points(person: Mapping[str, Any]) -> bool:
    return any(key in person for key in _POINTS)


def _first(values: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    return next((values[key] for key in keys if values.get(key) is not None), None)
