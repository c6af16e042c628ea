"""2D keypoints from elsewhere instead of a video: NPZ, OpenPose, COCO, AlphaPose, MMPose, Sports2D.

`reading` finds the reader, each makes an `Evidence`, `checks` refuses what is no pixels, `linking` tells people apart.
"""

from hmr_video.people.keypoints.files.linking import associate, track_from_keypoints
from hmr_video.people.keypoints.files.reading import read_keypoints

__all__ = ["associate", "read_keypoints", "track_from_keypoints"]
