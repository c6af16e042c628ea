"""What a camera that moves or zooms adds to what is seen of people, and how far it moves."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from hmr_video.body import Body
from hmr_video.camera.clip import ClipCamera
from hmr_video.camera.path import Path
from hmr_video.camera.scale import Walker, metric_scale
from hmr_video.geometry import Array
from hmr_video.people import People, Track
from hmr_video.reconstruction.person import Estimate

_FEET_AND_NECK = [10, 11, 12]


def without_zoom(people: People, zooms: list[np.ndarray]) -> People:
    """The people as the camera would see them if its focal length stayed what it was at first. ``zooms``: (T,) of each track."""
    middle = np.array(people.image_size) / 2

    def steady(track: Track, zoom: np.ndarray) -> Track:
        if (zoom == 1).all():
            return track
        landmarks, boxes = track.landmarks.copy(), track.boxes.copy()
        landmarks[..., :2] = (landmarks[..., :2] - middle) / zoom[:, None, None] + middle
        boxes = (boxes - np.tile(middle, 2)) / zoom[:, None] + np.tile(middle, 2)
        return replace(
            track, landmarks=landmarks, boxes=boxes, widths=None if track.widths is None else track.widths / zoom[:, None]
        )

    return replace(people, tracks=[steady(*pair) for pair in zip(people.tracks, zooms, strict=True)])


def in_metres(camera: ClipCamera, people: People, estimates: list[Estimate], body: Body) -> ClipCamera:
    """The camera with its places in metres, by the feet and necks of the people.

    A shot in which they do not tell how far the camera goes counts as one that turns.
    """
    bodies = [_feet_and_necks(estimate, body) for estimate in estimates]

    def walkers(shot: Path) -> Iterator[Walker]:
        for track, points in zip(people.tracks, bodies, strict=True):
            mine, rows = shot.rows(track.frame_ids)
            if mine.sum() > 2:
                times = people.timestamps[track.frame_ids[mine]]
                yield Walker(shot.turns[rows], shot.centres[rows], points[mine, :2], points[mine, 2], times)

    shots = []
    for shot in camera.shots:
        if shot.kind == "moving":
            scale = metric_scale(list(walkers(shot)), shot.points)
            shot = replace(shot, kind="moving" if scale else "turning", centres=shot.centres * (scale or 0.0))
        shots.append(shot)
    return replace(camera, shots=tuple(shots))


def _feet_and_necks(estimate: Estimate, body: Body) -> Array:
    """(T, 3, 3) metres in camera space: the balls of both feet, and the neck."""
    joints, _ = body.joints(estimate.rotations, estimate.betas.expand(len(estimate.trans), -1))
    return (joints + estimate.trans[:, None])[:, _FEET_AND_NECK].double().numpy()


def as_from_one_place(points: Tensor, depth: Tensor, stage: Tensor, camera_matrix: Tensor) -> Tensor:
    """Points (T, K, 2) in pixels without what the camera's own movement adds to theirs; the first frame's stay.

    depth (T,) metres of what is seen; stage (T, 4, 4) the camera's path, from its space; camera_matrix (3, 3).
    """
    pixels = torch.cat([points, torch.ones_like(points[..., :1])], -1)
    placed = pixels @ torch.linalg.inv(camera_matrix).mT * depth[:, None, None]
    ahead = torch.linalg.inv(stage[1:]) @ stage[:-1]  # from each frame's camera to the next one's
    led = placed[:-1] @ ahead[:, :3, :3].mT + ahead[:, None, :3, 3]
    led = led @ camera_matrix.mT
    own = points[1:] - led[..., :2] / led[..., 2:].clamp_min(1e-3)
    return torch.cat([points[:1], own]).cumsum(0)
