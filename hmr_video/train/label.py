"""Unlabelled video to pseudo-labelled 2D tracks, by the paper's rules for the videos that it gathered (HMMR, section 4)."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hmr_video.errors import InputError
from hmr_video.features.keypoints import MODEL_FRAME_RATE
from hmr_video.files import replacing
from hmr_video.geometry import Array
from hmr_video.geometry.cameras import camera_matrix
from hmr_video.motion import load_arrays
from hmr_video.people import People, Track

KEPT = 0.1  # confidence from which a point is a label
BEGINS = 6  # visible points; a clip begins where there are more
ENDS = 4  # and ends where there are as many or fewer
SHORTEST, LONGEST = 40, 500  # frames a clip, counted at the model's rate whatever the video's
BUST_SHARE = 0.4  # of frames with face and shoulders only: a clip that has as many is dropped
_BELOW_SHOULDERS = 7  # COCO keypoints from here on are neither face nor shoulders
_FIELDS = ("keypoints2d", "frame_ids", "timestamps", "image_size", "camera_matrix", "boxes")


@dataclass(frozen=True)
class PseudoTrack:
    """What a detector says of one person over T frames, to train on. A file of it is one that `convert --keypoints` reads."""

    keypoints2d: Array  # (T, 17, 3) COCO x, y in pixels of the upright frame, and confidence; 0 where there is no label
    frame_ids: Array  # (T,) 0-based frames of the source
    timestamps: Array  # (T,) seconds
    image_size: Array  # (2,) width, height
    camera_matrix: Array  # (3, 3) intrinsics in pixels
    boxes: Array  # (T, 4) x1 y1 x2 y2 in pixels

    @property
    def seconds(self) -> float:
        """From the first frame to the last."""
        return float(self.timestamps[-1] - self.timestamps[0])

    def save(self, path: Path) -> None:
        """Writes plain arrays, no pickle. Raises OutputError."""
        arrays = {name: getattr(self, name) for name in _FIELDS}
        arrays |= {name: arrays[name].astype(np.float32) for name in ("keypoints2d", "camera_matrix", "boxes")}
        arrays["mocap_frame_rate"] = np.array((len(self.frame_ids) - 1) / self.seconds)
        with replacing(path) as temporary, temporary.open("wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> "PseudoTrack":
        """Reads what :meth:`save` wrote, or a result of `convert`. Raises InputError for anything else."""
        data = load_arrays(path)
        remedy = "Give tracks made by `hmr-video label`."
        if missing := [name for name in _FIELDS if name not in data]:
            raise InputError(f"{path} is not a pseudo-labelled track: it lacks {', '.join(missing)}.", remedy)
        track = cls(**{name: data[name] for name in _FIELDS})
        length = len(track.timestamps)
        shapes = ((length, 17, 3), (length,), (length,), (2,), (3, 3), (length, 4))
        for name, shape in zip(_FIELDS, shapes, strict=True):
            value = getattr(track, name)
            if value.shape != shape or value.dtype.kind not in "iuf" or not np.isfinite(value).all():
                raise InputError(f"{path}: {name} {value.shape} is not {shape} finite numbers.", remedy)
        if length < 2 or np.any(np.diff(track.timestamps) <= 0):
            raise InputError(f"{path}: the times of its {length} frame(s) do not ascend.", remedy)
        return track


def pseudo_tracks(people: People, focal: float | None = None) -> list[PseudoTrack]:
    """The clips of all people that the rules let pass. ``focal`` in pixels overrides what the source states."""
    intrinsics = people.camera_matrix
    if focal is not None or intrinsics is None:
        intrinsics = camera_matrix(*people.image_size, focal).numpy()
    return [
        PseudoTrack(
            keypoints2d=np.where(track.keypoints[part, :, 2:] >= KEPT, track.keypoints[part], 0.0),
            frame_ids=track.frame_ids[part],
            timestamps=people.timestamps[track.frame_ids[part]],
            image_size=np.array(people.image_size, np.int64),
            camera_matrix=intrinsics,
            boxes=track.boxes[part],
        )
        for track in people.tracks
        for part in clips(track, people.timestamps)
    ]


def clips(track: Track, timestamps: Array) -> list[slice]:
    """The parts of a track that make a clip. ``timestamps`` (N,): seconds by frame id."""
    visible = track.keypoints[:, :, 2] >= KEPT
    times = timestamps[track.frame_ids]
    parts = [piece for run in _runs(visible.sum(-1)) for piece in _pieces(run, times)]
    busts = np.asarray(~visible[:, _BELOW_SHOULDERS:].any(-1))
    return [part for part in parts if busts[part].mean() < BUST_SHARE]


def _runs(counts: Array) -> Iterator[slice]:
    """From where more than ``BEGINS`` points are visible to before ``ENDS`` or fewer are."""
    start = None
    for frame, count in enumerate(counts):
        if start is None and count > BEGINS:
            start = frame
        elif start is not None and count <= ENDS:
            yield slice(start, frame)
            start = None
    if start is not None:
        yield slice(start, len(counts))


def _pieces(run: slice, times: Array) -> Iterator[slice]:
    """A run cut where it grows too long, without pieces that are too short. ``times`` (T,) in seconds."""
    start = run.start
    while start < run.stop:
        allowed = times[start] + (LONGEST - 0.5) / MODEL_FRAME_RATE
        stop = start + int(np.searchsorted(times[start : run.stop], allowed))
        if (times[stop - 1] - times[start]) * MODEL_FRAME_RATE > SHORTEST - 1.5:  # frames, with half a frame of tolerance
            yield slice(start, stop)
        start = stop
