"""Features of tracks: each crop goes through the encoder once, lands at its frame, and is padded by the feature of zeros."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hmr_video.console import Reporter
from hmr_video.errors import UsageError
from hmr_video.features.images import image_features, zero_feature
from hmr_video.geometry.cameras import camera_matrix
from hmr_video.model import HMMR, HMMRConfig
from hmr_video.model.windows import predict_windows
from hmr_video.people.track.tracks import People, Track
from hmr_video.reconstruction.lift_images import lift_video
from hmr_video.reconstruction.loading import Models
from hmr_video.video import Chunk


class Mean(nn.Module):
    """An encoder whose whole feature is the mean of the crop, plus 1/4."""

    def __init__(self) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.ones(1))
        self.seen = 0

    def forward(self, images: Tensor) -> Tensor:
        self.seen += len(images)
        return (images.mean((1, 2, 3)) * self.gain + 0.25)[:, None].expand(-1, 2048)


class Reader:
    """Twenty plain frames, frame t of the grey t, in chunks; the tenth is lost."""

    def chunks(self) -> Iterator[Chunk]:
        for ids in np.split(np.delete(np.arange(20), 10), [7, 12]):
            frames = np.broadcast_to(ids[:, None, None, None], (len(ids), 60, 80, 3)).astype(np.uint8)
            yield Chunk(frames, ids, ids / 30)


def _track(first: int, length: int) -> Track:
    keypoints = np.zeros((length, 17, 3))
    keypoints[:, :2] = [[20, 10, 0.9], [50, 50, 0.9]]
    return Track(np.arange(first, first + length), np.tile([20.0, 10, 50, 50], (length, 1)), keypoints, np.ones(length, bool))


def test_each_crop_is_encoded_once_and_in_its_place() -> None:
    encoder = Mean()
    tracks = [_track(0, 20), _track(8, 6)]
    first, second = image_features(Reader(), tracks, encoder, Reporter(quiet=True), batch=4)  # type: ignore[arg-type]
    grey = (torch.arange(20) / 255 - 0.5) * 2
    grey[10] = 0  # what was lost counts as an image of zeros
    torch.testing.assert_close(first.phi[:, 0], grey + 0.25)
    torch.testing.assert_close(second.phi[:, 5], grey[8:14] + 0.25)
    assert encoder.seen == 19 + 5 + 1  # and the padding's
    assert second.crops.scales.tolist() == [3.0] * 6
    assert zero_feature(encoder).eq(0.25).all()  # type: ignore[arg-type]


def test_the_pipeline_runs_windows_padded_by_the_feature_of_zeros() -> None:
    torch.manual_seed(0)
    config = HMMRConfig(2048, 16, True, groups=2, norm_over_time=True, rotation="axis_angle", dropout=0.5, keypoints=25, hidden=8)
    model, encoder, track = HMMR(config).eval(), Mean(), _track(0, 9)
    people = People([track], (80, 60), 30.0, np.arange(20) / 30)
    models = Models(model, {}, "", None, None, encoder)  # type: ignore[arg-type]
    arguments = (people, camera_matrix(80, 60), models, False, Reporter(quiet=True))
    (lifted,) = lift_video(Reader(), *arguments)  # type: ignore[arg-type]
    (features,) = image_features(Reader(), [track], encoder, Reporter(quiet=True))  # type: ignore[arg-type]
    expected = predict_windows(model, features.phi, torch.full((2048,), 0.25))
    torch.testing.assert_close(lifted.estimate.rotations, expected.present.rotations[0])
    with pytest.raises(UsageError, match="reads images"):
        lift_video(None, *arguments)
