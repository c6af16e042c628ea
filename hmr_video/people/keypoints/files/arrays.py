"""Keypoints as arrays, NPZ and NPY, and as tables of Sports2D (TRC)."""

from pathlib import Path

import numpy as np

from hmr_video.errors import InputError
from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import LANDMARKS
from hmr_video.motion import load_arrays
from hmr_video.people.keypoints.files.evidence import FORMATS, Evidence, Pose
from hmr_video.people.keypoints.files.layouts import landmarks_of, points_of
from hmr_video.people.keypoints.files.text import read_bytes

_KEYS = ("keypoints2d", "landmarks2d", "frame_ids", "image_size", "mocap_frame_rate", "timestamps", "camera_matrix")
_ALSO = ("keypoints", "keypoints_2d")  # what others call the first
_SCORES = ("keypoint_scores", "scores")  # and where they put confidences, (T, K)


def read_npz(path: Path) -> Evidence:
    """``keypoints2d`` (T, K, 3) or (T, K, 2), and what else a result of this tool holds; only the first is needed."""
    data = (
        {"keypoints2d": _load_npy(path)} if path.suffix.lower() == ".npy" else dict(load_arrays(path, (*_KEYS, *_ALSO, *_SCORES)))
    )
    keypoints = next((data[name] for name in (_KEYS[0], *_ALSO) if name in data), None)
    if keypoints is None:
        raise InputError(f"{path} lacks keypoints2d.", FORMATS)
    if keypoints.ndim != 3 or keypoints.dtype.kind not in "fiu" or len(keypoints) == 0 or keypoints.shape[2] not in (2, 3):
        raise InputError(f"{path}: keypoints of shape {keypoints.shape} where (T, 17, 3) is meant.", FORMATS)
    for name in _KEYS[1:]:
        if name in data and data[name].dtype.kind not in "iuf":
            raise InputError(f"{path}: {name} is not of numbers.", FORMATS)
    frame_ids = data.get("frame_ids", np.arange(len(keypoints)))
    if (
        frame_ids.shape != (len(keypoints),)
        or frame_ids.dtype.kind not in "iu"
        or np.any(frame_ids[1:] <= frame_ids[:-1])
        or frame_ids[0] < 0
    ):
        raise InputError(f"{path}: frame_ids are not {len(keypoints)} ascending whole numbers from 0 on.", FORMATS)
    scores = next((data[name] for name in _SCORES if name in data and data[name].shape == keypoints.shape[:2]), None)
    if scores is not None and keypoints.shape[2] == 2:
        keypoints = np.concatenate([keypoints, scores[..., None]], -1)
    rows = [landmarks_of(points_of(row, None, str(path))[0], str(path)) for row in keypoints]
    beyond = data.get("landmarks2d")
    if beyond is not None and beyond.shape == (len(rows), len(LANDMARKS), 3):
        rows = [np.concatenate([row[:17], more[17:]]) for row, more in zip(rows, beyond, strict=True)]
    poses = [Pose(int(frame), row, "the only one") for frame, row in zip(frame_ids, rows, strict=True)]
    size, rate, times = (data.get(name) for name in ("image_size", "mocap_frame_rate", "timestamps"))
    known = times is not None and times.shape == frame_ids.shape
    return Evidence(
        poses,
        int(frame_ids[-1]) + 1,
        None if size is None or size.size != 2 else (int(size.ravel()[0]), int(size.ravel()[1])),
        None if rate is None or rate.size != 1 else float(rate.ravel()[0]),
        dict(zip(frame_ids.tolist(), times.tolist(), strict=True)) if known and times is not None else {},
        data.get("camera_matrix"),
    )


def _load_npy(path: Path) -> Array:
    try:
        return np.asarray(np.load(path, allow_pickle=False))
    except Exception as error:  # headers and pickles are refused in many ways
        raise InputError(f"{path} cannot be read as NPY ({type(error).__name__}).", FORMATS) from error


def read_trc(files: list[Path]) -> Evidence:
    """Sports2D's tables in pixels, one a person: columns x, y, z of points by name, without confidences."""
    poses: list[Pose] = []
    times: dict[int, float] = {}
    rates = set()
    for path in files:
        rate, names, numbers, seconds, table = _read_trc(path)
        rates.add(rate)
        times |= dict(zip(numbers, seconds, strict=True))
        for frame, row in zip(numbers, table, strict=True):
            known = np.isfinite(row[:, :2]).all(1) & (row[:, :2] != 0).any(1)
            points = landmarks_of(np.column_stack([row[:, :2], known]), str(path), names)
            poses.append(Pose(frame, points, path.name))
    if len(rates) > 1:
        raise InputError(f"{files[0].parent} has tables of {len(rates)} frame rates.", "Give the tables of one video.")
    return Evidence(poses, max(times) + 1, frame_rate=rates.pop(), times=times)


def _read_trc(path: Path) -> tuple[float, list[str], list[int], list[float], Array]:
    """Frames a second, names of points, frame numbers from 0, seconds, and (T, K, 3)."""
    try:
        lines = read_bytes(path).decode("utf-8-sig", "replace").splitlines()
        keys, values = lines[1].split("\t"), lines[2].split("\t")
        stated = {key.strip(): value.strip() for key, value in zip(keys, values, strict=False)}
        rate = float(stated["DataRate"])
        names = [name.strip() for name in lines[3].split("\t")[2:] if name.strip()]
        rows = [line.rstrip("\r\n").split("\t") for line in lines[5:] if line.strip()]
        width = 2 + 3 * len(names)
        cells = [[float(cell) if cell.strip() else np.nan for cell in (row + [""] * width)[:width]] for row in rows]
        table = np.array(cells).reshape(-1, width)
        if not rows or rate <= 0 or not np.isfinite(table[:, :2]).all():
            raise ValueError("no frames")
    except (OSError, EOFError, IndexError, KeyError, ValueError) as error:
        raise InputError(f"{path} is no TRC file ({error}).", "Give Sports2D's TRC file in pixels, *_px_person*.trc.") from error
    if "_px" not in path.stem and stated.get("Units", "") != "px":
        raise InputError(
            f"{path} is in {stated.get('Units') or 'unknown units'}, not in pixels.",
            "Give Sports2D's TRC file in pixels, *_px_person*.trc.",
        )
    seconds = table[:, 1].tolist()
    return rate, names, [round(second * rate) for second in seconds], seconds, table[:, 2:].reshape(len(table), -1, 3)
