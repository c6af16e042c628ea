"""The pipeline as a worker runs it, and the key by which a later run knows that it would do the same."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from hmr_video.assets import find_body, find_weights
from hmr_video.console import Reporter
from hmr_video.files import sha256
from hmr_video.options import Options
from hmr_video.people.engine import choose_engine
from hmr_video.people.keypoints.choice import choose_landmarks
from hmr_video.people.weights import find_weights as find_detector

if TYPE_CHECKING:
    from hmr_video.models import Models


class VideoConverter:
    """Converts videos; its models are loaded once and kept."""

    def __init__(self, options: Options, formats: tuple[str, ...]) -> None:
        self._options, self._formats = options, formats
        self._models: Models | None = None

    def prepare(self) -> None:
        """Loads the models, the detector's too, which the process keeps. Raises AssetError."""
        from hmr_video.models import Models
        from hmr_video.people.detector import Detector

        if self._models is None:
            Detector(self._options.people)
            self._models = Models.load(self._options)

    def __call__(self, source: Path, folder: Path, reporter: Reporter) -> dict[str, int]:
        """Writes the result of ``source`` into the new ``folder``. Raises HmrVideoError."""
        from hmr_video.pipeline import run
        from hmr_video.results import write_result

        result = run(source, self._options, reporter, models=self._models)
        told = write_result(result, source, folder, self._options, self._formats, reporter, video=source)
        return {"frames": told["frames"], "people": len(told["people"])}


def options_key(options: Options, formats: tuple[str, ...], reporter: Reporter) -> str:
    """A hash of all that decides a result besides the video: options, formats, the bytes of weights, body, detector and landmark
    network, and the engine that runs the detector here.

    Options at their defaults do not count, so that an option that a later version adds changes nothing. Networks of others that
    are not here are fetched. Raises AssetError when files are missing.
    """
    detector, landmarks = find_detector(options.people.detector, reporter), choose_landmarks(options.people.landmarks, reporter)
    files = {"weights": sha256(find_weights(options.weights)), "body": sha256(find_body(options.body))}
    files |= {"detector": sha256(detector), "landmarks": sha256(landmarks.path) if landmarks else "none"}
    files |= {"engine": " on ".join(choose_engine(options.people.engine, options.people.device))}
    defaults = asdict(Options())
    chosen = {name: value for name, value in asdict(options).items() if value != defaults[name]}
    told = json.dumps({"options": chosen} | files | {"formats": sorted(formats)}, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()
