"""What training asks of the model on tracks without 3D labels: that its bodies explain the 2D points, and are people's."""

import torch
from torch import Tensor

from hmr_video.body import Body
from hmr_video.features.keypoints import camera_translation
from hmr_video.geometry.weak_cameras import weak_project
from hmr_video.model.hmmr import Prediction
from hmr_video.model.losses import constant_shape_loss, keypoint_loss, keypoint_loss_optimal_camera, shape_prior_loss
from hmr_video.train.pseudo_labels import TrackBatch

JUDGED = 64  # poses a step: the discriminator would cost more than the model, were it shown them all


def present_terms(present: Prediction, batch: TrackBatch, body: Body) -> dict[str, Tensor]:
    """The 2D loss under the predicted camera, the shape prior, and the constancy of shape; unweighted."""
    betas = present.betas.float()
    points = projected(present, batch, body).clamp(-10, 10)
    terms = {"points2d": keypoint_loss(points, batch.targets), "shape_prior": shape_prior_loss(betas)}
    return terms | ({"constant_shape": constant_shape_loss(betas)} if betas.shape[1] > 1 else {})


def delta_term(delta: Prediction, frames: Tensor, batch: TrackBatch, body: Body) -> Tensor:
    """The 2D loss of past or future against the labels of ``frames`` (K,), where they lie; delta (B, K, ...).

    They have no camera: scale and translation are solved for, so that the jitter of a crop is no motion (HMMR, section 3.3). The
    projection is parallel: along the ray through the box's centre, or a person at the image's side would seem turned; of image
    features, which do not know where their crop lies, along the camera's axis.
    """
    points = relative_keypoints(body, delta)
    if batch.box is not None:
        points = points[..., :2] - batch.box[:, frames, None, :2] * points[..., 2:]
    return keypoint_loss_optimal_camera(points, batch.targets[:, frames])


def projected(present: Prediction, batch: TrackBatch, body: Body) -> Tensor:
    """Keypoints (B, T, 17, 2) as the predicted camera sees them, in units of the box or the crop: the shipped model's in
    perspective, placing the pelvis; the paper's in parallel, placing the body as smplx does."""
    if batch.box is not None:
        return in_box(relative_keypoints(body, present), present.camera, batch.box)
    return weak_project(body.coco_keypoints(present.rotations, present.betas.float()), present.camera.float())


def in_box(points: Tensor, camera: Tensor, box: Tensor) -> Tensor:
    """Points (..., P, 3) in metres relative to the pelvis, as the model's camera (..., 3) sees them in perspective: (..., P, 2)
    in units of the box (..., 3), which is in rays."""
    placed = points + camera_translation(camera.float(), box)[..., None, :]
    rays = placed[..., :2] / placed[..., 2:].clamp_min(0.2)
    return (rays - box[..., None, :2]) / box[..., None, 2:]


def relative_keypoints(body: Body, prediction: Prediction) -> Tensor:
    """COCO keypoints (B, T, 17, 3) in metres relative to the pelvis."""
    betas = prediction.betas.float()
    joints, turned = body.joints(prediction.rotations, betas)
    return body.coco_from_joints(joints, turned, betas) - joints[..., :1, :]


def judged_poses(predictions: list[Prediction]) -> Tensor:
    """The poses (N, 23, 3, 3) that the discriminator sees: of all predictions JUDGED, evenly spaced, as neighbours look alike."""
    poses = torch.cat([prediction.rotations[..., 1:, :, :].flatten(0, 1) for prediction in predictions])
    chosen = torch.linspace(0, len(poses) - 1, min(JUDGED, len(poses)), device=poses.device)
    return poses[chosen.long()]
