"""`find_people`: frames in, one `Track` per person out."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

import numpy as np

from hmr_video.camera.background import Background
from hmr_video.console import Reporter
from hmr_video.errors import NobodyFoundError
from hmr_video.geometry import Array
from hmr_video.options import PeopleOptions
from hmr_video.people.detect.detections import Detections
from hmr_video.people.detect.detector import Detector
from hmr_video.people.track.clean import clean_tracklets
from hmr_video.people.track.tracker import Tracker
from hmr_video.people.track.tracks import People, Track
from hmr_video.video import Chunk, VideoInfo, ahead

_APART = 0.134  # seconds, at most, between looks of the detector, if people are looked at closely between them
_CHUNK = 16  # frames, about, that are decoded, detected and tracked at a time


class Reader(Protocol):
    """What `VideoReader` offers."""

    info: VideoInfo

    def chunks(self, size: int = 32) -> Iterator[Chunk]: ...


def looks_every(frame_rate: float) -> int:
    """Every how many frames the detector looks, where a landmark network looks at all of them."""
    return max(1, round(_APART * frame_rate))


def find_people(
    reader: Reader, options: PeopleOptions, reporter: Reporter, every: int = 1, background: Background | None = None
) -> People:
    """Detects, tracks and tidies; the people of a clip, largest on screen first. ``every``: see `Detector`.

    Decoding, detecting and tracking run at the same time, each on a later part of the clip than the next. ``background``: looked
    at meanwhile. Raises NobodyFoundError, AssetError (weights), and what the reader raises.
    """
    overlapped = ahead if reporter.overlapping else iter
    info, times = reader.info, dict[int, float]()
    detector, tracker = Detector(options, reporter, every), Tracker(options.tracker, reader.info.frame_rate)
    background = background or Background(info.frame_rate, follow_points=False)
    chunks = overlapped(_decoded(reader, every * max(1, round(_CHUNK / every)), reporter))
    with reporter.progress("Finding people", info.frame_count) as advance:
        for chunk, found in overlapped(_detected(chunks, detector, reporter)):
            with reporter.stage("track"):
                for frame_id, detections, frame in zip(chunk.frame_ids.tolist(), found, chunk.frames, strict=True):
                    offset = background.update(frame_id, frame, detections.boxes)
                    tracker.update(frame_id, detections, frame, offset)
                times.update(zip(chunk.frame_ids.tolist(), chunk.timestamps.tolist(), strict=True))
            advance(len(chunk))
    with reporter.stage("track"):
        tracks, notes = clean_tracklets(tracker.tracklets(), info.frame_rate, len(times), options.limit, background.cuts)
    for note in notes:
        reporter.note(note)
    if not tracks:
        raise NobodyFoundError(
            f"Nobody was found in {info.path}.",
            "Check that people are visible, or try a larger detector (--detector yolo11x-pose).",
        )
    return People(
        tracks=[in_pictures(track, background.offsets) for track in tracks],
        image_size=(info.width, info.height),
        frame_rate=info.frame_rate,
        timestamps=_by_frame_id(times),
        camera_matrix=_camera_matrix(info),
        engine=detector.engine,
        cuts=tuple(background.cuts),
    )


def _decoded(reader: Reader, size: int, reporter: Reporter) -> Iterator[Chunk]:
    chunks = reader.chunks(size)
    while True:
        with reporter.stage("decode"):
            chunk = next(chunks, None)
        if chunk is None:
            return
        yield chunk


def _detected(chunks: Iterator[Chunk], detector: Detector, reporter: Reporter) -> Iterator[tuple[Chunk, list[Detections]]]:
    for chunk in chunks:
        with reporter.stage("detect"):
            found = detector(chunk.frames)
        yield chunk, found


def in_pictures(track: Track, picture_offsets: dict[int, Array]) -> Track:
    """A track in the scene's places as one in the pictures'. ``picture_offsets``: of the scene, by frame id, see `Background`."""
    known = np.array(sorted(picture_offsets))
    places = np.array([picture_offsets[int(frame_id)] for frame_id in known])
    offset = np.stack([np.interp(track.frame_ids, known, side) for side in places.T], -1)
    moved = track.landmarks.copy()
    moved[track.detected, :, :2] += offset[track.detected, None]
    return replace(track, boxes=track.boxes + np.tile(offset, 2), landmarks=moved)


def _by_frame_id(times: dict[int, float]) -> np.ndarray:
    """(N,) seconds by frame id; frames that were never read (before a selection) get the times that lead up to it."""
    frame_ids = np.array(sorted(times))
    known = np.array([times[frame_id] for frame_id in frame_ids])
    step = float(np.median(np.diff(known))) if len(known) > 1 else 0.0
    lead = known[0] - step * np.arange(frame_ids[0], 0, -1)
    return np.concatenate([lead, np.interp(np.arange(frame_ids[0], frame_ids[-1] + 1), frame_ids, known)])


def _camera_matrix(info: VideoInfo) -> np.ndarray | None:
    """(3, 3) intrinsics where the file states a focal length, with a centred principal point."""
    if info.focal is None:
        return None
    return np.array([[info.focal, 0.0, info.width / 2], [0.0, info.focal, info.height / 2], [0.0, 0.0, 1.0]])
