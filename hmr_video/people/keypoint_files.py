"""2D keypoints from elsewhere instead of a video: NPZ, a folder of OpenPose JSON, or COCO keypoint JSON."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmr_video.errors import InputError
from hmr_video.motion import load_arrays
from hmr_video.people.assignment import assigned
from hmr_video.people.clean import fill
from hmr_video.people.detections import box_overlap
from hmr_video.people.joining import pose_distance
from hmr_video.people.tracks import People, Track

Array = NDArray[Any]

_FORMATS = "Give an NPZ with keypoints2d, a folder of OpenPose JSON, or a COCO keypoint JSON."
# Where COCO's 17 keypoints lie in OpenPose's two orders.
_BODY_25 = (0, 16, 15, 18, 17, 5, 2, 6, 3, 7, 4, 12, 9, 13, 10, 14, 11)
_COCO_18 = (0, 15, 14, 17, 16, 5, 2, 6, 3, 7, 4, 11, 8, 12, 9, 13, 10)
_BOX_MARGIN = 0.1  # of the keypoints' extent on each side: heads and feet reach beyond them
_VISIBLE = 0.05  # confidence from which a keypoint counts for the box
_MOST_FRAMES = 2_000_000  # nine hours at 60 a second
_LONGEST = 100_000.0  # seconds
_WIDEST = 100_000  # pixels


def read_keypoints(path: Path, image_size: tuple[int, int] | None = None, frame_rate: float | None = None) -> People:
    """People from a file of 2D keypoints. ``image_size`` and ``frame_rate`` fill in, or override, what the file states.

    Raises InputError, which names the place and, where a value is missing, the option that gives it.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path} does not exist.", "Check the path.")
    read = _read_openpose if path.is_dir() else _read_coco if path.suffix.lower() == ".json" else _read_npz
    try:
        return read(path, image_size, frame_rate)
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:  # a value of another kind
        raise InputError(
            f"{path} is not laid out as files of keypoints are ({type(error).__name__}: {error}).", _FORMATS
        ) from error


def track_from_keypoints(frame_ids: Array, keypoints: Array) -> Track:
    """A `Track` from frame ids (n,), ascending, gaps allowed, and keypoints (n, 17, 3); boxes around the keypoints.

    Raises InputError when the ids reach so far that filling the gaps would take all memory.
    """
    if frame_ids[-1] >= _MOST_FRAMES:
        raise InputError(f"There is a frame number {frame_ids[-1]}.", f"Number frames from 0 to below {_MOST_FRAMES}.")
    seen = (keypoints[:, :, 2] > _VISIBLE).sum(-1) >= 2
    frame_ids, keypoints = frame_ids[seen], keypoints[seen]
    return fill(frame_ids, boxes_around(keypoints), keypoints)


def boxes_around(keypoints: Array) -> Array:
    """(n, 17, 3), at least two keypoints of each visible -> (n, 4) x1 y1 x2 y2 with a margin."""
    visible = keypoints[:, :, 2:] > _VISIBLE
    low = np.where(visible, keypoints[:, :, :2], np.inf).min(1)
    high = np.where(visible, keypoints[:, :, :2], -np.inf).max(1)
    margin = _BOX_MARGIN * (high - low).max(-1, keepdims=True)
    return np.concatenate([low - margin, high + margin], 1)


def _read_npz(path: Path, image_size: tuple[int, int] | None, frame_rate: float | None) -> People:
    data = load_arrays(path)
    if "keypoints2d" not in data:
        raise InputError(f"{path} lacks keypoints2d.", _FORMATS)
    keypoints = _checked(data["keypoints2d"], str(path))
    frame_ids = np.asarray(data.get("frame_ids", np.arange(len(keypoints))))
    if (
        frame_ids.shape != (len(keypoints),)
        or frame_ids.dtype.kind not in "iu"
        or np.any(frame_ids[1:] <= frame_ids[:-1])
        or frame_ids[0] < 0
    ):
        raise InputError(f"{path}: frame_ids are not {len(keypoints)} ascending whole numbers from 0 on.", _FORMATS)
    for name in ("image_size", "mocap_frame_rate", "timestamps", "camera_matrix"):
        if name in data and data[name].dtype.kind not in "iuf":
            raise InputError(f"{path}: {name} is not of numbers.", _FORMATS)
    if image_size is None and "image_size" in data and data["image_size"].shape == (2,):
        image_size = (int(data["image_size"][0]), int(data["image_size"][1]))
    if frame_rate is None and "mocap_frame_rate" in data:
        frame_rate = float(data["mocap_frame_rate"])
    times = data.get("timestamps")
    known = (
        None if times is None or times.shape != frame_ids.shape else dict(zip(frame_ids.tolist(), times.tolist(), strict=True))
    )
    return _people([_nonempty(frame_ids, keypoints, path)], image_size, frame_rate, path, known, data.get("camera_matrix"))


def _nonempty(frame_ids: Array, keypoints: Array, path: Path) -> Track:
    if not np.any((keypoints[:, :, 2] > _VISIBLE).sum(-1) >= 2):
        raise InputError(f"{path} holds no frame with visible keypoints.", "Check the confidences: 0 means absent.")
    return track_from_keypoints(frame_ids, keypoints)


def _people(
    tracks: list[Track],
    image_size: tuple[int, int] | None,
    frame_rate: float | None,
    path: Path,
    known_times: dict[int, float] | None = None,
    camera_matrix: Array | None = None,
) -> People:
    if image_size is None or not 1 <= min(image_size) <= max(image_size) <= _WIDEST:
        raise InputError(f"{path} does not say how large the images are.", "Pass --image-size WIDTH HEIGHT.")
    if frame_rate is None or not 0 < frame_rate < np.inf:
        raise InputError(f"{path} does not say how many frames a second there are.", "Pass --frame-rate.")
    if not tracks:
        raise InputError(f"{path} holds no person.", _FORMATS)
    if camera_matrix is not None and (camera_matrix.shape != (3, 3) or not np.isfinite(camera_matrix).all()):
        raise InputError(f"{path}: camera_matrix is not a finite 3 x 3 matrix.", "Leave it out or mend it.")
    times = np.arange(1 + max(int(track.frame_ids[-1]) for track in tracks)) / frame_rate
    if known_times:
        ids = np.array(sorted(known_times))
        values = np.array([known_times[frame_id] for frame_id in ids])
        inside = np.arange(ids[0], min(ids[-1] + 1, len(times)))
        times[inside] = np.interp(inside, ids, values)
        times[: ids[0]] = values[0] - (ids[0] - np.arange(ids[0])) / frame_rate
    if not (np.diff(times) > 0).all() or not times[-1] - times[0] < _LONGEST:
        raise InputError(f"{path}: its times do not ascend, or over more than a day.", "Check timestamps and frame rate.")
    return People(sorted(tracks, key=lambda track: -track.size), image_size, frame_rate, times, camera_matrix)


def _checked(keypoints: Array, where: str) -> Array:
    """(n, 17, 3) float64; missing ones (NaN, or far outside of any picture) become zero. Raises InputError."""
    keypoints = np.asarray(keypoints)
    if keypoints.ndim != 3 or keypoints.shape[1:] != (17, 3) or keypoints.dtype.kind not in "fiu" or len(keypoints) == 0:
        raise InputError(f"{where}: keypoints of shape {keypoints.shape} where (T, 17, 3) is meant.", _FORMATS)
    keypoints = np.array(keypoints, np.float64)
    keypoints[~(np.abs(keypoints) < 2 * _WIDEST).all(-1)] = 0.0
    return keypoints


# --- JSON ---------------------------------------------------------------------------------------------------------------


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON ({error}).", _FORMATS) from error


def _read_openpose(folder: Path, image_size: tuple[int, int] | None, frame_rate: float | None) -> People:
    """One file per frame, numbered in its name; people are told apart by where they are."""
    files = sorted(path for path in folder.glob("*.json") if not path.name.startswith("."))
    numbers = [re.findall(r"[0-9]+", path.stem.removesuffix("_keypoints")) for path in files]
    if not files:
        raise InputError(f"{folder} holds no JSON file.", _FORMATS)
    frame_ids = [int(number[-1]) for number in numbers] if all(numbers) else list(range(len(files)))
    frames = [(frame_id, _openpose_people(path)) for frame_id, path in sorted(zip(frame_ids, files, strict=True))]
    tracks = [track_from_keypoints(*track) for track in associate(frames)]
    return _people(tracks, image_size, frame_rate, folder)


def _openpose_people(path: Path) -> Array:
    """(n, 17, 3) of one OpenPose file."""
    data = _json(path)
    people = data.get("people") if isinstance(data, dict) else None
    if not isinstance(people, list):
        raise InputError(f"{path} has no list of people.", "Give the JSON files that OpenPose writes.")
    found = []
    for position, person in enumerate(people):
        values = np.asarray(person.get("pose_keypoints_2d", []) if isinstance(person, dict) else [], dtype=object)
        order = {75: _BODY_25, 54: _COCO_18}.get(values.size)
        if order is None:
            raise InputError(
                f"{path}, person {position}: {values.size} numbers where 75 (BODY_25) or 54 (COCO) are meant.", _FORMATS
            )
        found.append(_checked(_numbers(values, f"{path}, person {position}").reshape(1, -1, 3)[:, list(order)], str(path))[0])
    return np.array(found).reshape(-1, 17, 3)


def _numbers(values: Any, where: str) -> Array:
    try:
        return np.asarray(values, np.float64)
    except (OverflowError, TypeError, ValueError) as error:
        raise InputError(f"{where}: not all keypoints are numbers.", _FORMATS) from error


def _read_coco(path: Path, image_size: tuple[int, int] | None, frame_rate: float | None) -> People:
    """Annotations refer to images, in the order of their ids; ``track_id`` tells people apart, else where they are."""
    data = _json(path)
    if not isinstance(data, dict) or not isinstance(data.get("annotations"), list) or not isinstance(data.get("images"), list):
        raise InputError(f"{path} lacks the lists images and annotations.", _FORMATS)
    images = sorted(data["images"], key=lambda image: image["id"])
    order = {image["id"]: position for position, image in enumerate(images)}
    sizes = {(image.get("width"), image.get("height")) for image in images} - {(None, None)}
    if image_size is None and len(sizes) > 1:
        raise InputError(f"{path} names images of {len(sizes)} sizes.", "Give the frames of one clip.")
    if image_size is None and sizes:
        image_size = sizes.pop()
    rows = []
    for position, annotation in enumerate(data["annotations"]):
        where = f"{path}, annotation {position}"
        values = _numbers(annotation.get("keypoints", []), where)
        if values.size != 51 or annotation.get("image_id") not in order:
            raise InputError(f"{where}: needs 51 keypoint numbers and the id of a listed image.", _FORMATS)
        rows.append((order[annotation["image_id"]], annotation.get("track_id"), _checked(values.reshape(1, 17, 3), where)[0]))
    tracks = [track_from_keypoints(*track) for track in _grouped(rows)]
    info = data.get("info")
    stated = info.get("fps") if isinstance(info, dict) else None
    return _people(tracks, image_size, frame_rate or stated, path)


@dataclass
class _Open:
    frame_ids: list[int]
    poses: list[Array]


def _grouped(rows: Sequence[tuple[int, Any, Array]]) -> list[tuple[Array, Array]]:
    """Annotations (frame, track id or None, keypoints) as tracks (frame ids, keypoints)."""
    if all(track is not None for _, track, _ in rows):
        tracks: dict[Any, dict[int, Array]] = {}
        for frame, track, pose in rows:
            tracks.setdefault(track, {})[frame] = pose
        return [(np.array(sorted(poses)), np.array([poses[frame] for frame in sorted(poses)])) for poses in tracks.values()]
    frames: dict[int, list[Array]] = {}
    for frame, _, pose in rows:
        frames.setdefault(frame, []).append(pose)
    return associate([(frame, np.array(poses)) for frame, poses in sorted(frames.items())])


def associate(frames: Sequence[tuple[int, Array]], patience: int = 30) -> list[tuple[Array, Array]]:
    """Tells people apart over frames (frame id, keypoints (n, 17, 3)) by overlap of boxes and distance of keypoints.

    Each pose continues the track that it is nearest to, one pose a track and frame; a track unseen for more than
    ``patience`` frames is closed. Returns (frame ids, keypoints) per track.
    """
    tracks: list[_Open] = []
    for frame_id, poses in frames:
        poses = poses[(poses[:, :, 2] > _VISIBLE).sum(-1) >= 2]
        alive = [track for track in tracks if frame_id - track.frame_ids[-1] <= patience]
        cost = _association_cost(np.array([track.poses[-1] for track in alive]).reshape(-1, 17, 3), poses)
        matched = {int(j): int(i) for i, j in assigned(cost) if cost[i, j] < 1}
        for position, pose in enumerate(poses):
            if position in matched:
                alive[matched[position]].frame_ids.append(frame_id)
                alive[matched[position]].poses.append(pose)
            else:
                tracks.append(_Open([frame_id], [pose]))
    return [(np.array(track.frame_ids), np.array(track.poses)) for track in tracks]


def _association_cost(tracks: Array, poses: Array) -> Array:
    """(m, 17, 3), (n, 17, 3) -> (m, n): 0 the same pose, 1 and above strangers."""
    if not len(tracks) or not len(poses):
        return np.zeros((len(tracks), len(poses)))
    old, new = boxes_around(tracks)[:, None], boxes_around(poses)[None]
    height = np.maximum(old[..., 3] - old[..., 1], new[..., 3] - new[..., 1])
    overlap = box_overlap(old, new)
    distance = np.minimum(pose_distance(tracks[:, None], poses[None], height) / 0.5, 2.0)
    return np.minimum(1.0 - overlap + 1e-9, distance)
