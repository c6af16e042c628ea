"""Finished results on disk: the folder that `convert` made, or one of its NPZ files."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from hmr_video.errors import AssetError, InputError
from hmr_video.motion import Motion

if TYPE_CHECKING:
    from hmr_video.body import Body


def read_result(path: Path) -> tuple[list[Motion], Path | None]:
    """The people of a finished result, person 1 first, and the video they came from where it can still be found.

    path: a folder with `person_NN.npz`, or one such file. The video is the ``video`` of `summary.json`, as it stands there or
    against the folder. Raises InputError where there is no result, or a damaged one.
    """
    if not path.exists():
        raise InputError(f"{path} does not exist.", "Name a folder that `hmr-video convert` has made.")
    files = sorted(path.glob("person_[0-9]*.npz")) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path} holds no person_NN.npz.", "Name a folder that `hmr-video convert` has made.")
    return [Motion.load(file) for file in files], _source_video(path if path.is_dir() else path.parent)


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
    if not isinstance(named, str):
        return None
    return next((video for video in (Path(named), folder / named) if video.exists()), None)
