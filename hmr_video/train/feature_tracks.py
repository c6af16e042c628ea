"""Image features of pseudo-labelled tracks, cached on disk, as training windows for the paper's preset.

The paper's ResNet is frozen, so what it says of a video is computed once, by `label`. The paper's box jitter, a shift and a scale
drawn anew for every frame, cannot be added to features afterwards: the cache holds each frame in several crops, and a window
takes one of them by lot for every frame. 2D targets lie in the coordinates of the crop that was drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Generator, Tensor

from hmr_video.console import Reporter
from hmr_video.errors import InputError
from hmr_video.features.image_crops import Crops, person_crops
from hmr_video.features.images import image_features
from hmr_video.features.resnet50 import PHI_SIZE, ResNet50
from hmr_video.files import replacing
from hmr_video.geometry.skeleton import USABLE_CONFIDENCE
from hmr_video.mocap.holdout import EVERY
from hmr_video.people.track.tracks import Track
from hmr_video.train.label import PseudoTrack
from hmr_video.train.pseudo_labels import TrackBatch
from hmr_video.video import VideoReader

SHIFT = 20.0  # pixels of the crop, either way (HMMR's training)
OCTAVES = 0.3  # the scale is drawn from 2 to the power of -0.3 to 0.3
VARIANTS = 4  # crops of each frame: the paper's, and jittered ones
_ENCODER = "encoder"  # of the metadata
_REMEDY = "Run `hmr-video label` with --features resnet50 into a new folder."


@dataclass(frozen=True)
class FeatureTrack:
    """A pseudo-labelled track of T frames whose image features lie on disk, seen in V crops (see `Crops`)."""

    labels: PseudoTrack
    path: Path  # the safetensors file beside it: ``phi`` (V, T, 2048) float16, and the two below
    centers: Tensor  # (V, T, 2)
    scales: Tensor  # (V, T)

    def __len__(self) -> int:
        return len(self.labels.frame_ids)

    @classmethod
    def load(cls, track: Path, encoder: str) -> "FeatureTrack":
        """Reads all but phi, whose shape is checked. ``track``: a file of `label`; ``encoder``: the hash of the image encoder
        that the features have to be of. Raises InputError."""
        labels, path = PseudoTrack.load(track), features_of(track)
        if not path.is_file():
            raise InputError(f"{track} has no image features beside it.", _REMEDY)
        try:
            with safe_open(path, "pt") as stream:
                found = (stream.metadata() or {}).get(_ENCODER)
                phi = tuple(stream.get_slice("phi").get_shape())
                centers, scales = (stream.get_tensor(name).float() for name in ("centers", "scales"))
        except (SafetensorError, OSError) as error:
            raise InputError(f"{path} cannot be read as a cache of features ({error}).", _REMEDY) from error
        if found != encoder:
            raise InputError(f"{path} holds the features of another image encoder.", "Label with the weights that --start names.")
        crops = (scales.shape[0], len(labels.frame_ids))
        for name, shape, wanted in (
            ("phi", phi, (*crops, PHI_SIZE)),
            ("centers", tuple(centers.shape), (*crops, 2)),
            ("scales", tuple(scales.shape), crops),
        ):
            if shape != wanted or 0 in shape:
                raise InputError(f"{path} has {name} {shape} where {wanted} is meant.", _REMEDY)
        if not (centers.isfinite().all() and scales.isfinite().all() and (scales > 0).all()):
            raise InputError(f"{path} holds crops without a place or a size.", _REMEDY)
        return cls(labels, path, centers, scales)

    def phi(self, variants: Tensor, first: int) -> Tensor:
        """The features of frames from ``first`` on in the crops ``variants`` (N,): (N, 2048) float32. Raises InputError."""
        try:
            with safe_open(self.path, "pt") as stream:
                read: Tensor = stream.get_slice("phi")[:, first : first + len(variants)]
        except (SafetensorError, OSError) as error:
            raise InputError(f"{self.path} cannot be read any more ({error}).", _REMEDY) from error
        phi = read[variants, torch.arange(len(variants))].float()
        if not phi.isfinite().all():
            raise InputError(f"{self.path} holds features that are not finite.", _REMEDY)
        return phi

    def targets(self, variants: Tensor, first: int) -> Tensor:
        """The labels of those frames in those crops: (N, 17, 3), x and y in the units of the crop, -1 to 1, and 1 where there
        is one, else 0."""
        frames = torch.arange(first, first + len(variants))
        crops = Crops(self.centers[variants, frames].double().numpy(), self.scales[variants, frames].double().numpy())
        points = self.labels.keypoints2d[first : first + len(variants)]
        seen = points[..., 2:] > USABLE_CONFIDENCE
        return torch.from_numpy(np.concatenate([crops.from_image(points[..., :2]) * seen, seen], -1)).float()


def features_of(track: Path) -> Path:
    """Where the features of a track lie: ``track_001.npz`` has ``features_001.safetensors`` beside it."""
    return track.with_name(track.stem.replace("track", "features", 1) + ".safetensors")


def jittered(crops: Crops, generator: np.random.Generator) -> Crops:
    """Crops moved by up to 20 of their pixels and scaled by up to 2^0.3 either way, each frame by itself."""
    count = len(crops.scales)
    scales = crops.scales * 2 ** generator.uniform(-OCTAVES, OCTAVES, count)
    return Crops(crops.centers + generator.uniform(-SHIFT, SHIFT, (count, 2)) / scales[:, None], scales)


def cache_features(
    reader: VideoReader, tracks: Sequence[tuple[PseudoTrack, Path]], encoder: ResNet50, encoder_hash: str, reporter: Reporter
) -> None:
    """Writes the features of a video's tracks, each in the paper's crop and jittered ones, beside the tracks' paths.

    The video is read once. ``encoder`` as made by ``ResNet50.for_inference``. Raises OutputError.
    """
    generator, copies, crops = np.random.default_rng(0), [], []
    for labels, _ in tracks:
        copy = Track(labels.frame_ids, labels.boxes, labels.keypoints2d, np.ones(len(labels.frame_ids), bool))
        paper = person_crops(labels.keypoints2d)
        copies += [copy] * VARIANTS
        crops += [paper] + [jittered(paper, generator) for _ in range(VARIANTS - 1)]
    seen = image_features(reader, copies, encoder, reporter, crops=crops)
    for index, (_, path) in enumerate(tracks):
        mine = seen[index * VARIANTS : (index + 1) * VARIANTS]
        tensors = {
            "phi": torch.stack([each.phi for each in mine]).half(),
            "centers": torch.from_numpy(np.stack([each.crops.centers for each in mine])).float(),
            "scales": torch.from_numpy(np.stack([each.crops.scales for each in mine])).float(),
        }
        with replacing(features_of(path)) as temporary:
            save_file(tensors, temporary, {_ENCODER: encoder_hash})


class FeatureSampler:
    """Draws batches. The same seed and number give the same batch, in whatever order they are drawn.

    Tracks shorter than ``frames``, the longest window to be drawn, are left out. Raises InputError where none is left.
    """

    def __init__(self, tracks: Sequence[FeatureTrack], frames: int, seed: int = 0) -> None:
        self.tracks, self.seed = [track for track in tracks if len(track) >= frames], seed
        if not self.tracks:
            raise InputError(f"None of {len(tracks)} track(s) has {frames} frames.", "Label longer videos.")

    @property
    def hours(self) -> float:
        """Length of all tracks."""
        return sum(track.labels.seconds for track in self.tracks) / 3600

    def batch(self, number: int, size: int, frames: int) -> TrackBatch:
        """Batch ``number``: ``size`` windows of ``frames`` frames, long tracks drawn more often."""
        generator = Generator().manual_seed((self.seed << 32) + (1 << 31) + number)
        lengths = torch.tensor([len(track) for track in self.tracks], dtype=torch.double)
        chosen = torch.multinomial(lengths, size, replacement=True, generator=generator).tolist()
        features, targets = zip(*(_window(self.tracks[index], frames, generator) for index in chosen), strict=True)
        return TrackBatch(torch.stack(features), None, torch.stack(targets))


def _window(track: FeatureTrack, frames: int, generator: Generator) -> tuple[Tensor, Tensor]:
    """Features (frames, 2048) and targets (frames, 17, 3) from a place by lot, each frame in a crop by lot."""
    first = int(torch.randint(len(track) - frames + 1, (), generator=generator))
    variants = torch.randint(len(track.scales), (frames,), generator=generator)
    return track.phi(variants, first), track.targets(variants, first)


def split_by_video(tracks: list[Path]) -> tuple[list[Path], list[Path]]:
    """Tracks for training and for validation: those of every tenth video (folder), of fewer the last's; none of a single one."""
    videos = sorted({track.parent for track in tracks})
    held_out = videos[EVERY - 1 :: EVERY] or videos[1:][-1:]
    return [path for path in tracks if path.parent not in held_out], [path for path in tracks if path.parent in held_out]
