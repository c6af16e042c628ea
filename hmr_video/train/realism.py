"""The synthetic detector beside a real one: both see the same bodies, filmed by us; the same statistics of both."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import Generator, Tensor

from hmr_video.body import load_body
from hmr_video.console import Reporter
from hmr_video.evaluate.detector_errors import Observed, definition_bias, describe, distances, kinds
from hmr_video.files import replacing
from hmr_video.geometry.skeleton import COCO_NAMES
from hmr_video.train.config import SOURCE_WEIGHTS
from hmr_video.train.detector import DetectorConfig, imagined, mistakes, self_occluded
from hmr_video.train.footage import Footage, film_and_detect
from hmr_video.train.mocap import list_mocap, load_mocap


@dataclass(frozen=True)
class Realism:
    """The comparison.

    Attributes:
        statistics: name -> the real detector's value, the synthetic one's.
        distances: name -> largest difference of the two cumulative distributions, 0 to 1.
        bias: keypoint -> millimetres left, up and forward by which the real detector's idea differs from the body's.
    """

    statistics: dict[str, tuple[float, float]]
    distances: dict[str, float]
    bias: dict[str, list[float]]

    def write(self, path: Path, overwrite: bool) -> None:
        """As JSON."""
        with replacing(path, overwrite) as temporary:
            temporary.write_text(json.dumps(asdict(self), indent=1))


def measure(
    mocap: Path, reporter: Reporter, windows: int = 40, frames: int = 30, detector: str = "yolo11n-pose", seed: int = 0
) -> Realism:
    """Films ``windows`` of the motion in ``mocap`` and compares. Minutes. Raises InputError."""
    clips = load_mocap(mocap, list_mocap(mocap))
    weights = clips.sampling_weights(SOURCE_WEIGHTS)
    return compare(film_and_detect(clips, load_body(), weights, windows, frames, detector, reporter, seed), seed)


def compare(footage: Footage, seed: int = 0, config: DetectorConfig | None = None) -> Realism:
    """The real detections of a footage against synthetic ones of the same windows."""
    real = _observed(footage, footage.detections)
    synthetic = _observed(footage, simulate(footage, config or DetectorConfig(), Generator().manual_seed(seed)))
    one, two = describe(real), describe(synthetic)
    bias = definition_bias(real, footage.points, footage.turned) * 1000
    return Realism(
        {name: (value, two[name]) for name, value in one.items() if name in two},
        distances(real, synthetic),
        {name: [round(value, 1) for value in row] for name, row in zip(COCO_NAMES, bias.tolist(), strict=True)},
    )


def simulate(footage: Footage, config: DetectorConfig, generator: Generator) -> Tensor:
    """Synthetic detections (W, T, 17, 3) of the same windows, with the footage's own occluders and borders."""
    rays = imagined(footage.points, footage.turned, config, generator)
    hidden = self_occluded(footage.points, footage.joints)
    return mistakes(rays, hidden, footage.covered & ~footage.outside, footage.outside, config, generator)


def _observed(footage: Footage, detections: Tensor) -> Observed:
    return Observed(footage.rays, detections, kinds(footage.hidden, footage.covered, footage.outside), footage.height)
