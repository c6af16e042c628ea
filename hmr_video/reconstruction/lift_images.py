"""One person's image features through the paper's model: a first 3D estimate, as `lift` makes of keypoints."""

import torch
from torch import Tensor

from hmr_video.console import Reporter
from hmr_video.errors import UsageError
from hmr_video.features.image_crops import Crops
from hmr_video.features.images import ImageFeatures, image_features, zero_feature
from hmr_video.model.hmmr import HMMR
from hmr_video.model.windows import predict_windows
from hmr_video.people import People
from hmr_video.reconstruction.lift import Lifted
from hmr_video.reconstruction.loading import Models
from hmr_video.reconstruction.person import Estimate
from hmr_video.video import VideoReader

SMALLEST_SCALE = 0.05  # a network may say 0, which would be infinitely far


def lift_video(
    reader: VideoReader | None, people: People, camera_matrix: Tensor, models: Models, hallucinate: bool, reporter: Reporter
) -> list[Lifted]:
    """The paper's model's estimates of all people in a video. Raises UsageError where there is no video."""
    if reader is None or models.image_encoder is None:
        raise UsageError("The paper's model reads images, and keypoints come without.", "Give the video, or leave --weights out.")
    with reporter.stage("features"):
        features = image_features(reader, people.tracks, models.image_encoder, reporter)
    padding = zero_feature(models.image_encoder)
    with reporter.stage("model"):
        return [lift_images(models.model, one, padding, camera_matrix, hallucinate) for one in features]


@torch.inference_mode()
def lift_images(
    model: HMMR, features: ImageFeatures, zero_feature: Tensor, camera_matrix: Tensor, hallucinate: bool = False
) -> Lifted:
    """Features of T frames -> the model's estimate, at the video's own frame rate. ``zero_feature`` (2048,) pads the windows.

    The paper regresses a shape for every frame; a result has one, their mean. With ``hallucinate`` each frame is a photograph.
    """
    device = next(model.parameters()).device
    if hallucinate:
        output = model.regress(model.hallucinate(model.encode(features.phi[None].to(device))))
    else:
        output = predict_windows(model, features.phi.to(device), zero_feature.to(device))
    present, past, future = (moment.rotations[0].cpu() for moment in (output.present, output.past, output.future))
    trans = translation(output.present.camera[0].cpu(), features.crops, camera_matrix)
    estimate = Estimate(present, output.present.betas[0].mean(0).cpu(), trans)
    return Lifted(estimate, present.mT @ past, present.mT @ future)


def translation(camera: Tensor, crops: Crops, camera_matrix: Tensor) -> Tensor:
    """Where bodies stand before the full-image camera: weak cameras (T, 3) s, tx, ty of the crops -> (T, 3) metres.

    A metre spans s h pixels of the image, h being half a crop; at the distance z it spans f / z. So z = f / (s h); and the crop's
    middle m adds (m - c) z / f to tx, ty, which are metres already.
    """
    focal, principal = camera_matrix[0, 0], camera_matrix[:2, 2]
    pixels_per_metre = camera[:, :1].clamp_min(SMALLEST_SCALE) * torch.from_numpy(crops.pixels_per_unit()).float()[:, None]
    middles = torch.from_numpy(crops.middles()).float()
    return torch.cat([camera[:, 1:] + (middles - principal) / pixels_per_metre, focal / pixels_per_metre], -1)
