"""From 2D evidence to bodies: features, model, refinement; and the result that is made of them in the end."""

import numpy as np
import torch
from torch import Tensor

from hmr_video.body import Body
from hmr_video.camera.clip import ClipCamera
from hmr_video.console import Reporter
from hmr_video.geometry.cameras import camera_matrix
from hmr_video.geometry.rotations import matrix_to_axis_angle
from hmr_video.geometry.skeleton import BODY_LANDMARKS
from hmr_video.motion import Motion
from hmr_video.options import Options
from hmr_video.people import People, Track
from hmr_video.people.keypoints.border import raise_knee_confidence, within_picture
from hmr_video.reconstruction.girth import with_girth
from hmr_video.reconstruction.lift import Lifted, lift
from hmr_video.reconstruction.loading import Models
from hmr_video.reconstruction.person import Estimate, Person
from hmr_video.reconstruction.quality import frame_confidence
from hmr_video.reconstruction.refine import COCO, MOVING_CAMERA, RefineConfig, refine
from hmr_video.video import VideoReader


def persons_of(
    people: People,
    reader: VideoReader | None,
    models: Models,
    options: Options,
    reporter: Reporter,
    camera: ClipCamera | None = None,
) -> tuple[list[Person], ClipCamera | None]:
    """Each person with their body, in camera space: features, model, refinement; and the camera in metres. ``reader``: of the
    video, where there is one. Raises UsageError."""
    zooms = [np.ones(len(track)) if camera is None else camera.zooms(track.frame_ids) for track in people.tracks]
    if any((zoom != 1).any() for zoom in zooms):
        from hmr_video.reconstruction.moving import without_zoom

        people = without_zoom(people, zooms)
    estimates, lifted = estimates_of(people, reader, models, options, reporter, camera)
    intrinsics = intrinsics_of(people, options)
    persons = [
        Person(
            track, estimate, one.to_past, one.to_future, people.timestamps[track.frame_ids], people.frame_rate, intrinsics, zoom
        )
        for track, estimate, one, zoom in zip(people.tracks, estimates, lifted, zooms, strict=True)
    ]
    return persons, _in_metres(camera, people, estimates, models.body)


def estimates_of(
    people: People,
    reader: VideoReader | None,
    models: Models,
    options: Options,
    reporter: Reporter,
    camera: ClipCamera | None = None,
) -> tuple[list[Estimate], list[Lifted]]:
    """Each person's body, and what the model alone said of it. Raises UsageError."""
    intrinsics = intrinsics_of(people, options)
    evidence = evidence_of(people)
    if models.image_encoder is None:
        lifted = []
        with reporter.stage("model"), reporter.progress("Lifting to 3D", len(people.tracks), "people") as advance:
            for points, times, track in zip(*evidence, people.tracks, strict=True):
                raised = torch.from_numpy(raise_knee_confidence(points.numpy(), track.boxes, people.image_size)).float()
                lifted.append(lift(models.model, raised, times, intrinsics, models.learnt_body, options.hallucinate))
                advance(1)
    else:
        from hmr_video.reconstruction.lift_images import lift_video

        lifted = lift_video(reader, people, intrinsics, models, options.hallucinate, reporter)
    estimates = [one.estimate for one in lifted]
    if models.body is not models.learnt_body:
        from hmr_video.reconstruction.shape import on_body

        estimates = [on_body(estimate, models.learnt_body, models.body) for estimate in estimates]
    estimates = _sized(estimates, models, options)
    if options.refine and models.image_encoder is None:
        with reporter.stage("refine"), reporter.progress("Refining", len(people.tracks), "people") as advance:
            rough, stages = _in_metres(camera, people, estimates, models.body), None
            if rough is not None and rough.kind in ("turning", "moving"):
                stages = [torch.from_numpy(rough.stage_from_camera(track.frame_ids)) for track in people.tracks]
            config = MOVING_CAMERA if rough is not None and rough.kind == "unknown" else RefineConfig()
            fixed = options.height is not None
            estimates = refine(estimates, *evidence, intrinsics, models.body, config, fixed, stages)
            advance(len(people.tracks))
        estimates = [
            estimate if track.widths is None else with_girth(estimate, track.widths, intrinsics, models.body)
            for estimate, track in zip(estimates, people.tracks, strict=True)
        ]
        estimates = _sized(estimates, models, options)
    return estimates, lifted


def _in_metres(camera: ClipCamera | None, people: People, estimates: list[Estimate], body: Body) -> ClipCamera | None:
    """The camera in metres, by the feet of the people."""
    if camera is None or all(shot.kind != "moving" for shot in camera.shots):
        return camera
    from hmr_video.reconstruction.moving import in_metres

    return in_metres(camera, people, estimates, body)


def _sized(estimates: list[Estimate], models: Models, options: Options) -> list[Estimate]:
    """As tall as the options say, if they do."""
    if options.height is None:
        return estimates
    from hmr_video.reconstruction.shape import with_height

    return [with_height(estimate, options.height, models.body) for estimate in estimates]


def evidence_of(people: People) -> tuple[list[Tensor], list[Tensor]]:
    """Each person's landmarks (T, 29, 3), or COCO's (T, 17, 3) where nobody has others, and the seconds (T,) of those frames.

    In pixels with confidence, which is 0 of points beyond the picture.
    """
    known = slice(None) if any((track.landmarks[:, COCO:, 2] > 0).any() for track in people.tracks) else BODY_LANDMARKS
    inside = [within_picture(track.landmarks[:, known], track.boxes, people.image_size) for track in people.tracks]
    keypoints = [torch.from_numpy(one).float() for one in inside]
    return keypoints, [torch.from_numpy(people.timestamps[track.frame_ids]).double() for track in people.tracks]


def intrinsics_of(people: People, options: Options) -> Tensor:
    """(3, 3): what the options say, else the source, else the image's size."""
    if options.focal is None and people.camera_matrix is not None:
        return torch.from_numpy(np.asarray(people.camera_matrix)).float()
    return camera_matrix(*people.image_size, options.focal)


def motion_of(person: Person, track: Track, image_size: tuple[int, int], body: Body, weights_hash: str) -> Motion:
    """The result of one person, in the arrays that every export reads. ``track``: as the video shows it, with its zoom."""
    estimate = person.estimate
    betas = estimate.betas.expand(len(track), -1)
    joints, turned = body.joints(estimate.rotations, betas)
    points = body.coco_from_joints(joints, turned, betas) + estimate.trans[:, None]

    def axis_angle(rotations: Tensor) -> np.ndarray:
        return matrix_to_axis_angle(rotations).flatten(1).numpy()

    return Motion(
        poses=axis_angle(estimate.rotations),
        trans=estimate.trans.numpy(),
        betas=estimate.betas.numpy(),
        frame_ids=track.frame_ids,
        timestamps=person.timestamps,
        frame_rate=person.frame_rate,
        confidence=frame_confidence(points, person.track, person.camera_matrix),
        camera_matrix=person.camera_matrix.numpy(),
        image_size=np.array(image_size, np.int64),
        boxes=track.boxes,
        landmarks2d=track.landmarks,
        silhouettes=track.silhouettes,
        joints3d=(joints + estimate.trans[:, None]).numpy(),
        poses_past=axis_angle(estimate.rotations @ person.to_past),
        poses_future=axis_angle(estimate.rotations @ person.to_future),
        body=body.name,
        body_hash=body.hash,
        weights_hash=weights_hash,
        world_from_camera=person.world_from_camera,
        zoom=None if (person.zoom == 1).all() else person.zoom,
    )
