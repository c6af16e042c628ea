"""Pseudo-labelled 2D tracks as training windows: what the model reads is a degraded copy of what it has to explain.

Were input and target the same detections, the 2D loss could be met by any body, in any depth, that lies on them, noise and all.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Generator, Tensor

from hmr_video.errors import InputError
from hmr_video.features.keypoints import (
    MODEL_FRAME_RATE,
    frame_positions,
    keypoint_features,
    mirror_keypoints,
    pixels_to_rays,
    resample,
    with_points,
)
from hmr_video.geometry.skeleton import LANDMARKS, USABLE_CONFIDENCE
from hmr_video.synth.augment import chance, uniform
from hmr_video.synth.simulated_detector import DetectorConfig, detect
from hmr_video.train.label import PseudoTrack

SLOWEST, FASTEST = 0.7, 1.45  # playing speed


@dataclass
class TrackBatch:
    """B windows of T frames."""

    features: Tensor  # (B, T, F) as the model reads them, of the degraded copy or of the image
    box: Tensor | None  # (B, T, 3) in rays, what keypoints were normalised by; None for image features
    targets: Tensor  # (B, T, 17, 3) the pseudo-labels, x and y in units of box or crop, -1 to 1; and 1 where there is one, else 0


@dataclass(frozen=True)
class Tracks:
    """All tracks of a folder at the model's frame rate, one after the other."""

    keypoints: Tensor  # (N, 17, 3) rays x, y and confidence
    starts: Tensor  # (C,) first frame of each track
    lengths: Tensor  # (C,) frames

    @property
    def hours(self) -> float:
        """Length of it all."""
        return len(self.keypoints) / MODEL_FRAME_RATE / 3600

    def window(self, tracks: Tensor, first: Tensor, speed: Tensor, length: int) -> Tensor:
        """``length`` frames of each track from frame ``first`` (B,) at ``speed`` (B,): (B, T, 17, 3). Ends are held."""
        begin = first.floor().long()
        span = torch.arange(int(length * float(speed.max())) + 2)
        frames = torch.minimum(begin[:, None] + span, self.lengths[tracks][:, None] - 1)
        positions = (first - begin)[:, None] + speed[:, None] * torch.arange(length)
        return resample(self.keypoints[self.starts[tracks][:, None] + frames], positions)


def list_tracks(folder: Path) -> list[Path]:
    """The tracks that `label` wrote below ``folder``, sorted. Raises InputError for none."""
    paths = sorted(folder.rglob("track_*.npz"))
    if not paths:
        raise InputError(f"{folder} holds no pseudo-labelled tracks.", "Name a folder that `hmr-video label` wrote.")
    return paths


def load_tracks(paths: list[Path]) -> Tracks:
    """Tracks from their files. Raises InputError."""
    clips = [_at_model_rate(PseudoTrack.load(path)) for path in paths]
    lengths = torch.tensor([len(clip) for clip in clips])
    return Tracks(torch.cat(clips), lengths.cumsum(0) - lengths, lengths)


def _at_model_rate(track: PseudoTrack) -> Tensor:
    """(T, 17, 3) rays and confidence at 30 frames a second."""
    keypoints = torch.from_numpy(track.keypoints2d).float()
    intrinsics = torch.from_numpy(track.camera_matrix).float()
    rays = torch.cat([pixels_to_rays(keypoints[..., :2], intrinsics), keypoints[..., 2:]], -1)
    time = torch.from_numpy(track.timestamps).double()
    time = time - time[0]
    grid = torch.arange(int(time[-1] * MODEL_FRAME_RATE + 1e-3) + 1) / MODEL_FRAME_RATE
    return resample(rays[None], frame_positions(grid, time)[None])[0]


class TrackSampler:
    """Draws batches. The same seed and number give the same batch, in whatever order they are drawn."""

    def __init__(self, tracks: Tracks, detector: DetectorConfig, seed: int = 0) -> None:
        self.tracks, self.detector, self.seed = tracks, detector, seed

    @property
    def hours(self) -> float:
        """Length of all tracks."""
        return self.tracks.hours

    def batch(self, number: int, size: int, frames: int) -> TrackBatch:
        """Batch ``number``: ``size`` windows of ``frames`` frames, long tracks drawn more often."""
        generator = Generator().manual_seed((self.seed << 32) + (1 << 31) + number)
        chosen = torch.multinomial(self.tracks.lengths.double(), size, replacement=True, generator=generator)
        speed = uniform(generator, SLOWEST, FASTEST, size) if frames > 1 else torch.ones(size)
        room = (self.tracks.lengths[chosen] - 1 - speed * (frames - 1)).clamp_min(0)
        keypoints = self.tracks.window(chosen, room * torch.rand(size, generator=generator), speed, frames)
        keypoints = torch.where(chance(generator, 0.5, size)[:, None, None, None], mirror_keypoints(keypoints), keypoints)

        features, box = keypoint_features(with_points(degraded(keypoints, self.detector, generator), len(LANDMARKS)))
        points = (keypoints[..., :2] - box[..., None, :2]) / box[..., None, 2:]
        return TrackBatch(features, box, torch.cat([points, (keypoints[..., 2:] > USABLE_CONFIDENCE).float()], -1))


def degraded(keypoints: Tensor, config: DetectorConfig, generator: Generator) -> Tensor:
    """Keypoints (B, T, 17, 3) as a worse detector would report them: displaced, exchanged, hidden, in some frames lost."""
    visible = keypoints[..., 2:] > USABLE_CONFIDENCE
    count = visible.sum(-2, keepdim=True).clamp_min(1)
    middle = (keypoints[..., :2] * visible).sum(-2, keepdim=True) / count
    points = torch.where(visible, keypoints[..., :2], middle)  # what is missing must not stretch the person
    worse = detect(points, torch.zeros_like(visible[..., 0]), config, generator)
    confidence = torch.minimum(worse[..., 2:], keypoints[..., 2:]) * visible
    return torch.cat([worse[..., :2], confidence], -1)
