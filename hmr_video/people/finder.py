"""`find_people`: frames in, one `Track` per person out."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from hmr_video.console import Reporter
from hmr_video.errors import NobodyFoundError
from hmr_video.people.clean import clean_tracklets
from hmr_video.people.detector import Detector
from hmr_video.people.options import PeopleOptions
from hmr_video.people.tracker import Tracker
from hmr_video.people.tracks import People
from hmr_video.video import Chunk, VideoInfo, ahead


class Reader(Protocol):
    """What `VideoReader` offers."""

    info: VideoInfo

    def chunks(self, size: int = 32) -> Iterator[Chunk]: ...


def find_people(reader: Reader, options: PeopleOptions, reporter: Reporter) -> People:
    """Detects, tracks and tidies; the people of a clip, largest on screen first.

    Raises NobodyFoundError, AssetError (weights), and what the reader raises.
    """
    info = reader.info
    detector = Detector(options)
    tracker = Tracker(options.tracker, info.frame_rate)
    times: dict[int, float] = {}
    with reporter.progress("Finding people", info.frame_count) as advance:
        for chunk in ahead(reader.chunks()):
            found = detector(chunk.frames)
            for frame_id, time, detections, frame in zip(chunk.frame_ids, chunk.timestamps, found, chunk.frames, strict=True):
                tracker.update(int(frame_id), detections, frame)
                times[int(frame_id)] = float(time)
            advance(len(chunk))
    tracks, notes = clean_tracklets(tracker.tracklets(), info.frame_rate, len(times), options.limit)
    for note in notes:
        reporter.note(note)
    if not tracks:
        raise NobodyFoundError(
            f"Nobody was found in {info.path}.",
            "Check that people are visible, or try a larger detector (--detector yolo11x-pose).",
        )
    return People(
        tracks=tracks,
        image_size=(info.width, info.height),
        frame_rate=info.frame_rate,
        timestamps=_by_frame_id(times),
        camera_matrix=_camera_matrix(info),
        engine=detector.engine,
    )


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
