"""Each stage of the pipeline by itself, one after the other, and ResNet-50 for comparison."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from hmr_video.console import Reporter
from hmr_video.evaluate.meter import Cost, Meter, typical
from hmr_video.export import ExportOptions, export
from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.motion import Motion
from hmr_video.options import Options
from hmr_video.people import People
from hmr_video.people.detect.detector import Detector
from hmr_video.people.finder import PersonTracker, looks_every
from hmr_video.people.keypoints.landmarks import look_closely
from hmr_video.reconstruction.bodies import bodies_of
from hmr_video.reconstruction.loading import Models
from hmr_video.video import Chunk, VideoReader, open_video

STAGES = ("decode", "detect", "track", "landmarks", "features", "model", "refine", "body", "write", "render")
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


def crop_seconds() -> dict[str, Cost]:
    """What torchvision's ResNet-50, of random weights, takes for one crop, by number format."""
    from torchvision.models import resnet50

    costs = {}
    with torch.inference_mode():
        for name in CROP_TYPES:
            network = resnet50(weights=None).eval().to(getattr(torch, name))
            crop = torch.rand(1, 3, _CROP, _CROP, dtype=getattr(torch, name))
            meters = []
            for _ in range(2 + _CROPS):
                meters.append(meter := Meter())
                with meter(name):
                    network(crop)
            costs[name] = typical([meter.costs[name] for meter in meters[2:]])
    return costs


def run_stages(clip: Path, folder: Path, weights: str = "default") -> dict[str, Cost]:
    """The cost of each of ``STAGES`` that there is, over a whole clip. Writes into ``folder``. Raises HmrVideoError."""
    options, reporter, meter = Options(weights=weights), Reporter(quiet=True), Meter()
    reader = open_video(clip, reporter)
    models, detector = Models.load(options), Detector(options.people, every=looks_every(reader.info.frame_rate))
    people = _find(reader, detector, options, meter)
    with meter("landmarks"):
        people = look_closely(reader, people, options.people.landmarks, reporter)
    motions, _ = bodies_of(people, reader, models, options, reporter, timer=meter)
    with meter("body"):
        for motion in motions:
            _meshes(motion, models)
    with meter("write"):
        for motion in motions:
            motion.save(folder / "person.npz", overwrite=True)
    with meter("render"):
        export(motions, models.body, folder, ["overlay"], ExportOptions(overwrite=True, video=clip, reporter=reporter))
    return {name: meter.costs[name] for name in STAGES if name in meter.costs}


def _find(reader: VideoReader, detector: Detector, options: Options, meter: Meter) -> People:
    tracker = PersonTracker(reader.info, options.people)
    for chunk in _decoded(reader, meter):
        with meter("detect"):
            found = detector(chunk.frames)
        with meter("track"):
            tracker.follow(chunk, found)
    with meter("track"):
        return tracker.people(detector.engine, Reporter(quiet=True))


def _decoded(reader: VideoReader, meter: Meter) -> Iterator[Chunk]:
    chunks = reader.chunks()
    while True:
        with meter("decode"):
            chunk = next(chunks, None)
        if chunk is None:
            return
        yield chunk


def _meshes(motion: Motion, models: Models) -> None:
    """All vertices of a result, as formats with meshes need them."""
    rotations = axis_angle_to_matrix(torch.from_numpy(motion.poses).float().unflatten(-1, (24, 3)))
    betas = torch.from_numpy(motion.betas).float()
    for part in rotations.split(_BODIES):
        models.body.vertices(part, betas.expand(len(part), -1))
