"""How good the model is on held-out motion, seen by the synthetic detector."""

from dataclasses import replace

import torch
from lightning.fabric import Fabric
from torch import Tensor

from hmr_video.body import Body
from hmr_video.features.keypoints import MODEL_FRAME_RATE
from hmr_video.features.resnet50 import IMAGE_SIZE
from hmr_video.geometry import metrics
from hmr_video.geometry.skeleton import LIMB_JOINTS
from hmr_video.mocap.clips import Mocap
from hmr_video.model import HMMR
from hmr_video.model.hmmr import Prediction
from hmr_video.synth.synthetic import Batch, Sampler
from hmr_video.train.feature_tracks import FeatureSampler
from hmr_video.train.objective import pelvis_joints
from hmr_video.train.pseudo_labels import TrackBatch
from hmr_video.train.settings import Stage, TrainConfig
from hmr_video.train.track_terms import projected

BATCHES = 4
WINDOWS, TRACK_WINDOWS = 64, 16
FRAMES = 30


def validation_batches(config: TrainConfig, mocap: Mocap, body: Body) -> list[Batch]:
    """The same windows for every run: held-out motion as it is, at its own speed, before random cameras."""
    weights = mocap.sampling_weights(config.source_weights)
    synthetic = replace(config.synthetic, augment=None, invented=0.0, slowest=1.0, fastest=1.0)
    sampler = Sampler(mocap, body, weights, synthetic, seed=1)
    return [sampler.batch(number, WINDOWS, FRAMES) for number in range(BATCHES)]


def track_validation_batches(held_out: FeatureSampler | None, frames: int) -> list[TrackBatch]:
    """The same windows for every run of tracks with image features; none where no track is held out."""
    return [held_out.batch(number, TRACK_WINDOWS, frames) for number in range(BATCHES)] if held_out else []


@torch.inference_mode()
def validate_tracks(model: HMMR, body: Body, batches: list[TrackBatch], stage: Stage, fabric: Fabric) -> dict[str, float]:
    """``val_points2d``: the mean distance of predicted keypoints to their labels, in pixels of the paper's crop of 224."""
    model.eval()
    distance = count = 0.0
    for batch in batches:
        present = _present(model, batch.features, stage, fabric)
        labelled = batch.targets[..., 2]
        error = (projected(present, batch, body) - batch.targets[..., :2]).norm(dim=-1) * labelled
        distance, count = distance + error.sum().item() * IMAGE_SIZE / 2, count + labelled.sum().item()
    model.train()
    return {"val_points2d": distance / max(count, 1.0)} if batches else {}


@torch.inference_mode()
def validate(model: HMMR, body: Body, batches: list[Batch], stage: Stage, fabric: Fabric) -> dict[str, float]:
    """Means over the batches of :func:`pose_errors`, as ``val_NAME``; in the first stage each frame stands by itself."""
    model.eval()
    sums: dict[str, float] = {}
    for batch in batches:
        features = batch.features.flatten(0, 1)[:, None] if stage.frames == 1 else batch.features
        joints = pelvis_joints(body, _present(model, features, stage, fabric)).reshape(batch.joints.shape)
        for name, value in pose_errors(joints, batch.joints).items():
            sums[name] = sums.get(name, 0.0) + value / len(batches)
    model.train()
    return {f"val_{name}": value for name, value in sums.items()}


def _present(model: HMMR, features: Tensor, stage: Stage, fabric: Fabric) -> Prediction:
    """What the part of the model that a stage trains says of the frames themselves."""
    with fabric.autocast():
        phi = model.encode(features)
        strip = model.hallucinate(phi) if stage.hallucinator else model.temporal(phi)
        return model.regress_present(strip)[0]


def pose_errors(joints: Tensor, truth: Tensor) -> dict[str, float]:
    """MPJPE, PA-MPJPE and acceleration error in mm (mm/frame^2) over the limb joints of (B, T, 24, 3) metres."""
    joints, truth = (metrics.at_hips(points, points)[..., list(LIMB_JOINTS), :] for points in (joints, truth))
    moving, truly = joints.transpose(0, 1), truth.transpose(0, 1)  # time first
    errors = {
        "mpjpe": metrics.joint_error(joints, truth),
        "pa_mpjpe": metrics.aligned_error(joints.flatten(0, 1), truth.flatten(0, 1)),
        "acceleration": metrics.acceleration_error(moving, truly, MODEL_FRAME_RATE),
        "truth_acceleration": metrics.acceleration_level(truly, MODEL_FRAME_RATE),
    }
    return {name: error.mean().item() for name, error in errors.items()}
