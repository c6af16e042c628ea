"""Pseudo-labelling as a worker runs it: the people of a video, as 2D tracks to train on."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from hmr_video.console import Reporter
from hmr_video.errors import NobodyFoundError
from hmr_video.files import replacing, sha256
from hmr_video.options import Options
from hmr_video.people import find_people
from hmr_video.people.detector import Detector
from hmr_video.people.weights import find_weights
from hmr_video.results import SUMMARY
from hmr_video.train.label import SHORTEST, pseudo_tracks
from hmr_video.video import open_video

_RULES = 1  # to be raised when the rules change, so that videos are labelled again


class VideoLabeller:
    """Labels videos, a folder for each. Of the options only ``people`` and ``focal`` count."""

    def __init__(self, options: Options) -> None:
        self._options, self._focal = options.people, options.focal

    def prepare(self) -> None:
        """Loads the detector, which the process keeps. Raises AssetError."""
        Detector(self._options)

    def __call__(self, source: Path, folder: Path, reporter: Reporter) -> dict[str, int]:
        """Writes ``track_001.npz`` ... and the summary of ``source`` into the new ``folder``. Raises HmrVideoError."""
        people = find_people(open_video(source, reporter), self._options, reporter)
        tracks = pseudo_tracks(people, self._focal)
        if not tracks:
            raise NobodyFoundError(
                f"Nobody is seen well enough for {SHORTEST} frames in {source}.",
                "Clips need more than 6 visible points, not of face and shoulders only.",
            )
        told = {
            "source": str(source.resolve()),
            "rules": _RULES,
            "engine": people.engine,
            "options": asdict(self._options),
            "people": len(people.tracks),
            "tracks": [{"frames": len(track.frame_ids), "seconds": round(track.seconds, 3)} for track in tracks],
            "warnings": list(reporter.notes),
        }
        with replacing(folder) as temporary:
            temporary.mkdir()
            for number, track in enumerate(tracks, 1):
                track.save(temporary / f"track_{number:03d}.npz")
            text = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
            (temporary / SUMMARY).write_text(text, encoding="utf-8", errors="backslashreplace")
        return {"frames": sum(len(track.frame_ids) for track in tracks), "people": len(people.tracks)}


def labelling_key(options: Options) -> str:
    """A hash of all that decides the labels besides the video. Raises AssetError without the detector's weights."""
    people, detector = asdict(options.people), sha256(find_weights(options.people.detector))
    told = {"people": people, "focal": options.focal, "detector": detector, "rules": _RULES}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
