"""The one way through the house: video -> people -> features -> model -> refine -> Motion."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hmr_video.assets import SHIPPED_BODY, find_weights
from hmr_video.body import Body, load_body
from hmr_video.camera_motion import Watch
from hmr_video.checkpoints import load_image_encoder, load_model
from hmr_video.console import Reporter
from hmr_video.errors import UsageError
from hmr_video.features.images import image_features, zero_feature
from hmr_video.features.resnet50 import ResNet50
from hmr_video.files import sha256
from hmr_video.geometry.cameras import camera_matrix
from hmr_video.geometry.rotations import matrix_to_axis_angle
from hmr_video.lift import Lifted, lift
from hmr_video.lift_images import lift_images
from hmr_video.model import HMMR
from hmr_video.motion import Motion
from hmr_video.people import People, PeopleOptions, Track, find_people, read_keypoints
from hmr_video.people.engine import choose_engine
from hmr_video.quality import frame_confidence
from hmr_video.refine import Estimate, RefineConfig, refine
from hmr_video.shape import on_body, with_height
from hmr_video.video import VideoReader, open_video
from hmr_video.world import to_world


@dataclass(frozen=True)
class Options:
    """What a reconstruction may be told.

    Attributes:
        people: how people are found.
        weights: name or path of the model's weights.
        features: ``keypoints`` or ``resnet50`` to insist on what the model reads; ``auto`` takes what the weights need.
        body: ``open``, or the name or path of a body that the user added. The paper's model comes with its own.
        focal: focal length in pixels; None takes the source's own, else the image diagonal.
        height: the person's stature in metres, which one view cannot know; None leaves the model's guess.
        refine: fit the result to the 2D evidence (never done to the paper's model).
        hallucinate: take each frame for a photograph, whose past and future are guessed from it alone.
        world: level the result, and make people stand on one floor.
        start, end: seconds of the source; every: use every n-th frame.
        frame_rate: of sources that state none (folders of images, keypoint files).
        image_size: width and height, of keypoint files that state none.
    """

    people: PeopleOptions = field(default_factory=PeopleOptions)
    weights: str = "default"
    features: str = "auto"
    body: str = "open"
    focal: float | None = None
    height: float | None = None
    refine: bool = True
    hallucinate: bool = False
    world: bool = False
    start: float = 0.0
    end: float | None = None
    every: int = 1
    frame_rate: float | None = None
    image_size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.focal is not None and not 10 <= self.focal <= 1e6:
            raise UsageError(f"A focal length of {self.focal:g} pixels is out of range.", "Give the focal length in pixels.")
        if self.height is not None and not 0.5 <= self.height <= 2.6:
            raise UsageError(f"A height of {self.height:g} m is out of range.", "Give the person's height in metres.")


@dataclass(frozen=True)
class Models:
    """What is loaded once and serves many videos.

    Attributes:
        body: whose shape the results have; learnt_body: whose shape the model learnt.
        image_encoder: of the paper's model, which reads images.
    """

    model: HMMR
    metadata: dict[str, str]
    weights_hash: str
    body: Body
    learnt_body: Body
    image_encoder: ResNet50 | None = None

    @classmethod
    def load(cls, options: Options) -> "Models":
        """Loads the weights and the body that the options name. Raises AssetError and UsageError."""
        path = find_weights(options.weights)
        model, metadata = load_model(path)
        read = model.config.features
        if options.features not in ("auto", read):
            raise UsageError(
                f"The weights {options.weights} read {read} features, not {options.features}.", "Leave --features out."
            )
        if read == "keypoints":
            return cls(model, metadata, sha256(path), load_body(options.body), load_body(SHIPPED_BODY))
        own = load_body(str(path.resolve()))  # lies beside the weights
        body = own if options.body == SHIPPED_BODY else load_body(options.body)
        device = choose_engine("torch", options.people.device)[1]
        return cls(model, metadata, sha256(path), body, own, load_image_encoder(path).to(device))


@dataclass(frozen=True)
class Reconstruction:
    """The people of one source, and what the summary tells beside them.

    ``camera``: ``still`` or ``moving``; None where no video was looked at.
    """

    motions: list[Motion]
    people: People
    models: Models
    camera: str | None = None


def reconstruct(source: str | Path, **options: Any) -> list[Motion]:
    """Turns a video, photograph or folder of images into one Motion per person, largest on screen first.

    ``options`` are the fields of :class:`Options` and of :class:`PeopleOptions` by name, for example
    ``reconstruct("clip.mp4", people="largest", height=1.8)``. Raises HmrVideoError.
    """
    return run(Path(source), options_from(options), Reporter(quiet=True)).motions


def options_from(values: dict[str, Any]) -> Options:
    """Options from a flat dictionary. Raises UsageError for an unknown name."""
    own = {name for name in Options.__dataclass_fields__ if name != "people"}
    unknown = values.keys() - own - PeopleOptions.__dataclass_fields__.keys()
    if unknown:
        raise UsageError(f"There is no option called {', '.join(sorted(unknown))}.", "See hmr_video.pipeline.Options.")
    people = PeopleOptions(**{name: value for name, value in values.items() if name not in own})
    return Options(people=people, **{name: value for name, value in values.items() if name in own})


def run(
    source: Path, options: Options, reporter: Reporter, keypoints: bool = False, models: Models | None = None
) -> Reconstruction:
    """The whole line. ``keypoints``: the source is a file of 2D keypoints. ``models``: loaded before, to be used again."""
    reader = None if keypoints else _open(source, options, reporter)
    models = models or Models.load(options)
    camera = None
    if reader is None:
        people = read_keypoints(source, options.image_size, options.frame_rate)
    else:
        watch = Watch(reader)
        people = find_people(watch, options.people, reporter)
        camera = "moving" if watch.camera_moves(people) else "still"
    if camera == "moving":
        reporter.note("The camera moves: people's positions are relative to it.")
    intrinsics = _intrinsics(people, options)
    evidence = [torch.from_numpy(track.keypoints).float() for track in people.tracks]
    times = [torch.from_numpy(people.timestamps[track.frame_ids]).double() for track in people.tracks]

    if models.image_encoder is None:
        lifted = _lift(people, evidence, times, intrinsics, models, options, reporter)
    else:
        lifted = _lift_images(reader, people, intrinsics, models, options, reporter)
    estimates = [on_body(one.estimate, models.learnt_body, models.body) for one in lifted]
    if options.height is not None:
        estimates = [with_height(estimate, options.height, models.body) for estimate in estimates]
    if options.refine and models.image_encoder is None:
        with reporter.progress("Refining", len(people.tracks), "people") as advance:
            estimates = refine(estimates, evidence, times, intrinsics, models.body, RefineConfig(), options.height is not None)
            advance(len(people.tracks))
    motions = [
        _motion(track, estimate, one, people, intrinsics, models)
        for track, estimate, one in zip(people.tracks, estimates, lifted, strict=True)
    ]
    if options.world:
        motions = to_world(motions, models.body, reporter, camera == "moving", keep_sizes=options.height is not None)
    return Reconstruction(motions, people, models, camera)


def _open(source: Path, options: Options, reporter: Reporter) -> VideoReader:
    return open_video(source, reporter, options.start, options.end, options.every, options.frame_rate)


def _lift(
    people: People,
    evidence: list[Tensor],
    times: list[Tensor],
    intrinsics: Tensor,
    models: Models,
    options: Options,
    reporter: Reporter,
) -> list[Lifted]:
    """The shipped model's first estimates, from keypoints."""
    lifted = []
    with reporter.progress("Lifting to 3D", len(people.tracks), "people") as advance:
        for points, time in zip(evidence, times, strict=True):
            lifted.append(lift(models.model, points, time, intrinsics, models.learnt_body, options.hallucinate))
            advance(1)
    return lifted


def _lift_images(
    reader: VideoReader | None, people: People, intrinsics: Tensor, models: Models, options: Options, reporter: Reporter
) -> list[Lifted]:
    """The paper's model's estimates, from images. Raises UsageError where there are none."""
    if reader is None or models.image_encoder is None:
        raise UsageError("The paper's model reads images, and keypoints come without.", "Give the video, or leave --weights out.")
    features = image_features(reader, people.tracks, models.image_encoder, reporter)
    padding = zero_feature(models.image_encoder)
    return [lift_images(models.model, one, padding, intrinsics, options.hallucinate) for one in features]


def _intrinsics(people: People, options: Options) -> Tensor:
    if options.focal is None and people.camera_matrix is not None:
        return torch.from_numpy(np.asarray(people.camera_matrix)).float()
    return camera_matrix(*people.image_size, options.focal)


def _motion(track: Track, estimate: Estimate, lifted: Lifted, people: People, intrinsics: Tensor, models: Models) -> Motion:
    """The result of one person, in the arrays that every export reads."""
    body = models.body
    joints, turned = body.joints(estimate.rotations, estimate.betas.expand(len(track), -1))
    points = body.coco_from_joints(joints, turned, estimate.betas.expand(len(track), -1)) + estimate.trans[:, None]

    def axis_angle(rotations: Tensor) -> np.ndarray:
        return matrix_to_axis_angle(rotations).flatten(1).numpy()

    return Motion(
        poses=axis_angle(estimate.rotations),
        trans=estimate.trans.numpy(),
        betas=estimate.betas.numpy(),
        frame_ids=track.frame_ids,
        timestamps=people.timestamps[track.frame_ids],
        frame_rate=people.frame_rate,
        confidence=frame_confidence(points, track, intrinsics),
        camera_matrix=intrinsics.numpy(),
        image_size=np.array(people.image_size, np.int64),
        boxes=track.boxes,
        keypoints2d=track.keypoints,
        joints3d=(joints + estimate.trans[:, None]).numpy(),
        poses_past=axis_angle(estimate.rotations @ lifted.to_past),
        poses_future=axis_angle(estimate.rotations @ lifted.to_future),
        body=body.name,
        body_hash=body.hash,
        weights_hash=models.weights_hash,
    )
