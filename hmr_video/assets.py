"""Where weights and bodies lie: those that ship, and those that the user added."""

import json
import os
from functools import cache
from pathlib import Path
from typing import Any

import platformdirs

from hmr_video.errors import AssetError
from hmr_video.files import replacing, sha256
from hmr_video.model_files import MODEL_FILES, ModelFile, find_model_file, get_model_file, go_offline, is_offline

__all__ = ["MODEL_FILES", "ModelFile", "find_model_file", "get_model_file", "go_offline", "is_offline"]

SHIPPED_WEIGHTS = "default"
SHIPPED_BODY = "open"
_WEIGHTS, _BODIES = {SHIPPED_WEIGHTS: "model.safetensors"}, {SHIPPED_BODY: "open_body.npz"}
_MANIFEST = "manifest.json"
_REINSTALL = "Install hmr-video again."
WEIGHTS_FORMAT = "hmr-video-1"  # of our weight files; see `hmr_video.checkpoints.store`
OTHER_WEIGHTS = "Import or download the weights again, or leave --weights out to use the model that ships."


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


if __name__ == "__main__":
    update_manifest()
