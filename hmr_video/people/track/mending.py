"""What trackers do wrong is mended: people confused with each other, lost and found again, or tracked twice."""

from collections.abc import Sequence

import numpy as np

from hmr_video.people.detect.detections import box_overlap
from hmr_video.people.track.crossing import undo_identity_switches
from hmr_video.people.track.joining import join_broken, pose_distance, split_at_gaps
from hmr_video.people.track.mistaken import reassign_detections
from hmr_video.people.track.tracker import Tracklet

_SAME_OVERLAP = 0.65  # intersection over union from which two boxes hold one person
_SAME_POSE = 0.08  # mean distance of shared keypoints, in box heights, below which two poses are one


def mend(tracklets: Sequence[Tracklet], frame_rate: float) -> list[Tracklet]:
    """One tracklet per person of one shot."""
    tracks = reassign_detections(undo_identity_switches(tracklets, frame_rate), frame_rate)
    pieces = [piece for track in tracks for piece in split_at_gaps(track, frame_rate)]
    return drop_doubles(join_broken(drop_doubles(pieces), frame_rate))


def drop_doubles(tracklets: Sequence[Tracklet]) -> list[Tracklet]:
    """Without tracklets that, for most of their life, sit on a longer or surer one (one person tracked twice)."""
    kept: list[Tracklet] = []
    for track in sorted(tracklets, key=lambda track: -float(track.scores.sum())):
        if not any(_is_double(track, other) for other in kept):
            kept.append(track)
    return sorted(kept, key=lambda track: int(track.frame_ids[0]))


def _is_double(track: Tracklet, other: Tracklet) -> bool:
    shared, mine, theirs = np.intersect1d(track.frame_ids, other.frame_ids, return_indices=True)
    if len(shared) * 2 <= len(track):
        return False
    boxes = track.boxes[mine], other.boxes[theirs]
    height = np.maximum(boxes[0][:, 3] - boxes[0][:, 1], boxes[1][:, 3] - boxes[1][:, 1])
    same = box_overlap(*boxes) > _SAME_OVERLAP
    same |= pose_distance(track.keypoints[mine], other.keypoints[theirs], height) < _SAME_POSE
    return bool(same.sum() * 2 > len(track))
