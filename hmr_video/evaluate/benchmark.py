"""How fast: every stage, the whole program, and for comparison torchvision's ResNet-50 on one crop a frame, in the same run.

Any method that recovers meshes from crops (HMR and what followed) pays at least that encoder for every person and frame.
"""

import multiprocessing
import os
import platform
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from importlib.metadata import version
from itertools import chain, cycle, islice
from pathlib import Path
from typing import Any

import numpy as np

from hmr_video.assets import models_folder
from hmr_video.console import Reporter
from hmr_video.device import choose_device
from hmr_video.evaluate.stages import CROP_TYPES, Cost, Facts, crop_seconds, examine, run_program, run_stages, typical
from hmr_video.options import PeopleOptions
from hmr_video.people.keypoints.choice import settled
from hmr_video.video import open_video
from hmr_video.video.source import Array
from hmr_video.video.writer import VideoWriter

FRAMES, SIZE = 300, (1280, 720)  # of the clip that is made of a sample
_ONE_FRAME = ("--end", "0.001")
_VERSIONS = ("hmr-video", "torch", "openvino", "ultralytics", "numpy")


@dataclass(frozen=True)
class Stage:
    """A stage by itself, nothing overlapped: its first run in a fresh process, and the median of the runs after it."""

    first: Cost
    again: Cost


@dataclass(frozen=True)
class Benchmark:
    """What was measured on a clip; medians of several runs."""

    machine: dict[str, str]
    device: str  # that the networks ran on
    clip: Facts
    stages: dict[str, Stage]
    program: Cost  # ``convert`` with nothing but NPZ out, start-up included
    cold: Cost  # with an empty cache, so that the detector is exported first
    start_up: Cost  # with a single frame
    crops: dict[str, Cost]  # seconds of ResNet-50 for a crop, by number format, and what its threads took together

    @property
    def frames_per_second(self) -> float:
        """Of the whole program, start-up apart."""
        return (self.clip.frames - 1) / max(self.program.seconds - self.start_up.seconds, 1e-9)

    def share(self, crop: str = CROP_TYPES[0]) -> float:
        """The whole program's time, as a fraction of what ResNet-50 takes for one crop a frame."""
        return self.program.seconds / (self.crops[crop].seconds * self.clip.frames)

    def as_dict(self) -> dict[str, Any]:
        """All of it for JSON."""
        shares = {crop: self.share(crop) for crop in self.crops}
        return asdict(self) | {"frames_per_second": self.frames_per_second, "share_of_resnet50": shares}


def standard_clip(sample: Path, folder: Path) -> Path:
    """The clip that is measured on unless another is named: 300 frames of 720p."""
    clip = folder / "standard.mp4"
    with _worker() as worker:
        worker.submit(make_clip, sample, clip, FRAMES, SIZE).result()
    return clip


def benchmark(clip: Path, runs: int = 5, weights: str = "default", device: str = "auto") -> Benchmark:
    """Measures on a clip and a device. Raises HmrVideoError."""
    device = choose_device(device)
    with tempfile.TemporaryDirectory() as folder, _worker() as resnet, _worker() as stages:
        place = Path(folder)

        landmarks = settled(PeopleOptions().landmarks, Reporter(quiet=True))
        (place / "cache").mkdir()
        (place / "cache" / models_folder().name).symlink_to(models_folder())  # nothing is fetched while it is timed

        def convert(*more: str, cache: Path | None = None) -> Cost:
            return _convert(clip, place, "--weights", weights, "--landmarks", landmarks, "--device", device, *more, cache=cache)

        cold = convert(cache=place / "cache")
        convert(*_ONE_FRAME)
        measured: list[tuple[Cost, Cost, dict[str, Cost]]] = []
        for _ in range(runs):  # in turns, so that all suffer alike from whatever else the machine does
            measured.append((convert(*_ONE_FRAME), convert(), resnet.submit(crop_seconds, device).result()))
        start_ups, programs, crops = zip(*measured, strict=True)
        passes = [stages.submit(run_stages, clip, place, weights, device).result() for _ in range(1 + runs)]
        return Benchmark(
            machine=machine(),
            device=device,
            clip=stages.submit(examine, clip).result(),
            stages={name: Stage(passes[0][name], typical([one[name] for one in passes[1:]])) for name in passes[0]},
            program=typical(programs),
            cold=cold,
            start_up=typical(start_ups),
            crops={name: typical([one[name] for one in crops]) for name in CROP_TYPES},
        )


@dataclass(frozen=True)
class Growth:
    """What doubling something does to ``convert``, as ratios."""

    time: float  # of the whole program, start-up apart
    processor_time: float  # the same, of all processors together
    memory: float  # its peak
    detection: float  # the time of that stage by itself


def growth(sample: Path, runs: int = 3, device: str = "auto") -> dict[str, Growth]:
    """What twice the frames, the people, and the width and height cost, on clips made of a sample. Raises HmrVideoError."""
    width, height = SIZE
    variants: dict[str, tuple[int, tuple[int, int], tuple[bool, ...]]] = {
        "base": (FRAMES, SIZE, (True,)),
        "frames": (2 * FRAMES, SIZE, (True,)),
        "resolution": (FRAMES, (2 * width, 2 * height), (True,)),
        "one": (FRAMES, SIZE, (True, False)),
        "people": (FRAMES, SIZE, (True, True)),
    }
    loads: dict[str, tuple[float, ...]] = {}
    chosen = ("--device", choose_device(device))
    with tempfile.TemporaryDirectory() as folder:
        for name, variant in variants.items():
            clip = Path(folder) / f"{name}.mp4"
            with _worker() as worker:
                worker.submit(make_clip, sample, clip, *variant).result()
                detection = worker.submit(run_stages, clip, Path(folder), device=device).result()["detect"]
            programs = [
                (_convert(clip, Path(folder), *chosen, *_ONE_FRAME), _convert(clip, Path(folder), *chosen)) for _ in range(runs)
            ]
            start_up, whole = (typical(costs) for costs in zip(*programs, strict=True))
            loads[name] = (
                whole.seconds - start_up.seconds,
                whole.processor_seconds - start_up.processor_seconds,
                whole.peak_mb or 0.0,
                detection.processor_seconds,
            )
    pairs = {"frames": "base", "people": "one", "resolution": "base"}
    return {
        name: Growth(*(after / before for before, after in zip(loads[single], loads[name], strict=True)))
        for name, single in pairs.items()
    }


def _convert(clip: Path, folder: Path, *more: str, cache: Path | None = None) -> Cost:
    return run_program(["convert", str(clip), "-o", str(folder / "out"), "--overwrite", "--quiet", *more], cache)


def _worker() -> ProcessPoolExecutor:
    """A process of its own, whose memory and threads nothing else has touched."""
    return ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))


def machine() -> dict[str, str]:
    """What was measured on: processor, cores, versions."""
    from hmr_video.people.detect.openvino import has_bfloat16

    cpuinfo = Path("/proc/cpuinfo")
    models = [line.split(":")[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
    hardware = {
        "processor": models[0] if models else platform.processor(),
        "cores": str(os.cpu_count()),
        "bfloat16": str(has_bfloat16()),
    }
    return hardware | {name: version(name) for name in _VERSIONS} | {"python": platform.python_version()}


_GREY = 114


def make_clip(source: Path, target: Path, frames: int, size: tuple[int, int], tiles: tuple[bool, ...] = (True,)) -> None:
    """Writes ``frames`` frames of ``size`` (width, height): the source played to and fro, so that nobody jumps.

    ``tiles`` are as many pictures side by side, each the whole source or, where False, grey.
    """
    reader = open_video(source, Reporter(quiet=True))
    once = [frame for chunk in reader.chunks() for frame in chunk.frames]
    forth_and_back = cycle(chain(once, reversed(once[1:-1])))
    with VideoWriter(target, reader.info.frame_rate, size) as writer:
        for frame in islice(forth_and_back, frames):
            writer.write(_tiled(frame, size, tiles))


def _tiled(frame: Array, size: tuple[int, int], tiles: tuple[bool, ...]) -> Array:
    """The frame (h, w, 3) once per tile, as large as fits, in a picture (H, W, 3)."""
    import cv2

    picture = np.full((size[1], size[0], 3), _GREY, np.uint8)
    room = size[0] // len(tiles)
    scale = min(room / frame.shape[1], size[1] / frame.shape[0])
    width, height = round(frame.shape[1] * scale), round(frame.shape[0] * scale)
    scaled = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    for place in np.flatnonzero(tiles):
        picture[:height, place * room : place * room + width] = scaled
    return picture
