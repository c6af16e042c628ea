"""The study's unlabelled video, as 2D tracks alone: motion capture that the synthetic detector sees through random cameras; or
filmed windows, as the real detector and landmark network saw them, or as the synthetic detector does."""

from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor

from hmr_video.body import Body
from hmr_video.evaluate.trials import IMAGE_SIZE, Poses, Trial, TrialConfig, simulated
from hmr_video.features.keypoints import MODEL_FRAME_RATE, resample
from hmr_video.geometry.rotations import axis_angle_to_matrix, six_d_to_matrix
from hmr_video.geometry.skeleton import BODY_LANDMARKS
from hmr_video.mocap.clips import Mocap
from hmr_video.people import People
from hmr_video.people.keypoints.files import track_from_keypoints
from hmr_video.synth.film.filmed import Film
from hmr_video.synth.random_cameras import view
from hmr_video.synth.simulated_detector import DetectorConfig, observe
from hmr_video.synth.synthetic import SyntheticConfig
from hmr_video.train.label import BEGINS, KEPT, LONGEST, SHORTEST, pseudo_tracks
from hmr_video.train.pseudo_labels import Tracks


def simulate_tracks(mocap: Mocap, body: Body, folder: Path, config: SyntheticConfig, seed: int) -> None:
    """Writes the tracks of all clips into ``folder``, named in their order. Long clips are filmed in several shots."""
    generator, count = Generator().manual_seed(seed), 0
    observer = simulated(body, TrialConfig(config.camera, config.detector))
    for clip, length in enumerate(mocap.lengths.tolist()):
        for first in range(0, length, LONGEST):
            if (frames := min(LONGEST, length - first)) < SHORTEST:
                continue
            six_d, trans = mocap.window(torch.tensor([clip]), torch.tensor([first]), torch.ones(1), frames)
            rotations, pelvis = view(six_d_to_matrix(six_d), trans, config.camera, generator)
            betas = torch.randn(10, generator=generator)
            poses = Poses(rotations[0], betas.expand(frames, -1), pelvis[0] - body.rest_joints(betas)[0])
            trial = observer(mocap.sources[clip], poses, generator)
            for track in pseudo_tracks(_people(trial)):
                count += 1
                track.save(folder / f"track_{count:05d}.npz")


def _people(trial: Trial) -> People:
    """The person of a window as `label` has those of a video; nobody where hardly anything was detected."""
    keypoints, frames = trial.keypoints.double().numpy(), np.arange(len(trial))
    seen = ((keypoints[..., 2] > 0.05).sum(-1) >= 2).sum() >= SHORTEST
    tracks = [track_from_keypoints(frames, keypoints)] if seen else []
    return People(tracks, IMAGE_SIZE, MODEL_FRAME_RATE, frames / MODEL_FRAME_RATE, trial.camera.numpy())


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
    """Of windows (W, T, 17, 3) those that `label` would keep, without the points that it would not."""
    kept = torch.where(keypoints[..., 2:] >= KEPT, keypoints, 0.0)
    kept = kept[((kept[..., 2] > 0).sum(-1) > BEGINS).all(1)]
    windows, frames = kept.shape[:2]
    return Tracks(kept.flatten(0, 1), torch.arange(windows) * frames, torch.full((windows,), frames))
