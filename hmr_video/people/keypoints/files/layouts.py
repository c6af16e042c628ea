"""The orders in which programs write a person's points, by their number or by their names, brought to our `LANDMARKS`."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hmr_video.errors import InputError
from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import LANDMARKS
from hmr_video.people.keypoints.files.evidence import FORMATS

_COUNT = len(LANDMARKS)
_COCO = tuple(range(17))
# Of 21 points of a hand, as OpenPose has them: the thumb's last joint, and the knuckles of index and little finger.
_HAND = (3, 5, 17)


def _hands(left: int, right: int) -> tuple[int, ...]:
    return tuple(start + point for start in (left, right) for point in _HAND)


# Number of points -> where each landmark lies among them; -1 where it is not there, and nothing for those at the end.
_LAYOUTS: dict[int, tuple[int, ...]] = {
    15: (-1, -1, -1, -1, -1, 5, 2, 6, 3, 7, 4, 11, 8, 12, 9, 13, 10),  # OpenPose's MPI
    16: (-1, -1, -1, -1, -1, 13, 12, 14, 11, 15, 10, 3, 2, 4, 1, 5, 0),  # MPII
    17: _COCO,
    18: (0, 15, 14, 17, 16, 5, 2, 6, 3, 7, 4, 11, 8, 12, 9, 13, 10),  # OpenPose's COCO
    23: tuple(range(23)),  # COCO-WholeBody without face and hands
    25: (0, 16, 15, 18, 17, 5, 2, 6, 3, 7, 4, 12, 9, 13, 10, 14, 11, 19, 20, 21, 22, 23, 24),  # OpenPose's BODY_25
    26: (*_COCO, 20, 22, 24, 21, 23, 25),  # Halpe
    29: tuple(range(29)),  # ours
    33: (0, 2, 5, 7, 8, *range(11, 17), *range(23, 29), 31, -1, 29, 32, -1, 30, 21, 19, 17, 22, 20, 18),  # BlazePose
    133: (*range(23), *_hands(91, 112)),  # COCO-WholeBody
    136: (*_COCO, 20, 22, 24, 21, 23, 25, *_hands(94, 115)),  # Halpe with face and hands
}
# Names of single points, without separators and case, beside those of LANDMARKS themselves.
_NAMES = {
    "footindex": "big_toe", "bigtoe": "big_toe", "smalltoe": "small_toe", "heel": "heel",
    "thumb3": "thumb", "thumb": "thumb", "forefinger1": "index", "index": "index", "pinkyfinger1": "little_finger",
    "pinky": "little_finger", "littlefinger": "little_finger",
    **{part: part for part in ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")},
}  # fmt: skip


def landmarks_of(points: Array, where: str, names: Sequence[str] | None = None) -> Array:
    """(K, 3) points of a person -> (29, 3); what is not there is zero. Raises InputError for an unknown layout."""
    found = np.zeros((_COUNT, 3))
    if names is not None and len(names) == len(points):
        places = {landmark: index for index, name in enumerate(names) if (landmark := _landmark(name)) is not None}
        if len(places) < 4:
            raise InputError(f"{where}: the points' names ({', '.join(names[:4])}, ...) are not known.", FORMATS)
        for landmark, index in places.items():
            found[landmark] = points[index]
        return found
    if len(points) not in _LAYOUTS:
        known = ", ".join(str(count) for count in _LAYOUTS)
        raise InputError(f"{where}: {len(points)} points, where {known} are known.", FORMATS)
    for landmark, index in enumerate(_LAYOUTS[len(points)]):
        if index >= 0:
            found[landmark] = points[index]
    return found


def hand_landmarks(points: Array, side: str) -> dict[int, Array]:
    """Landmarks by index from 21 points (21, 3) of a hand."""
    first = LANDMARKS.index(f"{side}_thumb")
    return {first + position: points[index] for position, index in enumerate(_HAND)}


def _landmark(name: str) -> int | None:
    """``LShoulder``, ``left_shoulder``, ``leftShoulder`` -> its index among LANDMARKS."""
    plain = re.sub("[^a-z0-9]", "", str(name).lower())
    if plain == "nose":
        return 0
    match = re.fullmatch(f"(?P<side>left|right|l|r)(?P<part>{'|'.join(_NAMES)})", plain)
    return LANDMARKS.index(f"{'left' if match['side'][0] == 'l' else 'right'}_{_NAMES[match['part']]}") if match else None


def points_of(values: Any, scores: Any, where: str) -> tuple[Array, list[str] | None]:
    """A person's points as files write them -> (K, 3) and their names where they stand beside them.

    ``values``: numbers in a row or in rows of two or three, by name or not, or objects with x and y. Without confidences, here or
    in ``scores``, points have 1, or 0 where they are at 0, 0 or have no number. Raises InputError.
    """
    names = None
    if isinstance(values, Mapping) and "x" not in values:
        names, values = [str(name) for name in values], list(values.values())
    elif isinstance(values, Mapping):
        values, scores = _columns(values, scores, where)
    elif isinstance(values, list) and values and isinstance(values[0], Mapping):
        stated = [next((point[key] for key in ("name", "part", "id") if key in point), "") for point in values]
        names = [str(name) for name in stated] if all(stated) else None
        values, scores = _columns({key: [_value(point, key) for point in values] for key in ("x", "y", "c")}, scores, where)
    table = _numbers(values, where)
    if table.size == 0:
        return np.zeros((0, 3)), None
    if table.ndim == 1:
        width = 3 if table.size % 3 == 0 and table.size // 3 in _LAYOUTS else 2
        if table.size % width:
            raise InputError(f"{where}: {table.size} numbers, which are not of known points.", FORMATS)
        table = table.reshape(-1, width)
    table = table.reshape(-1, table.shape[-1])
    if table.shape[1] not in (2, 3) or (table.shape[1] == 3 and scores is not None):
        raise InputError(f"{where}: points of {table.shape[1]} numbers, which seem to be 3D.", "Give 2D keypoints in pixels.")
    if table.shape[1] == 3:
        return table, names
    if scores is None:
        known = np.isfinite(table).all(1) & (table != 0).any(1)
        return np.column_stack([table, known]), names
    confidences = _numbers(scores, where).reshape(-1)
    if len(confidences) != len(table):
        raise InputError(f"{where}: {len(table)} points and {len(confidences)} confidences.", FORMATS)
    return np.column_stack([table, confidences]), names


def triples(values: Any, where: str) -> Array:
    """(K, 3) from x, y, confidence in a row. Raises InputError."""
    numbers = _numbers(values, where)
    if numbers.size % 3:
        raise InputError(f"{where}: {numbers.size} numbers, which are not of known points.", FORMATS)
    return numbers.reshape(-1, 3)


def _value(point: Mapping[str, Any], key: str) -> Any:
    """x, y or confidence (c) of a point that is an object."""
    keys = ("score", "confidence", "visibility", "visible", "c") if key == "c" else (key,)
    holder = point.get("position", point) if key != "c" else point
    return next((holder[each] for each in keys if each in holder), 1.0 if key == "c" else None)


def _columns(values: Mapping[str, Any], scores: Any, where: str) -> tuple[Array, Any]:
    """Lists of x and y, and of confidences."""
    if "x" not in values or "y" not in values:
        raise InputError(f"{where}: points without x and y.", FORMATS)
    stated = next((values[key] for key in ("visible", "confidence", "score", "scores", "c") if key in values), scores)
    return np.stack([_numbers(values["x"], where), _numbers(values["y"], where)], -1), stated


def _numbers(values: Any, where: str) -> Array:
    """float64; what is missing (null) becomes NaN, texts of numbers numbers. Raises InputError."""
    try:
        return np.asarray(values, np.float64)
    except (OverflowError, TypeError, ValueError) as error:
        raise InputError(f"{where}: not all keypoints are numbers.", FORMATS) from error
