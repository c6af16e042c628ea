"""Filmed windows as training pairs: the truth of bodies that we rendered, and what the real detector says of the pictures."""

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Generator, Tensor

from hmr_video.body import Body
from hmr_video.errors import InputError, UsageError
from hmr_video.features.keypoints import mirror_keypoints, resample
from hmr_video.files import replacing
from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.geometry.skeleton import BODY_LANDMARKS, COCO_NAMES, LANDMARKS, USABLE_CONFIDENCE
from hmr_video.motion import Array, load_arrays
from hmr_video.synth.augment import chance, mirror, random_rotation
from hmr_video.synth.limb_ends import absent_ends
from hmr_video.synth.simulated_detector import reported
from hmr_video.synth.synthetic import Batch, Scene, SyntheticConfig, wrong_focal

_TURN = 0.07  # radians: usual turn of the camera, by which a window is not twice the same


@dataclass(frozen=True)
class Film:
    """W windows of T frames at the model's rate, F of them filmed: from the first to the last one in ``settings["every"]``."""

    poses: Array  # (W, T, 72) the truth, axis-angle, the root's into camera space
    pelvis: Array  # (W, T, 3) where it is, camera space, metres
    betas: Array  # (W, 10)
    detections: Array  # (W, F, 29, 3) rays and confidence, 0 where nobody was found; 17 points where no landmark network looked
    numbers: Array  # (W,) ascending; windows in which hardly anybody was found are left out
    settings: dict[str, Any]  # what they were filmed with

    def __len__(self) -> int:
        return len(self.numbers)

    def save(self, path: Path) -> None:
        """Writes an NPZ, in the place of one that stands there. Raises OutputError."""
        with replacing(path, overwrite=True) as temporary:
            np.savez(temporary, **(vars(self) | {"settings": json.dumps(self.settings)}))

    @classmethod
    def load(cls, path: Path) -> "Film":
        """Reads what :meth:`save` wrote. Raises InputError."""
        data = dict(load_arrays(path))
        remedy = "Give a file that `python -m hmr_video.synth.film` wrote."
        missing = [field.name for field in fields(cls) if field.name not in data]
        if missing:
            raise InputError(f"{path} is no file of filmed windows: it lacks {', '.join(missing)}.", remedy)
        try:
            settings = json.loads(str(data.pop("settings")))
            windows, pictures, points = data["detections"].shape[:3]
            frames = (pictures - 1) * int(settings["every"]) + 1
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(f"{path} is no file of filmed windows: {error}.", remedy) from error
        shapes = {
            "poses": (frames, 72),
            "pelvis": (frames, 3),
            "betas": (10,),
            "detections": (pictures, points, 3),
            "numbers": (),
        }
        wrong = [name for name, shape in shapes.items() if data[name].shape != (windows, *shape)]
        wrong += [name for name in shapes if name not in wrong and not np.isfinite(data[name]).all()]
        wrong += [] if points in (len(COCO_NAMES), len(LANDMARKS)) else ["detections"]
        if wrong or not windows:
            raise InputError(f"{path} is damaged: {', '.join(wrong) or 'windows'} do not fit.", remedy)
        return cls(**{name: data[name] for name in shapes}, settings=settings)


def load_film(path: Path, body: Body, frames: int) -> Film:
    """A file to train on in windows of ``frames`` frames. Raises InputError, UsageError for windows that are too short."""
    film = Film.load(path)
    if film.settings.get("body") != body.hash:
        raise InputError(f"{path} was filmed with another body.", "Film anew: python -m hmr_video.synth.film.")
    if film.poses.shape[1] < frames:
        raise UsageError(
            f"The windows in {path} have {film.poses.shape[1]} frames, and training wants {frames}.",
            f"Film anew with --frames {frames}, or set window_frames.",
        )
    return film


class FilmSampler:
    """Draws batches from a film. The same seed and number give the same batch, in whatever order they are drawn.

    Windows are mirrored and their camera is turned, where ``config.augment`` says that motion changes; its focal length is
    mistaken and confidences are reported as they are for all windows.
    """

    def __init__(self, film: Film, body: Body, config: SyntheticConfig, seed: int = 0) -> None:
        self.body, self.config, self.seed, self.every = body, config, seed, int(film.settings["every"])
        arrays = (film.poses, film.pelvis, film.betas, film.detections)
        self.poses, self.pelvis, self.betas, self.detections = (torch.from_numpy(array).float() for array in arrays)
        self.seen = (
            (self.detections[..., 2] > USABLE_CONFIDENCE).any(-1).nonzero()
        )  # (M, 2) window and picture in which there is somebody

    def batch(self, number: int, size: int, frames: int) -> Batch:
        """Batch ``number``: ``size`` windows of ``frames`` frames; single ones are frames that were filmed, others go on between
        them as the tool does."""
        generator = Generator().manual_seed((self.seed << 32) + (1 << 30) + number)
        if frames == 1:
            windows, pictures = self.seen[torch.randint(len(self.seen), (size,), generator=generator)].unbind(-1)
            first = pictures * self.every
        else:
            windows = torch.randint(len(self.poses), (size,), generator=generator)
            first = torch.randint(self.poses.shape[1] - frames + 1, (size,), generator=generator)
        rows = first[:, None] + torch.arange(frames)  # (B, T)
        rotations = axis_angle_to_matrix(self.poses[windows[:, None], rows].unflatten(-1, (24, 3)))
        position, betas = self.pelvis[windows[:, None], rows], self.betas[windows]
        detections = resample(self.detections[windows], rows / self.every)
        if self.config.augment:
            swapped = chance(generator, self.config.augment.mirror, size)
            changed = (*mirror(rotations, position), mirror_keypoints(detections))
            rotations, position, detections = (
                torch.where(swapped.view(-1, *[1] * (plain.ndim - 1)), other, plain)
                for other, plain in zip(changed, (rotations, position, detections), strict=True)
            )
            turn = random_rotation(generator, size, _TURN * torch.randn(size, generator=generator))
            rotations, position, detections = turned(rotations, position, detections, turn)
        stretch = wrong_focal(generator, size, self.config.camera)
        confidence = self._reported(detections[..., 2], generator)
        detections = torch.cat([detections[..., :2], confidence[..., None]], -1) * stretch
        return Scene(self.body, rotations, position, betas, stretch).pair(detections)

    def _reported(self, confidence: Tensor, generator: Generator) -> Tensor:
        """Confidences (B, T, 17 or 29) as other detectors, and other landmark networks or none, would tell them."""
        body = reported(confidence[..., BODY_LANDMARKS], self.config.detector, generator)
        if confidence.shape[-1] == body.shape[-1]:
            return body
        ends = confidence[..., BODY_LANDMARKS.stop :].masked_fill(
            absent_ends(len(body), self.config.detector.limb_ends, generator), 0
        )
        return torch.cat([body, ends], -1)


def turned(rotations: Tensor, position: Tensor, detections: Tensor, turn: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Windows (B, T, 24, 3, 3), (B, T, 3), (B, T, 17, 3) before a camera turned by ``turn`` (B, 3, 3) where it stands."""
    rotations = rotations.clone()
    rotations[:, :, 0] = turn[:, None] @ rotations[:, :, 0]
    position = (turn[:, None] @ position[..., None]).squeeze(-1)
    directions = torch.cat([detections[..., :2], torch.ones_like(detections[..., 2:])], -1)
    directions = (turn[:, None, None] @ directions[..., None]).squeeze(-1)
    rays = directions[..., :2] / directions[..., 2:].clamp_min(0.2)
    return rotations, position, torch.cat([rays, detections[..., 2:]], -1)
