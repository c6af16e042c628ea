"""What a camera that moves or zooms adds to what is seen of people, and how far it moves."""

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from hmr_video.body import Body
from hmr_video.camera.clip import ClipCamera
from hmr_video.people import People, Track
from hmr_video.reconstruction.person import Estimate

_FEET_AND_NECK = (10, 11, 12)


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
    """The camera in metres, by the feet of the people."""
    bodies = []
    for one in estimates:
        joints, _ = body.joints(one.rotations, one.betas.expand(len(one.trans), -1))
        bodies.append((joints + one.trans[:, None])[:, list(_FEET_AND_NECK)].double().numpy())
    frame_ids = [track.frame_ids for track in people.tracks]
    return camera.in_metres(frame_ids, bodies, [people.timestamps[ids] for ids in frame_ids])


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
