"""`Track`: the 2D evidence of one person. What comes out of this room."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import BODY_LANDMARKS, with_limb_ends

if TYPE_CHECKING:
    from hmr_video.geometry.silhouettes import Silhouettes


@dataclass(frozen=True)
class Track:
    """One person's 2D evidence over T consecutive frames.

    Attributes:
        frame_ids: (T,) 0-based, consecutive frames of the source.
        boxes: (T, 4) x1 y1 x2 y2 in pixels, gaps filled, smoothed.
        landmarks: (T, 29, 3) x, y, confidence in pixels of `hmr_video.geometry.skeleton.LANDMARKS`; all zero where the person was
            not found, and what nobody looked for. COCO's 17 alone, which are the first, are taken too.
        detected: (T,) bool, False where the frame was filled in.
        agreement: (T,) in 0..1, how well detector and landmark network agree on the limbs; None where there was one witness only.
        widths: (T, S) pixels across trunk and legs at `hmr_video.people.keypoints.widths.STATIONS`, NaN where they are not seen;
            None where nobody looked.
        silhouettes: where they were asked for.
    """

    frame_ids: Array
    boxes: Array
    landmarks: Array
    detected: Array
    agreement: Array | None = None
    widths: Array | None = None
    silhouettes: "Silhouettes | None" = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "landmarks", with_limb_ends(self.landmarks))

    @property
    def keypoints(self) -> Array:
        """(T, 17, 3) COCO's."""
        return self.landmarks[:, BODY_LANDMARKS]

    def __len__(self) -> int:
        return len(self.frame_ids)

    @property
    def size(self) -> float:
        """Mean area of the box in square pixels times the number of frames: how much of the screen the person had."""
        width, height = (self.boxes[:, 2:] - self.boxes[:, :2]).T
        return float(np.sum(width * height))


@dataclass(frozen=True)
class People:
    """All people of one clip, largest on screen first, with the clip's time axis.

    Attributes:
        tracks: one per person.
        image_size: width, height in pixels.
        frame_rate: nominal frames per second.
        timestamps: (N,) seconds of every frame of the clip, by frame id.
        camera_matrix: (3, 3) intrinsics in pixels where the source states them, else None.
        cuts: ids of the frames with which new shots begin, ascending.
        engine: what ran the detector, ``openvino`` or ``torch``; empty when the keypoints came from a file.
        landmark_network: the name of the network that looked at crops of the people; empty where none did.
    """

    tracks: list[Track]
    image_size: tuple[int, int]
    frame_rate: float
    timestamps: Array
    camera_matrix: Array | None = None
    cuts: tuple[int, ...] = ()
    engine: str = ""
    landmark_network: str = ""
