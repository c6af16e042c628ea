"""Image features of tracks, cached on disk, as training windows for the paper's preset.

The paper's ResNet is frozen, so what it says of a video is computed once. The paper's box jitter, a shift and a scale drawn anew
for every frame, cannot be added to features afterwards: the cache holds each frame in several crops, and a window takes one of
them by lot for every frame. 2D targets lie in the coordinates of the crop that was drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Generator, Tensor

from hmr_video.console import Reporter
from hmr_video.errors import InputError
from hmr_video.features.crops import VISIBLE, Crops, person_crops
from hmr_video.features.images import image_features
from hmr_video.features.resnet50 import PHI_SIZE, ResNet50
from hmr_video.files import replacing
from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.people.tracks import Track
from hmr_video.video import VideoReader

SHIFT = 20.0  # pixels of the crop, either way (HMMR's training)
OCTAVES = 0.3  # the scale is drawn from 2 to the power of -0.3 to 0.3
KEYPOINT_COUNTS = (17, 25)  # COCO's, and the paper's
_REMEDY = "Write the features again."


@dataclass(frozen=True)
class FeatureTrack:
    """One track of T frames in V crops each. phi stays on disk.

    Attributes:
        path: the safetensors file: ``phi`` (V, T, 2048) float16 and the arrays below, but for those that are None.
        centers, scales: (V, T, 2) and (V, T) of the crops, as :class:`~hmr_video.features.crops.Crops` has them.
        keypoints: (T, K, 3) pixels of the image and confidence, K = 17 or 25.
        poses: (T, 72) axis-angle in camera space, and betas: (10,); both or none.
        joints3d: (T, 24, 3) metres in camera space, or None.
    """

    path: Path
    centers: Tensor
    scales: Tensor
    keypoints: Tensor
    poses: Tensor | None = None
    betas: Tensor | None = None
    joints3d: Tensor | None = None

    def __len__(self) -> int:
        return len(self.keypoints)

    @classmethod
    def load(cls, path: Path) -> "FeatureTrack":
        """Reads all but phi, whose shape is checked. Raises InputError."""
        if not path.is_file():
            raise InputError(f"{path} does not exist.", "Check the path.")
        try:
            with safe_open(path, "pt") as stream:
                names = list(stream.keys())
                shape = tuple(stream.get_slice("phi").get_shape()) if "phi" in names else ()
                arrays = {name: stream.get_tensor(name).float() for name in names if name != "phi"}
        except (SafetensorError, OSError) as error:
            raise InputError(f"{path} cannot be read as safetensors ({error}).", _REMEDY) from error
        _check(path, shape, arrays)
        return cls(path, **{name: arrays[name] for name in _SHAPES if name in arrays})

    def phi(self, first: int, length: int) -> Tensor:
        """The features of ``length`` frames from ``first`` on, (V, length, 2048) float32. Raises InputError."""
        try:
            with safe_open(self.path, "pt") as stream:
                found: Tensor = stream.get_slice("phi")[:, first : first + length].float()
        except (SafetensorError, OSError) as error:
            raise InputError(f"{self.path} cannot be read any more ({error}).", _REMEDY) from error
        if not found.isfinite().all():
            raise InputError(f"{self.path} holds features that are not finite.", _REMEDY)
        return found

    def targets(self, variants: Tensor, first: int) -> Tensor:
        """The keypoints of frames from ``first`` on in the crops ``variants`` (N,): (N, K, 3), x and y in the units of
        the crop, -1 to 1, and 1 where the point is visible, else 0."""
        frames = torch.arange(first, first + len(variants))
        crops = Crops(self.centers[variants, frames].double().numpy(), self.scales[variants, frames].double().numpy())
        points = self.keypoints[frames]
        return torch.cat([torch.from_numpy(crops.from_image(points[..., :2].numpy())).float(), points[..., 2:] > VISIBLE], -1)


_SHAPES: dict[str, tuple[Any, ...]] = {
    "centers": ("V", "T", 2),
    "scales": ("V", "T"),
    "keypoints": ("T", "K", 3),
    "poses": ("T", 72),
    "betas": (10,),
    "joints3d": ("T", 24, 3),
}


def _check(path: Path, phi: tuple[int, ...], arrays: dict[str, Tensor]) -> None:
    """Raises InputError where the arrays of a file do not fit each other."""
    missing = [name for name in ("centers", "scales", "keypoints") if name not in arrays] + ([] if phi else ["phi"])
    if missing:
        raise InputError(f"{path} holds no track of features: it lacks {', '.join(missing)}.", _REMEDY)
    if len(phi) != 3 or phi[2] != PHI_SIZE or 0 in phi:
        raise InputError(f"{path} has phi {phi} where (V, T, {PHI_SIZE}) is meant.", _REMEDY)
    if ("poses" in arrays) != ("betas" in arrays):
        raise InputError(f"{path} has poses or betas without the other.", "Give both, or neither.")
    sizes = {"V": phi[0], "T": phi[1], "K": arrays["keypoints"].shape[1] if arrays["keypoints"].ndim > 1 else 0}
    if sizes["K"] not in KEYPOINT_COUNTS:
        raise InputError(f"{path} has {sizes['K']} keypoints a frame.", "17 (COCO) or 25 (the paper's) are read.")
    for name, shape in _SHAPES.items():
        wanted = tuple(sizes.get(size, size) for size in shape)
        if name in arrays and tuple(arrays[name].shape) != wanted:
            raise InputError(f"{path} has {name} {tuple(arrays[name].shape)} where {wanted} is meant.", _REMEDY)
        if name in arrays and not arrays[name].isfinite().all():
            raise InputError(f"{path} holds {name} that are not finite.", _REMEDY)
    if (arrays["scales"] <= 0).any():
        raise InputError(f"{path} holds crops without a size.", _REMEDY)


def jittered(crops: Crops, generator: np.random.Generator) -> Crops:
    """Crops moved by up to 20 of their pixels and scaled by up to 2^0.3 either way, each frame by itself."""
    count = len(crops.scales)
    scales = crops.scales * 2 ** generator.uniform(-OCTAVES, OCTAVES, count)
    return Crops(crops.centers + generator.uniform(-SHIFT, SHIFT, (count, 2)) / scales[:, None], scales)


def cache_features(
    reader: VideoReader,
    tracks: Sequence[Track],
    encoder: ResNet50,
    folder: Path,
    reporter: Reporter,
    variants: int = 4,
    seed: int = 0,
    overwrite: bool = False,
) -> list[Path]:
    """Writes `features_NN.safetensors` for every track of a video, without 3D labels: the paper's crop, and jittered ones.

    The video is read once. ``encoder`` as made by ``ResNet50.for_inference``. Raises OutputError.
    """
    generator = np.random.default_rng(seed)
    paper = [person_crops(track.keypoints) for track in tracks]
    crops = [each if variant == 0 else jittered(each, generator) for each in paper for variant in range(variants)]
    seen = image_features(reader, [track for track in tracks for _ in range(variants)], encoder, reporter, crops=crops)
    written = []
    for index, track in enumerate(tracks):
        mine = seen[index * variants : (index + 1) * variants]
        tensors = {
            "phi": torch.stack([each.phi for each in mine]).half(),
            "centers": torch.from_numpy(np.stack([each.crops.centers for each in mine])).float(),
            "scales": torch.from_numpy(np.stack([each.crops.scales for each in mine])).float(),
            "keypoints": torch.from_numpy(np.array(track.keypoints, np.float32)),
        }
        path = folder / f"features_{index + 1:02d}.safetensors"
        with replacing(path, overwrite) as temporary:
            save_file(tensors, temporary)
        written.append(path)
    return written


@dataclass
class FeatureBatch:
    """B windows of T frames.

    Attributes:
        features: (B, T, 2048), each frame's of a crop of its own.
        targets: (B, T, K, 3) points in the units of that crop, and 1 where one is visible, else 0.
        rotations: (B, T, 24, 3, 3), betas: (B, 10), joints: (B, T, 24, 3); zeros where there is no label.
        has_pose, has_joints: (B,) whether there is.
    """

    features: Tensor
    targets: Tensor
    rotations: Tensor
    betas: Tensor
    joints: Tensor
    has_pose: Tensor
    has_joints: Tensor


class FeatureSampler:
    """Draws batches. The same seed and number give the same batch, in whatever order they are drawn.

    Tracks shorter than ``frames`` are left out. Raises InputError where none is left, or where they differ in their keypoints.
    """

    def __init__(self, tracks: Sequence[FeatureTrack], frames: int = 20, seed: int = 0) -> None:
        self.tracks = [track for track in tracks if len(track) >= frames]
        self.frames, self.seed = frames, seed
        if not self.tracks:
            raise InputError(f"None of {len(tracks)} track(s) has {frames} frames.", "Give longer tracks of features.")
        if len({track.keypoints.shape[1] for track in self.tracks}) > 1:
            raise InputError("Some tracks of features have 17 keypoints and some 25.", "Give tracks of one kind.")

    def batch(self, number: int, size: int) -> FeatureBatch:
        """Batch ``number``: ``size`` windows, long tracks drawn more often."""
        generator = Generator().manual_seed((self.seed << 32) + number)
        lengths = torch.tensor([len(track) for track in self.tracks], dtype=torch.double)
        chosen = torch.multinomial(lengths, size, replacement=True, generator=generator).tolist()
        windows = [self._window(self.tracks[index], generator) for index in chosen]
        return FeatureBatch(*(torch.stack(values) for values in zip(*windows, strict=True)))

    def _window(self, track: FeatureTrack, generator: Generator) -> tuple[Tensor, ...]:
        first = int(torch.randint(len(track) - self.frames + 1, (), generator=generator))
        variants = torch.randint(len(track.scales), (self.frames,), generator=generator)
        phi = track.phi(first, self.frames)[variants, torch.arange(self.frames)]
        span = slice(first, first + self.frames)
        rotations, betas, joints = torch.zeros(self.frames, 24, 3, 3), torch.zeros(10), torch.zeros(self.frames, 24, 3)
        if track.poses is not None and track.betas is not None:
            rotations, betas = axis_angle_to_matrix(track.poses[span].unflatten(1, (24, 3))), track.betas
        if track.joints3d is not None:
            joints = track.joints3d[span]
        labels = torch.tensor(track.poses is not None), torch.tensor(track.joints3d is not None)
        return phi, track.targets(variants, first), rotations, betas, joints, *labels


def list_features(folder: Path) -> list[FeatureTrack]:
    """All tracks of features below ``folder``, sorted by name. Raises InputError."""
    paths = sorted(folder.rglob("*.safetensors"))
    if not paths:
        raise InputError(f"{folder} holds no tracks of features.", "Name a folder of their safetensors files.")
    return [FeatureTrack.load(path) for path in paths]
