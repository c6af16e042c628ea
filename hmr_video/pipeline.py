"""The one way through the house: video -> people -> features -> model -> refine -> Motion."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hmr_video.console import Reporter
from hmr_video.errors import UsageError
from hmr_video.features.images import image_features, zero_feature
from hmr_video.geometry.cameras import camera_matrix
from hmr_video.geometry.rotations import matrix_to_axis_angle
from hmr_video.lift import Lifted, lift
from hmr_video.lift_images import lift_images
from hmr_video.models import Models
from hmr_video.motion import Motion
from hmr_video.options import Options, options_from
from hmr_video.people import People, Track, find_people, read_keypoints
from hmr_video.quality import frame_confidence
from hmr_video.refine import Estimate, refine
from hmr_video.shape import on_body, with_height
from hmr_video.video import VideoReader, open_video
from hmr_video.world import Watch, to_world


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


def run(
    source: Path, options: Options, reporter: Reporter, keypoints: bool = False, models: Models | None = None
) -> Reconstruction:
    """The whole line. ``keypoints``: the source is a file of 2D keypoints. ``models``: loaded before, to be used again."""
    reader = None if keypoints else _open(source, options, reporter)
    models = models or Models.load(options)
    if reader is None:
        people, camera = read_keypoints(source, options.image_size, options.frame_rate), None
    else:
        people, camera = _watch(reader, options, reporter)
    intrinsics = intrinsics_of(people, options)
    evidence = evidence_of(people)

    if models.image_encoder is None:
        lifted = _lift(people, evidence, intrinsics, models, options, reporter)
    else:
        lifted = _lift_images(reader, people, intrinsics, models, options, reporter)
    estimates = [on_body(one.estimate, models.learnt_body, models.body) for one in lifted]
    if options.height is not None:
        estimates = [with_height(estimate, options.height, models.body) for estimate in estimates]
    if options.refine and models.image_encoder is None:
        with reporter.progress("Refining", len(people.tracks), "people") as advance:
            estimates = refine(estimates, *evidence, intrinsics, models.body, fixed_shape=options.height is not None)
            advance(len(people.tracks))
    motions = [
        motion_of(track, estimate, one, people, intrinsics, models)
        for track, estimate, one in zip(people.tracks, estimates, lifted, strict=True)
    ]
    if options.world:
        motions = to_world(motions, models.body, reporter, camera == "moving", keep_sizes=options.height is not None)
    return Reconstruction(motions, people, models, camera)


def _open(source: Path, options: Options, reporter: Reporter) -> VideoReader:
    return open_video(source, reporter, options.start, options.end, options.every, options.frame_rate)


def _watch(reader: VideoReader, options: Options, reporter: Reporter) -> tuple[People, str]:
    """The people of a video, and whether its camera is still or moving."""
    watch = Watch(reader)
    people = find_people(watch, options.people, reporter)
    if not watch.camera_moves(people):
        return people, "still"
    reporter.note("The camera moves: people's positions are relative to it.")
    return people, "moving"


def evidence_of(people: People) -> tuple[list[Tensor], list[Tensor]]:
    """Each person's keypoints (T, 17, 3) in pixels with confidence, and the seconds (T,) of those frames."""
    keypoints = [torch.from_numpy(track.keypoints).float() for track in people.tracks]
    return keypoints, [torch.from_numpy(people.timestamps[track.frame_ids]).double() for track in people.tracks]


def _lift(
    people: People,
    evidence: tuple[list[Tensor], list[Tensor]],
    intrinsics: Tensor,
    models: Models,
    options: Options,
    reporter: Reporter,
) -> list[Lifted]:
    """The shipped model's first estimates, from keypoints."""
    lifted = []
    with reporter.progress("Lifting to 3D", len(people.tracks), "people") as advance:
        for keypoints, times in zip(*evidence, strict=True):
            lifted.append(lift(models.model, keypoints, times, intrinsics, models.learnt_body, options.hallucinate))
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


def intrinsics_of(people: People, options: Options) -> Tensor:
    """(3, 3): what the options say, else the source, else the image's size."""
    if options.focal is None and people.camera_matrix is not None:
        return torch.from_numpy(np.asarray(people.camera_matrix)).float()
    return camera_matrix(*people.image_size, options.focal)


def motion_of(track: Track, estimate: Estimate, lifted: Lifted, people: People, intrinsics: Tensor, models: Models) -> Motion:
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
