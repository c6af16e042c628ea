"""Pseudo-labelling as a worker runs it: the people of a video, as 2D tracks to train on."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from hmr_video.assets import find_weights
from hmr_video.batch.converter import key_of
from hmr_video.checkpoints.image_encoder import image_encoder_hash, load_image_encoder
from hmr_video.console import Reporter
from hmr_video.device import choose_device
from hmr_video.errors import NobodyFoundError
from hmr_video.features.resnet50 import ResNet50
from hmr_video.files import replacing
from hmr_video.options import Options
from hmr_video.people import find_people
from hmr_video.people.detect.detector import Detector
from hmr_video.people.detect.engine import choose_engine
from hmr_video.people.keypoints.choice import choose_landmarks
from hmr_video.people.keypoints.landmarks import see_landmarks
from hmr_video.people.keypoints.network import load_landmark_network
from hmr_video.results import SUMMARY
from hmr_video.train.feature_tracks import cache_features
from hmr_video.train.label import SHORTEST, pseudo_tracks
from hmr_video.video import open_video

_RULES = 1  # to be raised when the rules change, so that videos are labelled again


class VideoLabeller:
    """Labels videos, a folder for each. Of the options only ``people``, ``focal``, and ``features`` with ``weights`` count: with
    ``resnet50`` the image features of the tracks, as the encoder in the weights sees them, are cached beside them."""

    def __init__(self, options: Options) -> None:
        self._options, self._focal = options.people, options.focal
        self._weights = find_weights(options.weights) if options.features == "resnet50" else None
        self._encoder: ResNet50 | None = None
        self._encoder_hash = ""

    def prepare(self) -> None:
        """Loads the detector, which the process keeps, and the image encoder. Raises AssetError."""
        Detector(self._options)
        if self._weights and self._encoder is None:
            self._encoder_hash = image_encoder_hash(self._weights)
            self._encoder = load_image_encoder(self._weights).to(choose_device(self._options.device))

    def __call__(self, source: Path, folder: Path, reporter: Reporter) -> dict[str, int]:
        """Writes ``track_001.npz`` ..., their features, and a summary into the new ``folder``. Raises HmrVideoError."""
        reader = open_video(source, reporter)
        people = find_people(reader, self._options, reporter)
        if chosen := choose_landmarks(self._options.landmarks, reporter):
            people = see_landmarks(reader, people, load_landmark_network(chosen.path), chosen.name, reporter)
        tracks = pseudo_tracks(people, self._focal)
        if not tracks:
            raise NobodyFoundError(
                f"Nobody is seen well enough for {SHORTEST} frames in {source}.",
                "Clips need more than 6 visible points, not of face and shoulders only.",
            )
        record = {
            "source": str(source.resolve()),
            "rules": _RULES,
            "engine": people.engine,
            "landmarks": people.landmark_network or "none",
            "options": asdict(self._options),
            "people": len(people.tracks),
            "tracks": [{"frames": len(track.frame_ids), "seconds": round(track.seconds, 3)} for track in tracks],
            "warnings": list(reporter.notes),
        }
        with replacing(folder) as temporary:
            temporary.mkdir()
            named = [(track, temporary / f"track_{number:03d}.npz") for number, track in enumerate(tracks, 1)]
            for track, path in named:
                track.save(path)
            if self._encoder:
                cache_features(reader, named, self._encoder, self._encoder_hash, reporter)
            text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
            (temporary / SUMMARY).write_text(text, encoding="utf-8", errors="backslashreplace")
        return {"frames": sum(len(track.frame_ids) for track in tracks), "people": len(people.tracks)}


def labelling_key(options: Options) -> str:
    """A hash of all that decides the labels besides the video. Raises AssetError without the weights that they take."""
    engine, device = choose_engine(options.people.engine, options.people.device)
    people = asdict(replace(options.people, engine=engine, device=device.partition(":")[0]))
    identity: dict[str, Any] = {"people": people, "focal": options.focal, "rules": _RULES}
    if options.features == "resnet50":
        identity["encoder"] = image_encoder_hash(find_weights(options.weights))
    return key_of(identity, options.people)
