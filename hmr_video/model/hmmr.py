"""HMMR: from the features of frames to the bodies of past, present and future."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hmr_video.geometry.rotations import axis_angle_to_matrix, six_d_to_matrix
from hmr_video.model.config import CAMERA_SIZE, NUM_BETAS, NUM_JOINTS, HMMRConfig
from hmr_video.model.regressor import IterativeRegressor
from hmr_video.model.temporal import Hallucinator, TemporalEncoder, init_linear


@dataclass(frozen=True)
class Prediction:
    """The bodies of one moment of each frame: now, or ``delta_frames`` before or after.

    Attributes:
        camera: (B, T, 3) s, tx, ty of the weak-perspective camera of the crop; (1, 0, 0) for past and future, which have none.
        rotations: (B, T, 24, 3, 3) local joint rotations, the root's into camera space.
        betas: (B, T, 10) shape.
        pose: (B, T, 72 or 144) the rotations as regressed, axis-angle or 6D.
    """

    camera: Tensor
    rotations: Tensor
    betas: Tensor
    pose: Tensor


@dataclass(frozen=True)
class Output:
    """What the model says of a strip: three predictions, the strip (B, T, C), and theta (B, T, S) after each iteration."""

    present: Prediction
    past: Prediction
    future: Prediction
    strip: Tensor
    thetas: list[Tensor]


class HMMR(nn.Module):
    """Figure 2 of the paper. ``model(features)`` is ``model.regress(model.temporal(model.encode(features)))``.

    For one photograph: ``model.regress(model.hallucinate(model.encode(feature)))``.
    """

    def __init__(self, config: HMMRConfig) -> None:
        super().__init__()
        self.config = config
        width, steps = config.width, (config.dropout, config.iterations)
        self.projection = _projection(config.feature_size, width) if config.project_features else nn.Identity()
        self.temporal = TemporalEncoder(config)
        self.hallucinator = Hallucinator(width)
        delta_hidden = config.delta_hidden or config.hidden
        self.regressor = IterativeRegressor(width, config.theta_size, config.hidden, *steps)
        self.regressor_past = IterativeRegressor(width, config.pose_size, delta_hidden, *steps)
        self.regressor_future = IterativeRegressor(width, config.pose_size, delta_hidden, *steps)
        self.mean_theta = nn.Parameter(_mean_theta(config))

    def forward(self, features: Tensor) -> Output:
        """Features (B, T, F) of consecutive frames -> their bodies."""
        return self.regress(self.temporal(self.encode(features)))

    def encode(self, features: Tensor) -> Tensor:
        """Features (B, T, F) -> phi (B, T, C), each frame by itself."""
        return self.projection(features)

    def hallucinate(self, phi: Tensor) -> Tensor:
        """phi (B, T, C), each frame by itself -> the movie strip it suggests (B, T, C)."""
        return self.hallucinator(phi)

    def regress(self, strip: Tensor) -> Output:
        """The strip (B, T, C) -> present by f_3D; past and future by f_-5 and f_+5, from the present pose on."""
        present, thetas = self.regress_present(strip)
        past, future = self.regress_deltas(strip, present)
        return Output(present, past, future, strip, thetas)

    def regress_present(self, strip: Tensor) -> tuple[Prediction, list[Tensor]]:
        """The strip (B, T, C) -> the present alone, and theta (B, T, S) after each iteration."""
        thetas = self.regressor(strip, self.mean_theta.expand(*strip.shape[:-1], -1))
        camera, pose, betas = thetas[-1].split([CAMERA_SIZE, self.config.pose_size, NUM_BETAS], -1)
        return self.predict(camera, pose, betas), thetas

    def regress_deltas(self, strip: Tensor, present: Prediction) -> tuple[Prediction, Prediction]:
        """The strip (B, T, C) and its present -> past by f_-5 and future by f_+5, with copied shape and no camera."""
        no_camera = torch.zeros_like(present.camera)
        no_camera[..., 0] = 1
        past, future = (regressor(strip, present.pose)[-1] for regressor in (self.regressor_past, self.regressor_future))
        return self.predict(no_camera, past, present.betas), self.predict(no_camera, future, present.betas)

    def predict(self, camera: Tensor, pose: Tensor, betas: Tensor) -> Prediction:
        """Reads a regressed pose as rotation matrices. Never in reduced precision."""
        to_matrix = axis_angle_to_matrix if self.config.rotation == "axis_angle" else six_d_to_matrix
        with torch.autocast(pose.device.type, enabled=False):
            rotations = to_matrix(pose.unflatten(-1, (NUM_JOINTS, -1)))
        return Prediction(camera, rotations, betas, pose)


def _projection(feature_size: int, width: int) -> nn.Sequential:
    return nn.Sequential(init_linear(nn.Linear(feature_size, width)), nn.ReLU(), init_linear(nn.Linear(width, width)))


_UPRIGHT, _TURNED = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0], [1.0, 0.0, 0.0, 0.0, -1.0, 0.0]  # no turn, and that by pi about x, in 6D


def _mean_theta(config: HMMRConfig) -> Tensor:
    """Where the regression starts: a person upright before the camera, at rest, of mean shape (theta_size,).

    The root is turned by pi about x, since bodies are y up and the camera is y down.
    """
    rest, root = ([0.0] * 3, [torch.pi, 0.0, 0.0]) if config.rotation == "axis_angle" else (_UPRIGHT, _TURNED)
    return torch.tensor([0.9, 0.0, 0.0, *root, *rest * (NUM_JOINTS - 1), *[0.0] * NUM_BETAS])
