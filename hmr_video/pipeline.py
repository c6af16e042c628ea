"""The one way through the house: video -> people -> features -> model -> refine -> Motion."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hmr_video.assets import SHIPPED_WEIGHTS, find_body, find_weights
from hmr_video.camera.background import Background
from hmr_video.console import Reporter
from hmr_video.device import check_device
from hmr_video.motion import Motion
from hmr_video.options import Options, options_from
from hmr_video.people import People, find_people
from hmr_video.people.detect.detector import load_detector
from hmr_video.people.detect.opencv import import_opencv
from hmr_video.people.finder import looks_every
from hmr_video.people.keypoints.choice import Choice, choose_landmarks
from hmr_video.people.keypoints.landmarks import see_landmarks
from hmr_video.people.keypoints.network import load_landmark_network
from hmr_video.remarks import remark_on_camera, remark_on_people, remark_on_source
from hmr_video.video import Chunk, VideoReader, open_video
from hmr_video.video.reader import Selection

if TYPE_CHECKING:
    from hmr_video.camera.clip import ClipCamera
    from hmr_video.reconstruction.loading import Models


@dataclass(frozen=True)
class Reconstruction:
    """The people of one source, and what the summary tells beside them.

    ``camera``: what it does, in metres; None where no video was looked at.
    """

    motions: list[Motion]
    people: People
    models: "Models"
    camera: "ClipCamera | None" = None


def reconstruct(source: str | Path, **options: Any) -> list[Motion]:
    """Turns a video, photograph or folder of images into one Motion per person.

    Args:
        source: path of the video, photograph or folder.
        **options: fields of `Options` and of `PeopleOptions` by name, for example
            ``reconstruct("clip.mp4", people="largest", height=1.8)``.

    Returns:
        The people, largest on screen first, in camera space: x right, y down, z forward, metres, radians.

    Raises:
        UsageError: for options that do not exist or mean nothing.
        InputError: where the source is missing or cannot be read.
        NobodyFoundError: where nobody is in it.
        AssetError: where weights, a body or a network are missing or damaged.
    """
    return run(Path(source), options_from(options), Reporter(quiet=True)).motions


def run(
    source: Path, options: Options, reporter: Reporter, keypoints: bool = False, models: "Models | None" = None
) -> Reconstruction:
    """The whole line. ``keypoints``: the source is a file of 2D keypoints. ``models``: loaded before, to be used again.

    torch and the models, which take seconds to load, are loaded while people are being found.
    """
    check_device(options.people.device)
    reader = None if keypoints else open_video(source, reporter, options.start, options.end, options.every, options.frame_rate)
    if reader is not None:
        remark_on_source(source, reader.info, options, reporter)
    find_weights(options.weights)
    find_body(options.body)
    if reader:
        import_opencv()  # whose system libraries are missing more often than anything else: before anything is fetched
        load_detector(options.people, reporter)  # while torch is imported, anything takes five times as long
    landmarks = choose_landmarks(options.people.landmarks, reporter) if reader else None
    with ThreadPoolExecutor(1, "load") as loader:
        loading = loader.submit(_load, options, models, landmarks)
        if reader is None:
            from hmr_video.people.keypoints.files import read_keypoints

            part = Selection(options.start, options.end, options.every)
            limit = options.people.limit
            people = read_keypoints(source, options.image_size, options.frame_rate, part, limit, reporter)
            camera = None
        else:
            closely = landmarks is not None and (options.weights == SHIPPED_WEIGHTS or loading.result().image_encoder is None)
            every = looks_every(reader.info.frame_rate) if closely else 1
            people, camera = _find_people(_InterruptibleReader(reader, loading), options, reporter, every)
        models = loading.result()
    if reader and landmarks and models.image_encoder is None:
        network = load_landmark_network(landmarks.path)
        with reporter.stage("landmarks"):
            people = see_landmarks(reader, people, network, landmarks.name, reporter, options.people.silhouettes)
    elif options.people.silhouettes:
        reporter.note("There are no silhouettes: no landmark network has looked.")

    from hmr_video.reconstruction.bodies import motion_of, persons_of

    persons, camera = persons_of(people, reader, models, options, reporter, camera)
    if options.refine:
        from hmr_video.world.hands import join_hands

        persons = [join_hands(person, models.body) for person in persons]
    if options.world:
        from hmr_video.world.floor import to_world

        stages, kind = None, "still" if camera is None else camera.kind
        if camera is not None and kind in ("turning", "moving"):
            stages = [camera.stage_from_camera(track.frame_ids) for track in people.tracks]
        keep_sizes = options.height is not None or kind == "moving"
        with reporter.stage("world"):
            persons = to_world(persons, models.body, reporter, stages, kind == "unknown", keep_sizes)
    motions = [
        motion_of(person, track, people.image_size, models.body, models.weights_hash)
        for person, track in zip(persons, people.tracks, strict=True)
    ]
    if camera is not None:
        remark_on_camera(camera, options, reporter)
    remark_on_people(motions, options, reporter)
    return Reconstruction(motions, people, models, camera)


def _load(options: Options, models: "Models | None", landmarks: Choice | None) -> "Models":
    """The models, unless they are here already, and the modules that go on with the people."""
    import scipy.optimize  # noqa: F401

    import hmr_video.camera.clip
    import hmr_video.reconstruction.bodies  # noqa: F401
    from hmr_video.reconstruction.loading import Models

    loaded = models or Models.load(options)
    if landmarks and loaded.image_encoder is None:
        load_landmark_network(landmarks.path)
    return loaded


class _InterruptibleReader:
    """A reader that stops, by the loader's error, as soon as the models could not be loaded."""

    def __init__(self, reader: VideoReader, loading: "Future[Models]") -> None:
        self._reader, self._loading, self.info = reader, loading, reader.info

    def wait_for_loader(self) -> None:
        """Two threads that import the same modules at the same time may wait for each other."""
        self._loading.result()

    def chunks(self, size: int = 32) -> Iterator[Chunk]:
        for chunk in self._reader.chunks(size):
            if self._loading.done():
                self._loading.result()
            yield chunk


def _find_people(reader: _InterruptibleReader, options: Options, reporter: Reporter, every: int) -> "tuple[People, ClipCamera]":
    """The people of a video, looked for in ``every`` so many frames, and what its camera does.

    The focal length is the background's where nothing else tells it.
    """
    background = Background(reader.info.frame_rate)
    people = find_people(reader, options.people, reporter, every, background)

    reader.wait_for_loader()
    from hmr_video.camera.clip import find_camera  # these load torch and scipy, which would keep the detector waiting
    from hmr_video.geometry.cameras import camera_matrix

    longer = max(people.image_size)
    given = options.focal or (None if people.camera_matrix is None else float(people.camera_matrix[0, 0]))
    guess = given or float(np.hypot(*people.image_size))
    with reporter.stage("camera"):
        camera = find_camera(
            background.points.followed(), list(people.cuts), people.frame_rate, guess / longer, given is not None
        )
    if camera.focal is not None:
        people = replace(people, camera_matrix=camera_matrix(*people.image_size, camera.focal * longer).numpy())
    return people, camera
