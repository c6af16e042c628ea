"""A finished result on disk: the folder with every person's NPZ, the summary, and what formats were asked for."""

import hashlib
import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hmr_video.console import Reporter
from hmr_video.errors import AssetError, InputError, OutputError
from hmr_video.export.registry import ExportOptions, check_formats, export, person_name
from hmr_video.files import replacing
from hmr_video.motion import Motion
from hmr_video.options import Options

if TYPE_CHECKING:
    from hmr_video.body import Body
    from hmr_video.pipeline import Reconstruction

CAMERA = "camera.json"
SUMMARY = "summary.json"
NAME_BYTES = 255  # of a file or folder, on most file systems
_VERSIONS = ("hmr-video", "torch", "ultralytics", "numpy")


def result_folder(source: Path, output: Path, reporter: Reporter, named: Path | None = None, hallucinated: bool = False) -> Path:
    """Where the result of a source goes: into a folder of ``output`` named after it (or after ``named``), whatever its name is.

    Where another source's result stands there, or one of the same source that came about otherwise (``hallucinated``), the
    extension stays (``a.mov``, else ``a.mov~0123456789``), with a note.
    """
    path = Path(os.path.abspath(named or source))  # of `.` and `photos/..` too the name is that of the folder meant
    folders = [output / name for name in folder_names(path.name or "root", str(path))]
    owners = [_owner(folder) for folder in folders]
    own = str(source.resolve()), hallucinated
    chosen = owners.index(own) if own in owners else owners.index(None) if None in owners else len(folders) - 1
    if chosen > 0 and owners[0] is not None:
        other, guessed = owners[0]
        made = "what was hallucinated from" if guessed else "the result of"
        reporter.note(f"{folders[0]} holds {made} {other}; this one goes to {folders[chosen]}.")
    return folders[chosen]


def folder_names(name: str, key: str) -> list[str]:
    """What the folder of a source called ``name`` may be called, the best first; ``key`` tells it from all others.

    >>> folder_names("a.mp4", "walks/a.mp4")
    ['a', 'a.mp4', 'a.mp4~3b1e9fe858']
    """
    unique = f"~{short_hash(key)}"
    stem = PurePath(name).stem
    lone = [stem] if stem not in ("", ".", "..") else []  # a video may be called `...mp4`
    return [*lone, name, os.fsdecode(os.fsencode(name)[: NAME_BYTES - len(unique)]) + unique]


def short_hash(name: str) -> str:
    """Ten hexadecimal digits of a name."""
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:10]


def _owner(folder: Path) -> tuple[str, bool] | None:
    """The source of the result in a folder, and whether it was hallucinated; None where there is none that tells."""
    try:
        record = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        return str(record["source"]), bool(record["options"]["hallucinate"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def check_output(folder: Path, overwrite: bool) -> None:
    """Raises OutputError now rather than after the work: when ``folder`` exists (and may not be replaced) or cannot be made.

    Makes nothing.
    """
    if folder.exists():
        if not (folder / SUMMARY).is_file():
            raise OutputError(f"{folder} exists and is not a result of hmr-video.", "Choose another output folder.")
        if not overwrite:
            raise OutputError(
                f"{folder} holds a result already.", "Pass --overwrite to replace it, or choose another output folder."
            )
    there = next(parent for parent in Path(os.path.abspath(folder)).parents if os.path.lexists(parent))
    if not there.is_dir():
        raise OutputError(f"{there} is a file.", "Choose another output folder.")
    if not os.access(there, os.W_OK):
        raise OutputError(f"{there} cannot be written to.", "Choose another output folder, or change its permissions.")


def write_result(
    result: "Reconstruction",
    source: Path,
    folder: Path,
    options: Options,
    formats: Sequence[str],
    reporter: Reporter,
    overwrite: bool = False,
    video: Path | None = None,
    rig: str = "smpl",
) -> dict[str, Any]:
    """Writes it all, or nothing; returns the summary. ``video`` is what overlays and pages show. Raises OutputError."""
    check_formats(formats)
    with replacing(folder, overwrite) as temporary:
        temporary.mkdir()
        for index, motion in enumerate(result.motions):
            motion.save(temporary / f"{person_name(index)}.npz")
        wanted = ExportOptions(
            video=video,
            start=options.start,
            end=options.end,
            every=options.every,
            source_rate=options.frame_rate,
            rig=rig,
            reporter=reporter,
        )
        export(result.motions, result.models.body, temporary, formats, wanted)
        if result.motions[0].world_from_camera is not None:
            write_camera(result.motions, temporary / CAMERA)
        record = summary(result, source, options, reporter, video)
        text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
        (temporary / SUMMARY).write_text(text, encoding="utf-8", errors="backslashreplace")  # names that are not UTF-8
    return record


def write_camera(motions: Sequence[Motion], path: Path) -> None:
    """What the camera did, in the world: one pose a frame that shows somebody, and its focal length."""
    frames: dict[int, dict[str, Any]] = {}
    for motion in motions:
        poses = np.asarray(motion.world_from_camera, np.float64).round(6)
        for frame, time, pose, factor in zip(motion.frame_ids, motion.timestamps, poses, motion.zooms, strict=True):
            focal = round(float(motion.camera_matrix[0, 0] * factor), 3)
            frames[int(frame)] = {"frame": int(frame), "time": float(time), "focal": focal, "world_from_camera": pose.tolist()}
    first = motions[0]
    record = {
        "image_size": [int(length) for length in first.image_size],
        "centre": [float(length) for length in first.camera_matrix[:2, 2]],
        "axes": "camera: x right, y down, z forward; world: y up, metres, the floor at y = 0",
        "frames": [frames[number] for number in sorted(frames)],
    }
    path.write_text(json.dumps(record) + "\n", encoding="utf-8")


def summary(
    result: "Reconstruction", source: Path, options: Options, reporter: Reporter, video: Path | None = None
) -> dict[str, Any]:
    """What ``summary.json`` holds. ``source``: what was converted, which is no ``video`` when it was a keypoint file."""
    from hmr_video.reconstruction.quality import assess  # and torch, which who only asks about outputs need not wait for

    total = len(result.people.timestamps)
    people = [
        {"file": f"{person_name(index)}.npz", "coverage": round(len(motion) / total, 4)}
        | assess(motion, faces=bool(result.people.engine))
        for index, motion in enumerate(result.motions)
    ]
    doubtful = [str(number) for number, person in enumerate(people, 1) if not person["reliable"]]
    if doubtful:
        reporter.note(f"Do not rely on person {', '.join(doubtful)}: hardly seen, or the body does not fit what is seen.")
    first = result.motions[0]
    return {
        "source": str(source.resolve()),
        "video": None if video is None else str(video.resolve()),
        "versions": {name: version(name) for name in _VERSIONS} | {"python": platform.python_version()},
        "weights": {"name": result.models.metadata.get("name", options.weights), "sha256": result.models.weights_hash},
        "body": {"name": first.body, "sha256": first.body_hash},
        "engine": result.people.engine,
        "device": result.models.device,
        "landmarks": result.people.landmark_network or "none",
        "options": asdict(options),
        "frames": total,
        "frame_rate": result.people.frame_rate,
        "image_size": [int(size) for size in result.people.image_size],
        "focal": float(first.camera_matrix[0, 0]),
        "camera": None if result.camera is None else result.camera.kind,
        "people": people,
        "warnings": list(reporter.notes),
    }


class Result(NamedTuple):
    """A finished result: its people, person 1 first, and what is told of the video that they came from: fields of
    :class:`~hmr_video.export.registry.ExportOptions`."""

    motions: list[Motion]
    footage: dict[str, Any]


def read_result(folder: Path, video: Path | None = None) -> Result:
    """The people of a folder with `person_NN.npz`, and what its `summary.json`, where there is one, tells of their video.

    ``video``: where that is now. Raises InputError where there is no result, or a damaged one.
    """
    remedy = "Name a folder that `hmr-video convert` has made."
    if not folder.is_dir():
        raise InputError(f"{folder} {'is a file where a folder is meant' if folder.exists() else 'does not exist'}.", remedy)
    files = sorted(folder.glob("person_[0-9]*.npz"), key=lambda file: (len(file.name), file.name))
    if not files:
        raise InputError(f"{folder} holds no person_NN.npz.", remedy)
    footage = _footage(folder / SUMMARY) | ({} if video is None else {"video": video})
    return Result([Motion.load(file) for file in files], footage)


def body_of(motions: list[Motion]) -> "Body":
    """The body that the people were fitted with. Raises AssetError when it is not here, or not the same any more."""
    from hmr_video.body import load_body

    body = load_body(motions[0].body)
    if body.hash != motions[0].body_hash:
        raise AssetError(
            f"The body called {body.name} is not the one that this result was made with.",
            "Convert the video again with this body.",
        )
    return body


def _footage(summary: Path) -> dict[str, Any]:
    """The video, None where it is no more, and what of it was converted, as the summary tells."""
    if not summary.is_file():
        return {}
    try:
        record = json.loads(summary.read_text(encoding="utf-8"))
        named, options = record.get("video"), record.get("options", {})
        end, rate = (None if options.get(name) is None else float(options[name]) for name in ("end", "frame_rate"))
        start, every = float(options.get("start", 0.0)), int(options.get("every", 1))
        video = Path(named) if isinstance(named, str) and Path(named).exists() else None
    except (ValueError, TypeError, AttributeError, OSError, OverflowError, RecursionError) as error:
        raise InputError(f"{summary} cannot be read ({type(error).__name__}).", "Convert the video again.") from error
    return {"video": video, "start": start, "end": end, "every": every, "source_rate": rate}
