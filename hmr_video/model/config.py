"""The dimensions of the model, in one dataclass."""

from dataclasses import dataclass
from typing import Literal

NUM_JOINTS = 24  # SMPL's, the root included
NUM_BETAS = 10
CAMERA_SIZE = 3  # s, tx, ty of the weak-perspective camera


@dataclass(frozen=True)
class HMMRConfig:
    """Everything that sizes an `hmr_video.model.HMMR`.

    Attributes:
        feature_size: length of the feature vector of a frame.
        width: channels of the image feature phi and of the movie strip.
        project_features: whether a small network maps features to ``width``; else they are phi itself.
        blocks: residual blocks of the temporal encoder; each sees two frames further to either side.
        groups: groups of the group norm.
        norm_over_time: whether a group's statistics run over all frames of the window, or over one frame's channels only.
        norm_epsilon: added to the variance.
        rotation: what the regressors predict for each joint, an axis-angle (3) or two matrix columns (6).
        hidden: width of the fully connected layers of the regressors.
        delta_hidden: the same of past's and future's, where it differs.
        dropout: probability, in the regressors.
        iterations: steps of iterative error feedback.
        delta_frames: how many frames away the past and the future prediction lie.
        features: what the model reads, for whoever runs it; to the model itself features are numbers.
        keypoints: number of 2D points: that it reads (17: COCO; 29: feet and hands too), or, of images, that supervise it (25:
            the paper's extended COCO set).
    """

    feature_size: int
    width: int
    project_features: bool
    groups: int
    norm_over_time: bool
    rotation: Literal["axis_angle", "six_d"]
    dropout: float
    keypoints: int
    blocks: int = 3
    norm_epsilon: float = 1e-6
    hidden: int = 1024
    delta_hidden: int | None = None
    iterations: int = 3
    delta_frames: int = 5
    features: Literal["keypoints", "resnet50"] = "keypoints"

    def __post_init__(self) -> None:
        if self.rotation not in ("axis_angle", "six_d"):
            raise ValueError(f"rotation is {self.rotation!r}, not 'axis_angle' or 'six_d'")
        if not self.project_features and self.feature_size != self.width:
            raise ValueError(f"features of {self.feature_size} numbers need a projection to the width {self.width}")
        if self.width % self.groups:
            raise ValueError(f"a width of {self.width} does not split into {self.groups} groups")

    @property
    def pose_size(self) -> int:
        """Length of the pose: 72 or 144."""
        return NUM_JOINTS * (3 if self.rotation == "axis_angle" else 6)

    @property
    def theta_size(self) -> int:
        """Length of theta = camera, pose, shape: 85 in the paper."""
        return CAMERA_SIZE + self.pose_size + NUM_BETAS
