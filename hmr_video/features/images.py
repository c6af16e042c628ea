"""The paper's features of people in a video: each frame of each track cropped and encoded, once."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from hmr_video.console import Reporter
from hmr_video.features.image_crops import Crops, cut, person_crops
from hmr_video.features.resnet50 import IMAGE_SIZE, PHI_SIZE, ResNet50
from hmr_video.people.track.tracks import Track
from hmr_video.video import Chunk, VideoReader


@dataclass(frozen=True)
class ImageFeatures:
    """phi (T, 2048) of a track's T frames, and the crops that they are of."""

    phi: Tensor
    crops: Crops


def image_features(
    reader: VideoReader,
    tracks: Sequence[Track],
    encoder: ResNet50,
    reporter: Reporter,
    batch: int = 16,
    crops: Sequence[Crops] | None = None,
) -> list[ImageFeatures]:
    """The features of all tracks of a video, which is read once. ``encoder`` as made by ``ResNet50.for_inference``.

    ``crops``: one per track, the paper's unless told. A frame that cannot be decoded any more counts as an image of zeros, as
    the paper's padding does.
    """
    crops = [person_crops(track.keypoints) for track in tracks] if crops is None else crops
    padding = zero_feature(encoder)
    phi = [padding.repeat(len(track), 1) for track in tracks]
    with reporter.progress("Encoding images", sum(len(track) for track in tracks), "crops") as advance:
        for chunk in reader.chunks():
            places, images = _crops_of(chunk, tracks, crops)
            for start in range(0, len(places), batch):
                found = encode(encoder, torch.stack(images[start : start + batch]))
                for (person, frame), feature in zip(places[start : start + batch], found, strict=True):
                    phi[person][frame] = feature
                advance(len(found))
    return [ImageFeatures(*pair) for pair in zip(phi, crops, strict=True)]


def zero_feature(encoder: ResNet50) -> Tensor:
    """phi (2048,) of an image of zeros, by which windows are padded."""
    return encode(encoder, torch.zeros(1, 3, IMAGE_SIZE, IMAGE_SIZE))[0]


@torch.inference_mode()
def encode(encoder: ResNet50, images: Tensor) -> Tensor:
    """Crops (N, 3, 224, 224) in [-1, 1] -> phi (N, 2048) on the CPU, computed where the encoder's weights lie."""
    device = next(encoder.parameters()).device
    return encoder(images.to(device, memory_format=torch.channels_last)).cpu().reshape(-1, PHI_SIZE)


def _crops_of(chunk: Chunk, tracks: Sequence[Track], crops: Sequence[Crops]) -> tuple[list[tuple[int, int]], list[Tensor]]:
    """The crops of all people in a chunk, and for each the number of its track and of its frame within that."""
    places, images = [], []
    for image, frame_id in zip(chunk.frames, chunk.frame_ids, strict=True):
        for person, track in enumerate(tracks):
            frame = int(frame_id - track.frame_ids[0])
            if 0 <= frame < len(track):
                places.append((person, frame))
                images.append(cut(image, crops[person].centers[frame], float(crops[person].scales[frame])))
    return places, images
