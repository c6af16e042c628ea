"""`read_keypoints`: any file of 2D keypoints in, `People` out."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hmr_video.console import Reporter
from hmr_video.errors import InputError, NobodyFoundError, UsageError
from hmr_video.geometry import Array
from hmr_video.people.keypoints.files.arrays import read_npz, read_trc
from hmr_video.people.keypoints.files.checks import STATED_CONFIDENCE, WIDEST, check_pixels, checked_points
from hmr_video.people.keypoints.files.evidence import FORMATS, Evidence, Pose
from hmr_video.people.keypoints.files.frames import frame_of, people_of, read_folder, read_frames
from hmr_video.people.keypoints.files.images import read_by_image, read_coco, read_results
from hmr_video.people.keypoints.files.linking import BODY, MOST_FRAMES, linked, track_from_keypoints
from hmr_video.people.keypoints.files.text import read_json
from hmr_video.people.track.tracks import People
from hmr_video.video.reader import Selection

_LONGEST = 100_000.0  # seconds


def read_keypoints(
    path: Path,
    image_size: tuple[int, int] | None = None,
    frame_rate: float | None = None,
    selection: Selection | None = None,
    limit: int | None = None,
    reporter: Reporter | None = None,
) -> People:
    """People from a file of 2D keypoints, largest on screen first.

    ``image_size`` and ``frame_rate`` fill in, or override, what the file states. ``selection``: the part in time, and every n-th
    frame, as of a video. ``limit``: how many of the largest people. Raises InputError, which names the place and, where a value
    is missing, the option that gives it; NobodyFoundError; UsageError.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path} does not exist.", "Check the path.")
    if frame_rate is not None and not 0 < frame_rate < np.inf:
        raise UsageError(f"{frame_rate} is no frame rate.", "Give frames per second, above 0.")
    try:
        evidence = _read(path)
        evidence.image_size = image_size or evidence.image_size
        if frame_rate is not None:
            evidence.frame_rate, evidence.times = frame_rate, {}
        people = _people(evidence, path, selection or Selection(), limit)
    except (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError) as error:  # a value of another kind
        raise InputError(
            f"{path} is not laid out as files of keypoints are ({type(error).__name__}: {str(error)[:200]}).", FORMATS
        ) from error
    for note in evidence.notes:
        if reporter is not None:
            reporter.note(note)
    return people


def _read(path: Path) -> Evidence:
    if path.is_dir():
        return _read_folder(path)
    name = path.name.lower().removesuffix(".gz")
    if name.endswith((".json", ".jsonl")):
        return _read_json(path)
    if name.endswith(".trc"):
        return read_trc([path])
    if name.endswith(".zip") or (not name.endswith((".npz", ".npy")) and zipfile.is_zipfile(path)):
        raise InputError(f"{path} is an archive.", "Unpack it, and give the folder.")
    return read_npz(path)


def _read_folder(folder: Path) -> Evidence:
    """A folder of JSON or TRC files; or one that holds nothing but such a folder, as archives unpack."""
    files = sorted(path for path in folder.iterdir() if path.name.lower().endswith((".json", ".json.gz")))
    files = [path for path in files if not path.name.startswith(".")]
    if files:
        return _read_json(files[0]) if len(files) == 1 else read_folder(folder, files)
    tables = sorted(folder.glob("*.trc"))
    if tables:
        return read_trc([table for table in tables if "_px" in table.stem] or tables)
    inside = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__"))]
    if len(inside) == 1:
        return _read_folder(inside[0])
    raise InputError(f"{folder} holds no JSON file.", f"Name one of the folders in it. {FORMATS}" if inside else FORMATS)


def _read_json(path: Path) -> Evidence:
    """Whatever kind of JSON it is, by what it holds."""
    data, where = read_json(path), str(path)
    if isinstance(data, Mapping):
        if isinstance(data.get("annotations"), list) and isinstance(data.get("images"), list):
            return read_coco(data, where)
        if isinstance(data.get("annotations"), list):
            return read_results(data["annotations"], where)
        for frames in ("instance_info", "frames", "predictions", "results"):
            if isinstance(data.get(frames), list) and not _is_person(data[frames][:1]):
                return read_frames(data[frames], where, _point_names(data))
        if people_of(data) is not None:
            return read_frames([data], where, _point_names(data))
        if data and all(people_of(frame) is not None for frame in data.values()):
            return read_by_image(data, where)
    if isinstance(data, list):
        if not data:
            return Evidence([], 0)
        if all(isinstance(entry, Mapping) and frame_of(entry) is not None and people_of(entry) is None for entry in data):
            return read_results(data, where)
        if _is_person(data):
            return read_frames([data], where)
        if _depth(data) == 3:  # frames of points: one person
            return read_frames([{"people": [points]} for points in data], where)
        if _depth(data) == 4:
            return read_frames([{"people": people} for people in data], where)
        return read_frames(data, where)
    raise InputError(f"{path} holds no keypoints that are known.", FORMATS)


def _is_person(entries: list[Any]) -> bool:
    return bool(entries) and people_of(entries) is not None


def _depth(value: Any) -> int:
    """How deep lists are nested, by the first that is not empty at each level."""
    depth = 0
    while isinstance(value, list):
        depth += 1
        value = next((each for each in value if not isinstance(each, list) or each), None)
    return depth if not isinstance(value, Mapping) else 0


def _point_names(data: Mapping[str, Any]) -> list[str] | None:
    """The points' names in the order of MMPose's description of the data, where there is one."""
    meta = data.get("meta_info")
    names = meta.get("keypoint_id2name") if isinstance(meta, Mapping) else None
    if not isinstance(names, Mapping):
        return None
    return [str(names[key]) for key in sorted(names, key=int)]


def _people(evidence: Evidence, path: Path, selection: Selection, limit: int | None) -> People:
    """Checked, told apart, and cut to the wanted part."""
    where = str(path)
    points = checked_points(evidence, where)
    seen = (points[:, :BODY, 2] > STATED_CONFIDENCE).sum(-1) >= 2
    if not seen.any():
        raise NobodyFoundError(f"{path} holds no person with visible keypoints.", "Check the confidences: 0 means absent.")
    size, rate = evidence.image_size, evidence.frame_rate
    if size is None or not 1 <= min(size) <= max(size) <= WIDEST:
        raise InputError(f"{path} does not say how large the images are.", "Pass --image-size WIDTHxHEIGHT.")
    if rate is None or not 0 < rate < np.inf:
        raise InputError(f"{path} does not say how many frames a second there are.", "Pass --frame-rate.")
    matrix = evidence.camera_matrix
    if matrix is not None and (matrix.shape != (3, 3) or not np.isfinite(matrix).all()):
        raise InputError(f"{path}: camera_matrix is not a finite 3 x 3 matrix.", "Leave it out or mend it.")
    odd = check_pixels(points[seen], size, where)
    evidence.notes += [odd] if odd else []
    poses = [Pose(pose.frame, own, pose.who) for pose, own, there in zip(evidence.poses, points, seen, strict=True) if there]
    times = _times(evidence, rate, path)
    poses, times = _selected(poses, times, selection, path)
    tracks, notes = linked(poses, where)
    evidence.notes += notes
    found = sorted((track_from_keypoints(*track) for track in tracks), key=lambda track: -track.size)[:limit]
    return People(found, (int(size[0]), int(size[1])), rate / selection.every, times, matrix)


def _times(evidence: Evidence, rate: float, path: Path) -> Array:
    """(N,) seconds of all frames. Raises InputError."""
    count = max(evidence.frames, 1 + max(pose.frame for pose in evidence.poses))
    if count > MOST_FRAMES:
        raise InputError(f"There is a frame number {count - 1}.", f"Number frames from 0 to below {MOST_FRAMES}.")
    times = np.arange(count) / rate
    if evidence.times:
        ids = np.array(sorted(evidence.times))
        values = np.array([evidence.times[frame_id] for frame_id in ids])
        inside = np.arange(ids[0], ids[-1] + 1)
        times[inside] = np.interp(inside, ids, values)
        times[: ids[0]] = values[0] - (ids[0] - np.arange(ids[0])) / rate
        times[ids[-1] + 1 :] = values[-1] + np.arange(1, count - ids[-1]) / rate
    if not (np.diff(times) > 0).all() or not times[-1] - times[0] < _LONGEST:
        raise InputError(f"{path}: its times do not ascend, or over more than a day.", "Check timestamps and frame rate.")
    return times


def _selected(poses: list[Pose], times: Array, selection: Selection, path: Path) -> tuple[list[Pose], Array]:
    """The poses of the wanted part, and the times by its frame numbers: those of `Selection`."""
    begin = times[0] + selection.start - 1e-6
    end = np.inf if selection.end is None else times[0] + selection.end - 1e-6
    wanted = (times >= begin) & (times < end) & (np.arange(len(times)) % selection.every == 0)
    if not wanted.any():
        raise InputError(
            f"No frame of {path} lies in the selected time; its last one is at {times[-1] - times[0]:.3f} s.",
            "Choose --start and --end inside of it.",
        )
    chosen = [Pose(pose.frame // selection.every, pose.points, pose.who) for pose in poses if wanted[pose.frame]]
    if not chosen:
        raise NobodyFoundError(f"Nobody is seen in {path} in the selected time.", "Choose another --start and --end.")
    last = int(np.flatnonzero(wanted)[-1])
    return chosen, times[: last + 1 : selection.every]
