"""What every file of keypoints is read into: who is where in which frame, and what the file says of the pictures."""

from collections.abc import Hashable
from dataclasses import dataclass, field

import numpy as np

from hmr_video.geometry import Array

FORMATS = (
    "Give an NPZ with keypoints2d, a folder of OpenPose JSON, COCO keypoint JSON, or results of AlphaPose, MMPose or Sports2D; "
    "of COCO-17, COCO-WholeBody, Halpe or BODY_25 points."
)


@dataclass(frozen=True)
class Pose:
    """One person in one frame: ``points`` (29, 3) of `LANDMARKS`, as in the file; ``who``: the file's own number or name."""

    frame: int
    points: Array
    who: Hashable = None


@dataclass
class Evidence:
    """A file of keypoints.

    Attributes:
        poses: in no order; people without a point are left out.
        frames: how many frames there are, the empty ones too.
        image_size: width and height, where stated.
        frame_rate: where stated.
        times: seconds of some frames, where stated.
        camera_matrix: (3, 3), where stated.
        flags: whether the third number of a point may be COCO's flag, 0, 1 or 2.
        notes: what the user should know of how the file was read.
    """

    poses: list[Pose]
    frames: int
    image_size: tuple[int, int] | None = None
    frame_rate: float | None = None
    times: dict[int, float] = field(default_factory=dict)
    camera_matrix: Array | None = None
    flags: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def points(self) -> Array:
        """(N, 29, 3) of all poses."""
        return np.array([pose.points for pose in self.poses]).reshape(-1, 29, 3)
