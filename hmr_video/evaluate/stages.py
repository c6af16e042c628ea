"""What work costs: each stage of the pipeline by itself, the whole program, and ResNet-50 for comparison."""

import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import numpy as np
import torch

from hmr_video.console import Reporter
from hmr_video.errors import HmrVideoError, UsageError
from hmr_video.export import ExportOptions, export
from hmr_video.export.actors import skinned
from hmr_video.options import Options, PeopleOptions
from hmr_video.pipeline import run
from hmr_video.reconstruction.loading import Models
from hmr_video.video import open_video

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


@dataclass(frozen=True)
class Cost:
    """seconds by the clock; of all processors together; MB in use at most (None where the system does not tell)."""

    seconds: float = 0.0
    processor_seconds: float = 0.0
    peak_mb: float | None = None

    def __add__(self, other: "Cost") -> "Cost":
        peak = _highest((self.peak_mb, other.peak_mb))
        return Cost(self.seconds + other.seconds, self.processor_seconds + other.processor_seconds, peak)


def typical(costs: Sequence[Cost]) -> Cost:
    """The medians of several costs of the same work; the highest peak."""
    seconds, processor_seconds = ([cost.seconds for cost in costs], [cost.processor_seconds for cost in costs])
    return Cost(median(seconds), median(processor_seconds), _highest([cost.peak_mb for cost in costs]))


def _highest(peaks: Sequence[float | None]) -> float | None:
    return max((peak for peak in peaks if peak is not None), default=None)


@dataclass
class StageMeter(Reporter):
    """Adds up what stages cost: ``with meter.stage("detect"): ...``. Those of the pipeline then run one after the other."""

    quiet: bool = True
    overlapping: bool = False
    costs: dict[str, Cost] = field(default_factory=lambda: defaultdict(Cost))

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds what happens inside."""
        _reset_peak()
        start, processor_start = time.perf_counter(), time.process_time()
        yield
        seconds, processor_seconds = time.perf_counter() - start, time.process_time() - processor_start
        self.costs[name] += Cost(seconds, processor_seconds, _peak())


# A program tells its peak itself: what the system tells of a child begins with the memory of its parent.
_PROGRAM = """
import sys
from hmr_video.cli.main import leave, run
code = run(sys.argv[2:])
with open(sys.argv[1], "w") as copy, open("/proc/self/status") as status:
    copy.write(status.read())
leave(code)
"""


def run_program(arguments: Sequence[str], cache: Path | None = None) -> Cost:
    """What ``hmr-video`` with these arguments costs from its start to its end. ``cache``: instead of the user's folder.

    Raises UsageError where there is no Linux, HmrVideoError when the program fails.
    """
    if not _STATUS.exists():
        raise UsageError("Programs cannot be measured on this system.", "Run this on Linux.")
    import resource  # which Windows lacks

    environment = os.environ | ({} if cache is None else {"HMR_VIDEO_CACHE": str(cache)})
    with tempfile.TemporaryDirectory() as folder:
        status = Path(folder) / "status"
        command = [sys.executable, "-c", _PROGRAM, str(status), *arguments]
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        program = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        seconds, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
        if program.returncode:
            raise HmrVideoError(f"hmr-video {' '.join(arguments)} failed: {program.stderr.strip()}", "Run it to see why.")
        processor_seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        return Cost(seconds, processor_seconds, _peak(status))


def _reset_peak() -> None:
    """Lets Linux forget how much memory this process has used at most."""
    if _CLEAR.exists():
        _CLEAR.write_text("5")


def _peak(status: Path = _STATUS) -> float | None:
    """MB in use at most since then (or since the program began)."""
    if not status.exists():
        return None
    lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
    return int(lines["VmHWM"].split()[0]) * 1024 / 1e6


STAGES = ("decode", "detect", "track", "camera", "landmarks", "features", "model", "refine", "body", "write", "render")
CROP_TYPES = ("float32", "bfloat16")
_CROP = 224  # pixels
_CROPS = 10  # that are timed at a time
_BODIES = 64  # meshes at a time


@dataclass(frozen=True)
class Facts:
    """What is measured on: frames, size in pixels."""

    frames: int
    width: int
    height: int


def examine(clip: Path) -> Facts:
    """The frames and size of a clip. Raises InputError."""
    info = open_video(clip, Reporter(quiet=True)).info
    return Facts(info.frame_count or 0, info.width, info.height)


def crop_seconds(device: str = "cpu") -> dict[str, Cost]:
    """What torchvision's ResNet-50, of random weights, takes for one crop on a torch device, by number format."""
    from torchvision.models import resnet50

    costs = {}
    with torch.inference_mode():
        for name in CROP_TYPES:
            network = resnet50(weights=None).eval().to(device, getattr(torch, name))
            crop = torch.rand(1, 3, _CROP, _CROP, dtype=getattr(torch, name), device=device)
            meter = StageMeter()
            for number in range(2 + _CROPS):
                with meter.stage(str(number)):
                    network(crop).cpu()  # which waits for the device
            costs[name] = typical(list(meter.costs.values())[2:])
    return costs


def run_stages(clip: Path, folder: Path, weights: str = "default", device: str = "auto") -> dict[str, Cost]:
    """The cost of each of ``STAGES`` that there is, over a whole clip. Writes into ``folder``. Raises HmrVideoError."""
    options, reporter = Options(PeopleOptions(device=device), weights=weights), StageMeter()
    result = run(clip, options, reporter, models=Models.load(options))
    with reporter.stage("body"):
        for motion in result.motions:
            for first in range(0, len(motion), _BODIES):
                skinned(motion, result.models.body, np.arange(first, min(first + _BODIES, len(motion))))
    with reporter.stage("write"):
        for motion in result.motions:
            motion.save(folder / "person.npz", overwrite=True)
    with reporter.stage("render"):
        export_options = ExportOptions(overwrite=True, video=clip, reporter=reporter)
        export(result.motions, result.models.body, folder, ["overlay"], export_options)
    return {name: reporter.costs[name] for name in STAGES if name in reporter.costs}
