"""Motion capture as unlabelled video would show it: shots by random cameras, detections, and from them pseudo-labelled tracks."""

from pathlib import Path

import numpy as np
import torch
from torch import Generator

from hmr_video.body import Body
from hmr_video.evaluate.trials import IMAGE_SIZE, Poses, TrialConfig, simulated
from hmr_video.features.keypoints import MODEL_FRAME_RATE
from hmr_video.geometry.rotations import six_d_to_matrix
from hmr_video.mocap.clips import Mocap
from hmr_video.people import People
from hmr_video.people.keypoints.files import track_from_keypoints
from hmr_video.synth.random_cameras import view
from hmr_video.synth.synthetic import SyntheticConfig
from hmr_video.train.label import LONGEST, SHORTEST, PseudoTrack, pseudo_tracks


def simulate_tracks(mocap: Mocap, body: Body, folder: Path, config: SyntheticConfig, seed: int) -> None:
    """Writes the tracks of all clips into ``folder``, named in their order. Long clips are filmed in several shots."""
    generator, count = Generator().manual_seed(seed), 0
    for clip, length in enumerate(mocap.lengths.tolist()):
        for first in range(0, length, LONGEST):
            if (frames := min(LONGEST, length - first)) < SHORTEST:
                continue
            for track in shot(mocap, clip, first, frames, body, config, generator):
                count += 1
                track.save(folder / f"track_{count:05d}.npz")


def shot(
    mocap: Mocap, clip: int, first: int, frames: int, body: Body, config: SyntheticConfig, generator: Generator
) -> list[PseudoTrack]:
    """``frames`` frames of a clip before one camera, as `label` would keep what the synthetic detector sees of them."""
    six_d, trans = mocap.window(torch.tensor([clip]), torch.tensor([first]), torch.ones(1), frames)
    rotations, pelvis = view(six_d_to_matrix(six_d), trans, config.camera, generator)
    betas = torch.randn(10, generator=generator)
    poses = Poses(rotations[0], betas.expand(frames, -1), pelvis[0] - body.rest_joints(betas)[0])
    observer = simulated(body, TrialConfig(config.camera, config.detector))
    trial = observer(mocap.sources[clip], poses, generator)
    keypoints = trial.keypoints.double().numpy()
    if ((keypoints[..., 2] > 0.05).sum(-1) >= 2).sum() < SHORTEST:
        return []
    track = track_from_keypoints(np.arange(frames), keypoints)
    times = np.arange(frames) / MODEL_FRAME_RATE
    return pseudo_tracks(People([track], IMAGE_SIZE, MODEL_FRAME_RATE, times, trial.camera.numpy()))
