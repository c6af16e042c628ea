"""The synthetic detector beside a real one: both see the same bodies, filmed by us; the same statistics of both."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from torch import Generator, Tensor

from hmr_video.body import load_body
from hmr_video.console import Reporter
from hmr_video.geometry.skeleton import COCO_NAMES
from hmr_video.mocap.clips import SOURCE_WEIGHTS, list_mocap, load_mocap
from hmr_video.options import PeopleOptions
from hmr_video.synth.detector_errors import Observed, definition_bias, describe, distances, kinds
from hmr_video.synth.film.footage import Footage, Onlooker, film_and_detect
from hmr_video.synth.simulated_detector import NEVER, DetectorConfig, imagined, mistakes, self_occluded

# The fitted detector alone, without the variety around it that training has.
FITTED = replace(
    DetectorConfig(),
    noise=(0.5, 1.6),
    definition=(1.0, 1.0),
    definition_bias=0.004,
    low_hips=NEVER,
    high_shoulders=NEVER,
    lost=0.05,
    other_scale=0.0,
    silent=0.0,
    missing=0.0,
    fused=0.0,
)


@dataclass(frozen=True)
class Realism:
    """The comparison.

    Attributes:
        statistics: name -> value of the real detector, of the fitted synthetic one, of what training sees.
        distances: name -> the largest difference of the cumulative distributions, 0 to 1, from the real detector to the fitted
            one, to what training sees.
        bias: keypoint -> millimetres left, up and forward, in the frame of the limb, by which the real detector's idea of it
            differs from the body's.
    """

    statistics: dict[str, tuple[float, float, float]]
    distances: dict[str, tuple[float, float]]
    bias: dict[str, list[float]]


def measure(
    mocap: Path,
    people: PeopleOptions,
    reporter: Reporter,
    windows: int,
    seed: int,
    frames: int = 30,
    up: str = "auto",
) -> Realism:
    """Films ``windows`` of the motion in ``mocap`` and compares; about 0.1 s a frame.

    ``people`` names the detector and the landmark network. Raises InputError, AssetError, UsageError.
    """
    names, dice = list_mocap(mocap), np.random.default_rng(seed)
    chosen = dice.choice(len(names), min(2 * windows, len(names)), replace=False)  # to load all would take longer than to film
    clips = load_mocap(mocap, [names[number] for number in sorted(chosen)], up, reporter)
    weights = clips.sampling_weights(SOURCE_WEIGHTS)
    onlooker = Onlooker.of(people.detector, people.landmarks)
    return compare(film_and_detect(clips, load_body(), weights, windows, frames, onlooker, reporter, seed), seed)


def compare(footage: Footage, seed: int = 0) -> Realism:
    """The real detections of a footage against synthetic ones of the same windows."""
    real = _observed(footage, footage.detections)
    synthetic = [
        _observed(footage, simulate(footage, config, Generator().manual_seed(seed))) for config in (FITTED, DetectorConfig())
    ]
    wanted, (fitted, trained) = describe(real), (describe(other) for other in synthetic)
    near, far = (distances(real, other) for other in synthetic)
    bias = definition_bias(real, footage.points, footage.turned) * 1000
    return Realism(
        {name: (value, fitted[name], trained[name]) for name, value in wanted.items() if name in fitted and name in trained},
        {name: (value, far[name]) for name, value in near.items()},
        {
            name: [round(value, 1) for value in row.tolist()]
            for name, row in zip(COCO_NAMES, bias, strict=True)
            if row.isfinite().all()
        },
    )


def simulate(footage: Footage, config: DetectorConfig, generator: Generator) -> Tensor:
    """Synthetic detections (W, T, 17, 3) of the same windows, with the footage's own occluders and borders."""
    rays = imagined(footage.points, footage.turned, config, generator)
    hidden = self_occluded(footage.points, footage.joints)
    return mistakes(rays, hidden, footage.covered, footage.beyond, config, generator)


def _observed(footage: Footage, detections: Tensor) -> Observed:
    return Observed(footage.rays, detections, kinds(footage.hidden, footage.covered, footage.outside), footage.height)
