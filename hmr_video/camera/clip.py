"""The camera of a whole clip: one path per shot, the simplest motion that explains how the background moves."""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from threadpoolctl import threadpool_limits

from hmr_video.camera.background import Followed
from hmr_video.camera.path import FEWEST, Path, keyframes, observations, rests, without_overlays
from hmr_video.geometry import Array


@dataclass(frozen=True)
class ClipCamera:
    """One :class:`Path` per shot, in the order of the frames; the focal length (over the longer side of the picture) with which
    the longest shot begins whose background tells it, None where none does."""

    shots: tuple[Path, ...]
    focal: float | None = None

    @property
    def kind(self) -> str:
        """What the camera does for the most part: ``still``, ``turning``, ``moving`` or ``unknown``."""
        frames = Counter[str]()
        for shot in self.shots:
            frames[shot.kind] += len(shot.frame_ids)
        return "still" if not frames else max(frames, key=lambda kind: (frames[kind], kind))

    def stage_from_camera(self, frame_ids: Array) -> Array:
        """(T, 4, 4) from the space of each frame's camera into that of the first of its shot."""
        stage = np.tile(np.eye(4), (len(frame_ids), 1, 1))
        for shot in self.shots:
            mine, rows = shot.rows(frame_ids)
            stage[mine, :3, :3], stage[mine, :3, 3] = shot.turns[rows], shot.centres[rows]
        return stage

    def zooms(self, frame_ids: Array) -> Array:
        """(T,) the focal length of each frame over :attr:`focal`, or over that of its shot's first where nothing tells it."""
        found = np.ones(len(frame_ids))
        for shot in self.shots:
            mine, rows = shot.rows(frame_ids)
            found[mine] = shot.focals[rows] / (self.focal or shot.focals[0])
        return found


def find_camera(followed: Followed, cuts: list[int], frame_rate: float, focal: float, focal_known: bool) -> ClipCamera:
    """The camera of a clip whose shots begin at ``cuts``. ``focal``: over the longer side, a guess unless ``focal_known``."""
    if len(followed) == 0:
        return ClipCamera(())
    bounds = [int(followed.frame_ids[0]), *cuts, int(followed.frame_ids[-1]) + 1]
    pieces = [followed.between(low, high) for low, high in pairwise(bounds)]
    with threadpool_limits(1, "blas"):  # the matrices are small: a second thread would only wait
        shots = tuple(find_path(piece, frame_rate, focal, focal_known) for piece in pieces if len(piece))
    focals = [(len(shot.frame_ids), float(shot.focals[0])) for shot in shots if shot.focal_observed]
    return ClipCamera(shots, max(focals)[1] if focals and not focal_known else None)


def find_path(followed: Followed, frame_rate: float, focal: float, focal_known: bool = False) -> Path:
    """The camera's path in one shot. ``focal``: over the longer side, a guess unless ``focal_known``."""
    if len(followed) == 1:
        return Path.still(followed.frame_ids, focal)
    keys = keyframes(followed, frame_rate)
    followed = without_overlays(followed, keys)
    seen = observations(followed, keys)
    blind = int((np.diff(followed.starts) < FEWEST).sum())
    if len(keys) < 2 or len(seen.camera) < 2 * FEWEST:
        return Path.still(followed.frame_ids, focal, "unknown", blind)
    if rests(followed, keys):
        return Path.still(followed.frame_ids, focal, "still", blind)
    from hmr_video.camera.turning import solved_path  # most cameras rest

    return solved_path(followed, keys, seen, focal, focal_known, blind, frame_rate)
