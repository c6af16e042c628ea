"""Where the detector's weights come from: this machine, a path, or the network, once."""

import shutil
import tempfile
from pathlib import Path

from hmr_video.assets import OFFLINE, get_model_file, offline
from hmr_video.console import Reporter
from hmr_video.errors import AssetError
from hmr_video.files import cache_folder, replacing

DEFAULT = "yolo11n-pose"


def find_weights(detector: str, reporter: Reporter | None = None) -> Path:
    """The file of the YOLO pose weights named or located by ``detector``, fetched if it must be. Raises AssetError."""
    reporter = reporter or Reporter(quiet=True)
    path = Path(detector).expanduser()
    if path.suffix == ".pt" and path.is_file():
        return path
    if path.parent != Path("."):
        raise AssetError(f"The detector {detector} does not exist.", "Name a file of YOLO pose weights (.pt).")
    stem = path.name.removesuffix(".pt")
    if stem == DEFAULT:
        return get_model_file(stem, reporter)
    cached = cache_folder() / "models" / f"{stem}.pt"
    if not cached.is_file():
        _download(stem, cached, reporter)
    return cached


def _download(stem: str, target: Path, reporter: Reporter) -> None:
    """Lets ultralytics fetch its weights by name. Raises AssetError when it does not know them or nothing may be fetched."""
    from hmr_video.people.ultralytics import import_ultralytics

    missing = f"The detector {stem} is not on this machine"
    remedy = f"Put {stem}.pt into {target.parent}, pass its path, or use the default, {DEFAULT}."
    if offline():
        raise AssetError(f"{missing}, and nothing may be fetched.", f"Allow it (no --offline, no {OFFLINE}). {remedy}")
    import_ultralytics()
    from ultralytics.utils.downloads import attempt_download_asset

    reporter.say(f"Fetching {target.name} once (AGPL-3.0) from ultralytics' releases")
    with replacing(target, overwrite=True) as temporary, tempfile.TemporaryDirectory(prefix="hmr-video-") as folder:
        try:
            shutil.copyfile(attempt_download_asset(Path(folder) / target.name), temporary)
        except Exception as error:  # urllib, requests, OS and ultralytics' own: all mean that there is no file
            raise AssetError(f"{missing} and could not be downloaded.", remedy) from error
