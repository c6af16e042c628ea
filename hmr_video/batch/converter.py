"""The pipeline as a worker runs it, and the key by which a later run knows that it would do the same."""

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from hmr_video.assets import find_body, find_weights
from hmr_video.console import Reporter
from hmr_video.files import sha256
from hmr_video.options import Options, PeopleOptions
from hmr_video.people.detect.detector import Detector
from hmr_video.people.detect.engine import choose_engine
from hmr_video.people.detect.weights import find_detector
from hmr_video.people.keypoints.choice import known_file
from hmr_video.pipeline import run
from hmr_video.reconstruction.loading import Models
from hmr_video.results import write_result


class VideoConverter:
    """Converts videos; its models are loaded once and kept."""

    def __init__(self, options: Options, formats: tuple[str, ...]) -> None:
        self._options, self._formats = options, formats
        self._models: Models | None = None

    def prepare(self) -> None:
        """Loads the models, the detector's too, which the process keeps. Raises AssetError."""
        if self._models is None:
            Detector(self._options.people)
            self._models = Models.load(self._options)

    def __call__(self, source: Path, folder: Path, reporter: Reporter) -> dict[str, int]:
        """Writes the result of ``source`` into the new ``folder``. Raises HmrVideoError."""
        result = run(source, self._options, reporter, models=self._models)
        summary = write_result(result, source, folder, self._options, self._formats, reporter, video=source)
        return {"frames": summary["frames"], "people": len(summary["people"])}


def options_key(options: Options, formats: tuple[str, ...], elsewhere: bool = False) -> str:
    """A hash of all that decides a result besides the video: options, formats, the bytes of the networks and the body, and what
    runs the detector on this machine, in place of the options that leave that open.

    ``elsewhere``: other machines compute, of which this one knows only what they are asked for.

    Options at their defaults do not count, so that an option that a later version adds changes nothing. Raises AssetError
    when the files are not here.
    """
    wanted = options.people.engine, options.people.device
    engine, device = wanted if elsewhere else choose_engine(*wanted)
    people = replace(options.people, engine="auto", device="auto")
    defaults = asdict(Options())
    chosen = {name: value for name, value in asdict(replace(options, people=people)).items() if value != defaults[name]}
    identity = {"options": chosen, "formats": sorted(formats), "engine": [engine, device.partition(":")[0]]}
    files = {"weights": sha256(find_weights(options.weights)), "body": sha256(find_body(options.body))}
    return key_of(identity | files, options.people)


def key_of(identity: dict[str, Any], options: PeopleOptions) -> str:
    """A hash of an identity, with the bytes of the networks that find people. Raises AssetError."""
    networks = {"detector": find_detector(options.detector), "landmarks": known_file(options.landmarks)}
    hashes = {name: sha256(path) for name, path in networks.items() if path}
    return hashlib.sha256(json.dumps(identity | hashes, sort_keys=True).encode()).hexdigest()
