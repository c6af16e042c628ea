"""Finished results on disk: the folder that `convert` made."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hmr_video.errors import AssetError, InputError
from hmr_video.motion import Motion

if TYPE_CHECKING:
    from hmr_video.body import Body


class Result(NamedTuple):
    """A finished result: its people, person 1 first, and what is told of the video that they came from: fields of
    :class:`~hmr_video.export.registry.ExportOptions`."""

    motions: list[Motion]
    footage: dict[str, Any]


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
    return Result([Motion.load(file) for file in files], _footage(folder))


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


def _footage(folder: Path) -> dict[str, Any]:
    """The video, None where it is no more, and what of it was converted, as the summary tells."""
    summary = folder / "summary.json"
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
