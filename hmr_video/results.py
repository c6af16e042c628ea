"""A finished result on disk: the folder with every person's NPZ, the summary, and what formats were asked for."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hmr_video.console import Reporter
from hmr_video.errors import OutputError
from hmr_video.export.registry import ExportOptions, check_formats, export, person_name
from hmr_video.files import replacing
from hmr_video.gait import SLOW, stride_seconds
from hmr_video.options import Options

if TYPE_CHECKING:
    from hmr_video.pipeline import Reconstruction

SUMMARY = "summary.json"
_VERSIONS = ("hmr-video", "torch", "ultralytics", "numpy")


def result_folder(source: Path, output: Path) -> Path:
    """Where the result of a source goes: into a folder of ``output`` named after it, whatever its name is."""
    path = Path(os.path.abspath(source))  # of `.` and `photos/..` too the name is that of the folder meant
    name = path.stem if path.stem not in (".", "..") else path.name  # a video may be called `...mp4`
    return output / (name or "root")


def check_output(folder: Path, overwrite: bool) -> None:
    """Raises OutputError now rather than after the work: when ``folder`` exists (and may not be replaced) or cannot be made.

    It says whose result stands there: two sources may have one name (``a.mkv`` and ``a.mov``).
    """
    if folder.exists():
        if not (folder / SUMMARY).is_file():
            raise OutputError(f"{folder} exists and is not a result of hmr-video.", "Choose another output folder.")
        if not overwrite:
            raise OutputError(
                f"{folder} holds a result already{_whose(folder / SUMMARY)}.",
                "Pass --overwrite to replace it, or choose another output folder with -o.",
            )
    there = next(place for place in Path(os.path.abspath(folder)).parents if place.exists())
    if not there.is_dir():
        raise OutputError(f"{there} is a file where a folder is meant.", "Choose another output folder.")
    if not os.access(there, os.W_OK):
        raise OutputError(f"{there} cannot be written to.", "Choose another output folder, or change its permissions.")


def _whose(summary: Path) -> str:
    """What a summary says of where its result came from, for an error; nothing where it cannot be read."""
    try:
        told = json.loads(summary.read_text(encoding="utf-8"))
        made = "hallucinate" if told["options"]["hallucinate"] else "convert"
        return f": that of `{made}` for {told['source']}"
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def write_result(
    result: "Reconstruction",
    source: Path,
    folder: Path,
    options: Options,
    formats: Sequence[str],
    reporter: Reporter,
    overwrite: bool = False,
    video: Path | None = None,
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
            reporter=reporter,
        )
        export(result.motions, result.models.body, temporary, formats, wanted)
        told = summary(result, source, options, reporter, video)
        text = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
        (temporary / SUMMARY).write_text(text, encoding="utf-8", errors="backslashreplace")  # names that are not UTF-8
    return told


def summary(
    result: "Reconstruction", source: Path, options: Options, reporter: Reporter, video: Path | None = None
) -> dict[str, Any]:
    """What ``summary.json`` holds. ``source``: what was converted, which is no ``video`` when it was a keypoint file."""
    from hmr_video.quality import assess  # and torch, which who only asks about outputs need not wait for

    total = len(result.people.timestamps)
    people = [
        {"file": f"{person_name(index)}.npz", "coverage": round(len(motion) / total, 4)} | assess(motion)
        for index, motion in enumerate(result.motions)
    ]
    doubtful = [str(number) for number, person in enumerate(people, 1) if not person["reliable"]]
    if doubtful:
        reporter.note(f"Do not rely on person {', '.join(doubtful)}: hardly seen, or the body does not fit what is seen.")
    strides = [stride for stride in map(stride_seconds, result.motions) if stride is not None and stride > SLOW]
    if strides:
        reporter.note(
            f"A stride takes {max(strides):.1f} s, as in slow motion: --frame-rate with the camera's true rate puts it right."
        )
    first = result.motions[0]
    return {
        "source": str(source.resolve()),
        "video": None if video is None else str(video.resolve()),
        "versions": {name: version(name) for name in _VERSIONS} | {"python": platform.python_version()},
        "weights": {"name": result.models.metadata.get("name", options.weights), "sha256": result.models.weights_hash},
        "body": {"name": first.body, "sha256": first.body_hash},
        "engine": result.people.engine,
        "landmarks": result.people.landmark_network or "none",
        "options": asdict(options),
        "frames": total,
        "frame_rate": result.people.frame_rate,
        "image_size": [int(size) for size in result.people.image_size],
        "focal": float(first.camera_matrix[0, 0]),
        "camera": result.camera,
        "people": people,
        "warnings": list(reporter.notes),
    }
