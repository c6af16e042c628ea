"""Finished results on disk: the folder that `convert` made."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from hmr_video.errors import AssetError, InputError
from hmr_video.motion import Motion

if TYPE_CHECKING:
    from hmr_video.body import Body


def read_result(folder: Path) -> tuple[list[Motion], Path | None]:
    """The people of a finished result, person 1 first, and the video they came from where it can still be found.

    folder: with `person_NN.npz`. The video is the ``video`` of its `summary.json`. Raises InputError where there is no
    result, or a damaged one.
    """
    remedy = "Name a folder that `hmr-video convert` has made."
    if not folder.is_dir():
        raise InputError(f"{folder} {'is a file where a folder is meant' if folder.exists() else 'does not exist'}.", remedy)
    files = sorted(folder.glob("person_[0-9]*.npz"), key=lambda file: (len(file.name), file.name))
    if not files:
        raise InputError(f"{folder} holds no person_NN.npz.", remedy)
    return [Motion.load(file) for file in files], _source_video(folder)


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


def _source_video(folder: Path) -> Path | None:
    summary = folder / "summary.json"
    if not summary.is_file():
        return None
    try:
        named = json.loads(summary.read_text(encoding="utf-8")).get("video")
    except (ValueError, AttributeError, OSError) as error:
        raise InputError(f"{summary} cannot be read ({type(error).__name__}).", "Convert the video again.") from error
    return Path(named) if isinstance(named, str) and Path(named).exists() else None
