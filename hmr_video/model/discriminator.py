"""The pose discriminator D: is each joint's rotation, and are all together, those of a person?"""

import torch
from torch import Tensor, nn

from hmr_video.model.config import NUM_JOINTS
from hmr_video.model.temporal import init_linear

BODY_JOINTS = NUM_JOINTS - 1  # all but the root, whose rotation is the camera's affair
CHANNELS = 32
HIDDEN = 1024


class PoseDiscriminator(nn.Module):
    """Factorised over joints (Kanazawa et al., CVPR 2018, section 3.4): 24 scores, one a joint and one for the pose."""

    def __init__(self) -> None:
        super().__init__()
        # 1x1 convolutions over joints are linear layers shared by all of them.
        self.shared = nn.Sequential(
            init_linear(nn.Linear(9, CHANNELS)), nn.ReLU(), init_linear(nn.Linear(CHANNELS, CHANNELS)), nn.ReLU()
        )
        self.joints = nn.ModuleList(init_linear(nn.Linear(CHANNELS, 1)) for _ in range(BODY_JOINTS))
        self.pose = nn.Sequential(
            init_linear(nn.Linear(BODY_JOINTS * CHANNELS, HIDDEN)),
            nn.ReLU(),
            init_linear(nn.Linear(HIDDEN, HIDDEN)),
            nn.ReLU(),
            init_linear(nn.Linear(HIDDEN, 1)),
        )

    def forward(self, rotations: Tensor) -> Tensor:
        """rotations (..., 23, 3, 3), the root left out -> scores (..., 24): 1 real, 0 not; the joints, then all together."""
        features = self.shared(rotations.flatten(-2))  # (..., 23, 32)
        joints = [head(features[..., joint, :]) for joint, head in enumerate(self.joints)]  # 23 of (..., 1)
        return torch.cat([*joints, self.pose(features.flatten(-2))], -1)
