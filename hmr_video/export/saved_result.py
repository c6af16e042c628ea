"""Finished results on disk: the folder that `convert` made."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hmr_video.errors import AssetError, InputError
from hmr_video.motion import Motion

if TYPE_CHECKING:
    from hmr_video.body import Body


class Result(NamedTuple):
    """A finished result: its people, person 1 first, and the part of a video that they came from.

    Attributes:
        video: None where there was none or where it is no more.
        start, end: seconds of the video between which it was converted; ``end`` None means to its end.
        every: that only every n-th frame was used; None where that is not told.
        frame_rate: one that was taken in place of the video's own.
    """

    motions: list[Motion]
    video: Path | None
    start: float = 0.0
    end: float | None = None
    every: int | None = None
    frame_rate: float | None = None


def read_result(folder: Path) -> Result:
    """What `convert` made of a folder with `person_NN.npz`, and of its `summary.json` where there is one.

    Raises InputError where there is no result, or a damaged one.
    """
    remedy = "Name a folder that `hmr-video convert` has made."
    if not folder.is_dir():
        raise InputError(f"{folder} {'is a file where a folder is meant' if folder.exists() else 'does not exist'}.", remedy)
    files = sorted(folder.glob("person_[0-9]*.npz"), key=lambda file: (len(file.name), file.name))
    if not files:
        raise InputError(f"{folder} holds no person_NN.npz.", remedy)
    return Result([Motion.load(file) for file in files], *_footage(folder))


def source_video(video: Path | None) -> Path:
    """The video to draw on. Raises InputError when there is none."""
    if video is None:
        raise InputError("The video that this result was made from is not there.", "Name it with --video.")
    return video


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


def _footage(folder: Path) -> tuple[Any, ...]:
    """The video, and what of it was converted, as the summary tells: the fields of `Result` after its people."""
    summary = folder / "summary.json"
    if not summary.is_file():
        return (None,)
    try:
        record = json.loads(summary.read_text(encoding="utf-8"))
        named, options = record.get("video"), record.get("options", {})
        end, rate = (None if options.get(name) is None else float(options[name]) for name in ("end", "frame_rate"))
        start, every = float(options.get("start", 0.0)), int(options.get("every", 1))
        video = Path(named) if isinstance(named, str) and Path(named).exists() else None
    except (ValueError, TypeError, AttributeError, OSError, OverflowError, RecursionError) as error:
        raise InputError(f"{summary} cannot be read ({type(error).__name__}).", "Convert the video again.") from error
    return video, start, end, every, rate
