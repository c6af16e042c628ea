"""The paper's losses on image features with 2D and, where there are any, 3D labels (HMMR, section 3.3)."""

from collections.abc import Callable

from torch import Tensor

from hmr_video.body import Body
from hmr_video.evaluate.metrics import at_hips
from hmr_video.geometry.cameras import weak_project
from hmr_video.model.hmmr import Output, Prediction
from hmr_video.model.losses import (
    constant_shape_loss,
    future_pairs,
    keypoint_loss,
    keypoint_loss_optimal_camera,
    past_pairs,
    shape_prior_loss,
    smpl_loss,
    weighted_mean,
)
from hmr_video.train.feature_tracks import FeatureBatch
from hmr_video.train.track_terms import relative_keypoints

LABEL_WEIGHT = 60.0  # of keypoints, joints and SMPL
Pairs = Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor]]


def feature_terms(output: Output, batch: FeatureBatch, body: Body, frames: int = 5) -> dict[str, Tensor]:
    """Weighted terms by name for present, past and future, whose sum is the loss; targets of 17 keypoints.

    Past and future lie ``frames`` away. They have no camera: scale and translation are solved for in each frame, so that the
    jitter of its crop is no motion to them.
    """
    points = relative_keypoints(body, output.present)
    terms = {"keypoints": LABEL_WEIGHT * keypoint_loss(weak_project(points, output.present.camera), batch.targets)}
    terms |= _labelled(output.present, batch, body, lambda predicted, target, _: (predicted, target), 0)
    betas = output.present.betas
    terms |= {"constant_shape": constant_shape_loss(betas), "shape_prior": shape_prior_loss(betas)}
    moments: tuple[tuple[str, Prediction, Pairs], ...] = (
        ("past", output.past, past_pairs),
        ("future", output.future, future_pairs),
    )
    for name, prediction, pairs in moments:
        seen = pairs(relative_keypoints(body, prediction), batch.targets, frames)
        terms[f"{name}_keypoints"] = LABEL_WEIGHT * keypoint_loss_optimal_camera(*seen)
        terms |= {f"{name}_{key}": value for key, value in _labelled(prediction, batch, body, pairs, frames).items()}
    return terms


def _labelled(prediction: Prediction, batch: FeatureBatch, body: Body, pairs: Pairs, frames: int) -> dict[str, Tensor]:
    """The 3D terms of one moment."""
    rotations, true_rotations = pairs(prediction.rotations, batch.rotations, frames)
    betas, true_betas = pairs(prediction.betas, batch.betas[:, None].expand_as(prediction.betas), frames)
    joints, true_joints = pairs(body.joints(prediction.rotations, prediction.betas.float())[0], batch.joints, frames)
    has_pose, has_joints = (flag[:, None].expand(rotations.shape[:2]).float() for flag in (batch.has_pose, batch.has_joints))
    apart = at_hips(joints, joints) - at_hips(true_joints, true_joints)
    return {
        "smpl": LABEL_WEIGHT * smpl_loss(rotations, betas, true_rotations, true_betas, has_pose),
        "joints": LABEL_WEIGHT * weighted_mean(apart.square(), has_joints) / 2,
    }
