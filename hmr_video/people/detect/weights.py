"""Where the detector's weights come from: a known model file, a path, or ultralytics' own download into the user's cache."""

from pathlib import Path

from hmr_video.assets import MODEL_FILES, get_model_file, is_offline
from hmr_video.console import Reporter
from hmr_video.errors import AssetError
from hmr_video.files import cache_folder


def find_detector(detector: str, reporter: Reporter | None = None) -> Path:
    """The file of the YOLO pose weights named or located by ``detector``, fetched where it must be. Raises AssetError."""
    reporter = reporter or Reporter(quiet=True)
    path = Path(detector)
    if path.suffix == ".pt" and path.is_file():
        return path
    if path.parent != Path("."):
        raise AssetError(f"The detector {detector} does not exist.", "Name a file of YOLO pose weights (.pt).")
    stem = path.name.removesuffix(".pt")
    if stem in MODEL_FILES:
        return get_model_file(stem, reporter)
    cached = cache_folder() / "detectors" / f"{stem}.pt"
    if cached.is_file():
        return cached
    if not is_offline():
        from hmr_video.people.detect.ultralytics import download

        reporter.say(f"Fetching {cached.name} (AGPL-3.0) from ultralytics, once")
        if download(cached):
            return cached
    raise AssetError(
        f"The detector {stem} is not on this machine and could not be downloaded.",
        f"Put {stem}.pt into {cached.parent}, pass its path, or leave --detector out.",
    )
