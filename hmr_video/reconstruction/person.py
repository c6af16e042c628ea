"""One person while the line works on them: what is seen of them, and the body that is made of it."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from hmr_video.body import Body
from hmr_video.geometry import Array
from hmr_video.people import Track


@dataclass(frozen=True)
class Estimate:
    """A body over T frames: rotations (T, 24, 3, 3) with the root's into camera space, betas (10,), trans (T, 3) metres."""

    rotations: Tensor
    betas: Tensor
    trans: Tensor


@dataclass(frozen=True)
class Evidence:
    """One person's first estimate of T frames, keypoints (T, 17 or 29, 3) in pixels with confidence, timestamps (T,) seconds, and
    the camera's path (T, 4, 4) where it is known to move."""

    estimate: Estimate
    keypoints: Tensor
    timestamps: Tensor
    stage: Tensor | None = None

    def __len__(self) -> int:
        return len(self.timestamps)


@dataclass(frozen=True)
class Person:
    """One person over T frames.

    Attributes:
        track: the 2D evidence, as a camera sees it that keeps its first focal length.
        estimate: the body, in camera space.
        to_past, to_future: (T, 24, 3, 3) what each joint's present rotation is followed by (on the right) to give the past's.
        timestamps: (T,) seconds; frame_rate: nominal frames per second.
        camera_matrix: (3, 3) intrinsics in pixels.
        zoom: (T,) the focal length of each frame over that of ``camera_matrix``.
        world_from_camera: (T, 4, 4) rigid, or None where there is no world yet.
    """

    track: Track
    estimate: Estimate
    to_past: Tensor
    to_future: Tensor
    timestamps: Array
    frame_rate: float
    camera_matrix: Tensor
    zoom: Array
    world_from_camera: Array | None = None

    def __len__(self) -> int:
        return len(self.track)

    def skeleton(self, body: Body) -> tuple[Tensor, Tensor]:
        """Joints (T, 24, 3) in camera space and their rotations (T, 24, 3, 3) against it, in float64."""
        estimate = self.estimate
        joints, turned = body.joints(estimate.rotations.double(), estimate.betas.double().expand(len(self), -1))
        return joints + estimate.trans.double()[:, None], turned

    def reposed(self, rotations: Array | Tensor, trans: Array | Tensor) -> "Person":
        """With other rotations (T, 24, 3, 3) and trans (T, 3) of the body."""
        changed = Estimate(torch.as_tensor(rotations).float(), self.estimate.betas, torch.as_tensor(trans).float())
        return replace(self, estimate=changed)
