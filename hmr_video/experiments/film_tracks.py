"""Filmed windows as unlabelled video: 2D tracks as the real detector and landmark network see them, or the simulated one."""

import torch
from torch import Generator, Tensor

from hmr_video.body import Body
from hmr_video.features.keypoints import resample
from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.geometry.skeleton import BODY_LANDMARKS
from hmr_video.synth.film.filmed import Film
from hmr_video.synth.simulated_detector import DetectorConfig, observe
from hmr_video.train.label import KEPT
from hmr_video.train.pseudo_labels import Tracks


def seen_tracks(film: Film) -> Tracks:
    """The windows as they were seen when they were filmed."""
    times = torch.arange(film.poses.shape[1]) / int(film.settings["every"])
    detections = torch.from_numpy(film.detections[:, :, BODY_LANDMARKS]).float()
    return _tracks(resample(detections, times.expand(len(film), -1)))


def simulated_tracks(film: Film, body: Body, config: DetectorConfig, seed: int) -> Tracks:
    """The same windows, as the simulated detector sees them."""
    rotations = axis_angle_to_matrix(torch.from_numpy(film.poses).float().unflatten(-1, (24, 3)))
    betas = torch.from_numpy(film.betas).float()[:, None].expand(-1, rotations.shape[1], -1)
    joints, turned = body.joints(rotations, betas)
    moved = (torch.from_numpy(film.pelvis).float() - joints[..., 0, :])[..., None, :]
    points = body.coco_from_joints(joints, turned, betas) + moved
    return _tracks(observe(points, joints + moved, turned, config, Generator().manual_seed(seed)))


def _tracks(keypoints: Tensor) -> Tracks:
    """Windows (W, T, 17, 3) without the points that `label` would not keep."""
    windows, frames = keypoints.shape[:2]
    kept = torch.where(keypoints[..., 2:] >= KEPT, keypoints, 0.0)
    return Tracks(kept.flatten(0, 1), torch.arange(windows) * frames, torch.full((windows,), frames))
