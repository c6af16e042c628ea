"""The network of the detector on one of two engines: OpenVINO (CPUs) or torch. The choice is made once and reported."""

import hashlib
import io
import logging
import os
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from importlib import metadata, util
from pathlib import Path
from typing import Any

from hmr_video.errors import AssetError
from hmr_video.files import cache_folder, replacing, sha256


def import_ultralytics() -> None:
    """Imports ultralytics silenced: no installs, no telemetry, no settings beside the user's files. Raises AssetError."""
    folder = cache_folder() / "ultralytics"
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("YOLO_CONFIG_DIR", str(folder))
    os.environ["YOLO_OFFLINE"] = "True"  # else the import asks name servers whether there is a network, and then reports
    os.environ.setdefault("YOLO_AUTOINSTALL", "False")
    os.environ.setdefault("YOLO_VERBOSE", "False")
    try:
        import ultralytics
    except ImportError as error:
        if "libGL" in str(error) or ".so" in str(error):
            raise AssetError(
                f"OpenCV lacks a system library ({error}).",
                "On Debian or Ubuntu: apt-get install libgl1 libglib2.0-0; or put opencv-python-headless in OpenCV's place.",
            ) from error
        raise AssetError(f"ultralytics cannot be imported ({error}).", "Install hmr-video again.") from error
    ultralytics.utils.LOGGER.setLevel(logging.CRITICAL)
    if ultralytics.settings["sync"]:
        ultralytics.settings.update({"sync": False})


def choose_engine(wanted: str, device: str) -> tuple[str, str]:
    """(engine, torch device) for the options' ``engine`` and ``device``. Depends on the machine alone. Raises AssetError."""
    import torch

    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if (device.startswith("cuda") and not torch.cuda.is_available()) or (
        device == "mps" and not torch.backends.mps.is_available()
    ):
        raise AssetError(f"There is no device {device} here.", "Use --device cpu or auto.")
    installed = util.find_spec("openvino") is not None
    if wanted == "openvino" and not installed:
        raise AssetError("The engine openvino is not installed.", "Install openvino, or use --detector-engine torch.")
    if wanted == "auto":
        wanted = "openvino" if installed and device == "cpu" else "torch"
    return wanted, "cpu" if wanted == "openvino" else device


class Network:
    """YOLO pose weights, ready to run.

    engine: ``openvino`` or ``torch``; stride: what the input's sides must be multiples of; classes: how many it knows;
    end_to_end: whether its output needs no non-maximum suppression.
    """

    def __init__(self, weights: Path, engine: str, device: str) -> None:
        import_ultralytics()
        self.engine = engine
        try:
            with _silence():
                self._run, facts = _load_openvino(weights) if engine == "openvino" else _load_torch(weights, device)
        except AssetError:
            raise
        except Exception as error:  # pickle, zip, torch and ultralytics raise what they like for a file of another kind
            raise AssetError(
                f"{weights} cannot be used as a detector ({type(error).__name__}).", "Give YOLO pose weights (.pt)."
            ) from error
        if tuple(facts.get("kpt_shape") or ()) != (17, 3):
            raise AssetError(f"{weights} does not find COCO keypoints.", "Give YOLO pose weights of 17 keypoints.")
        self.stride, self.classes = int(facts["stride"]), len(facts["names"])
        self.end_to_end = bool(facts.get("end2end"))

    def __call__(self, images: Any) -> Any:
        """Raw predictions, a tensor, of (N, H, W, 3) uint8 RGB arrays whose sides are multiples of ``stride``."""
        return self._run(images)


def _load_torch(weights: Path, device: str) -> tuple[Callable[[Any], Any], dict[str, Any]]:
    """The network in torch as a function of images, and what it knows of itself. In half precision on CUDA."""
    import torch
    from ultralytics.nn.autobackend import AutoBackend

    place, half = torch.device(device), device.startswith("cuda")
    model: Any = AutoBackend(str(weights), device=place, fp16=half).eval()

    @torch.inference_mode()
    def run(images: Any) -> Any:
        batch = torch.from_numpy(images).to(place).permute(0, 3, 1, 2)
        return model((batch.half() if half else batch.float()).div_(255).contiguous())

    names = ("kpt_shape", "stride", "names", "end2end")
    return run, {name: getattr(model, name, None) for name in names}


def _load_openvino(weights: Path) -> tuple[Callable[[Any], Any], dict[str, Any]]:
    """The network in OpenVINO as a function of images, and the facts that its export states."""
    import torch
    from ultralytics.utils import YAML

    from hmr_video.people.openvino import OpenVino

    folder = _exported(weights)
    network = OpenVino(next(folder.glob("*.xml")))
    return lambda images: torch.from_numpy(network(images)), YAML.load(folder / "metadata.yaml")


def _exported(weights: Path) -> Path:
    """The weights as an OpenVINO model in the user's cache, exported at first use (seconds, no network)."""
    versions = " ".join(f"{name} {metadata.version(name)}" for name in ("openvino", "torch", "ultralytics"))
    key = hashlib.sha256(f"{sha256(weights)} {versions}".encode()).hexdigest()[:16]
    folder = cache_folder() / "openvino" / f"{weights.stem}-{key}_openvino_model"
    if folder.is_dir():
        return folder
    from ultralytics import YOLO

    # Whoever is first renames a whole folder; a second process that exported meanwhile writes the same bytes.
    with replacing(folder, overwrite=True) as temporary:
        temporary.mkdir()
        copy = Path(shutil.copy(weights, temporary / weights.name))  # the exporter writes beside its input
        with _no_reports():
            made = Path(YOLO(str(copy), task="pose").export(format="openvino", dynamic=True, verbose=False))
        for file in made.iterdir():
            shutil.move(file, temporary / file.name)
        made.rmdir()
        copy.unlink()
    return folder


@contextmanager
def _no_reports() -> Iterator[None]:
    """Keeps OpenVINO's converter from reporting to its makers, which it does unasked except on CI machines."""
    before = os.environ.get("CI")
    os.environ["CI"] = "true"
    try:
        yield
    finally:
        if before is None:
            del os.environ["CI"]
        else:
            os.environ["CI"] = before


@contextmanager
def _silence() -> Iterator[None]:
    """Keeps ultralytics and torch from printing while a model is loaded or exported."""
    with warnings.catch_warnings(), redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
