"""People told apart over frames, by the file's own names for them or by where they are, and made into tracks."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from hmr_video.errors import InputError
from hmr_video.geometry import Array
from hmr_video.people.detect.detections import box_overlap
from hmr_video.people.keypoints.files.checks import STATED_CONFIDENCE
from hmr_video.people.keypoints.files.evidence import Pose
from hmr_video.people.track.assignment import assigned
from hmr_video.people.track.clean import fill
from hmr_video.people.track.joining import pose_distance
from hmr_video.people.track.tracks import Track

MOST_FRAMES = 2_000_000  # nine hours at 60 a second
_BOX_MARGIN = 0.1  # of the keypoints' extent on each side: heads and feet reach beyond them
_PATIENCE = 30  # frames
BODY = 17  # COCO's points, the first of all


def track_from_keypoints(frame_ids: Array, keypoints: Array) -> Track:
    """A `Track` from frame ids (n,), ascending, gaps allowed, and keypoints (n, 17, 3) or landmarks (n, 29, 3).

    Boxes are those around COCO's keypoints.

    Raises InputError when the ids reach so far that filling the gaps would take all memory.
    """
    if frame_ids[-1] >= MOST_FRAMES:
        raise InputError(f"There is a frame number {frame_ids[-1]}.", f"Number frames from 0 to below {MOST_FRAMES}.")
    seen = (keypoints[:, :BODY, 2] > STATED_CONFIDENCE).sum(-1) >= 2
    frame_ids, keypoints = frame_ids[seen], keypoints[seen]
    return fill(frame_ids, boxes_around(keypoints[:, :BODY]), keypoints)


def boxes_around(keypoints: Array) -> Array:
    """(n, 17, 3), at least two keypoints of each visible -> (n, 4) x1 y1 x2 y2 with a margin."""
    visible = keypoints[:, :, 2:] > STATED_CONFIDENCE
    low = np.where(visible, keypoints[:, :, :2], np.inf).min(1)
    high = np.where(visible, keypoints[:, :, :2], -np.inf).max(1)
    margin = _BOX_MARGIN * (high - low).max(-1, keepdims=True)
    return np.concatenate([low - margin, high + margin], 1)


@dataclass
class _Open:
    frame_ids: list[int]
    poses: list[Array]


def linked(poses: Sequence[Pose], where: str) -> tuple[list[tuple[Array, Array]], list[str]]:
    """Poses in any order as tracks (frame ids, landmarks (n, 29, 3)), and notes.

    By the file's names for people where these tell them apart, else by where they are.
    """
    doubt = _doubt(poses)
    if doubt is None:
        tracks: dict[Hashable, dict[int, Array]] = {}
        for pose in poses:
            tracks.setdefault(pose.who, {})[pose.frame] = pose.points
        return [(np.array(sorted(own)), np.array([own[frame] for frame in sorted(own)])) for own in tracks.values()], []
    frames: dict[int, list[Array]] = {}
    for pose in poses:
        frames.setdefault(pose.frame, []).append(pose.points)
    notes = [f"{doubt} in {where}: they are told apart by where they are."] if doubt else []
    return associate([(frame, np.array(found)) for frame, found in sorted(frames.items())]), notes


def _doubt(poses: Sequence[Pose]) -> str | None:
    """Why the file's names for people do not tell them apart, empty where it has none; None where they do."""
    names = {pose.who for pose in poses}
    if names == {None}:
        return ""
    if None in names:
        return "Not all people have a number"
    if len({(pose.frame, pose.who) for pose in poses}) < len(poses):
        return "Several people of a frame have the same number"
    if len({pose.frame for pose in poses}) > 1 and len(names) > len(poses) // 2:
        return "The numbers of people hardly ever come again"
    return None


def associate(frames: Sequence[tuple[int, Array]]) -> list[tuple[Array, Array]]:
    """Tells people apart over frames (frame id, keypoints (n, K, 3), COCO's first) by overlap of boxes and distance of keypoints.

    Each pose continues the track that it is nearest to, one pose a track and frame; a track unseen for more than
    30 frames is closed. Returns (frame ids, keypoints) per track.
    """
    tracks: list[_Open] = []
    for frame_id, poses in frames:
        poses = poses[(poses[:, :BODY, 2] > STATED_CONFIDENCE).sum(-1) >= 2]
        alive = [track for track in tracks if frame_id - track.frame_ids[-1] <= _PATIENCE]
        cost = _association_cost(np.array([track.poses[-1][:BODY] for track in alive]).reshape(-1, BODY, 3), poses[:, :BODY])
        matched = {int(j): int(i) for i, j in assigned(cost) if cost[i, j] < 1}
        for position, pose in enumerate(poses):
            if position in matched:
                alive[matched[position]].frame_ids.append(frame_id)
                alive[matched[position]].poses.append(pose)
            else:
                tracks.append(_Open([frame_id], [pose]))
    return [(np.array(track.frame_ids), np.array(track.poses)) for track in tracks]


def _association_cost(tracks: Array, poses: Array) -> Array:
    """(m, 17, 3), (n, 17, 3) -> (m, n): 0 the same pose, 1 and above strangers."""
    if not len(tracks) or not len(poses):
        return np.zeros((len(tracks), len(poses)))
    old, new = boxes_around(tracks)[:, None], boxes_around(poses)[None]
    height = np.maximum(old[..., 3] - old[..., 1], new[..., 3] - new[..., 1])
    overlap = box_overlap(old, new)
    distance = np.minimum(pose_distance(tracks[:, None], poses[None], height) / 0.5, 2.0)
    return np.minimum(1.0 - overlap + 1e-9, distance)
