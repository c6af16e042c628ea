"""What the tool's detector and landmark network say of filmed people."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from hmr_video.console import Reporter
from hmr_video.geometry import Array
from hmr_video.geometry.skeleton import with_limb_ends
from hmr_video.options import PeopleOptions
from hmr_video.people.detect.detections import Detections, box_overlap
from hmr_video.people.detect.detector import Detector
from hmr_video.people.keypoints.choice import choose_landmarks
from hmr_video.people.keypoints.landmarks import see_landmarks
from hmr_video.people.keypoints.network import LandmarkNetwork, load_landmark_network
from hmr_video.people.track.clean import fill
from hmr_video.people.track.tracks import People
from hmr_video.synth.film.filming import LONGEST_SIDE, Shot
from hmr_video.video import Chunk

_SAME_PERSON = 0.2  # overlap of a detection's box and the true one


@dataclass(frozen=True)
class Onlooker:
    """What the tool sees of filmed people: its detector, and its landmark network if there is one."""

    detector: Detector
    network: LandmarkNetwork | None = None

    @classmethod
    def of(cls, detector: str, landmarks: str) -> "Onlooker":
        """By the names of PeopleOptions. Raises AssetError, UsageError."""
        chosen = choose_landmarks(landmarks, Reporter(quiet=True))
        network = load_landmark_network(chosen.path) if chosen else None
        return cls(Detector(PeopleOptions(detector=detector, input_size=LONGEST_SIDE)), network)

    def see(self, shot: Shot, pictures: Array, frame_rate: float) -> tuple[Array, Array]:
        """Landmarks (T, 29, 3) and boxes (T, 4) in pixels of the shot's person; zeros in frames where nobody was detected."""
        keypoints, boxes = of_person(shot, self.detector(pictures))
        landmarks = with_limb_ends(keypoints)
        found = np.flatnonzero((keypoints[..., 2] > 0).any(1))
        if self.network is None or not len(found):
            return landmarks, boxes
        seen = self._closely(shot, pictures, frame_rate, keypoints, boxes).tracks[0]
        landmarks[found] = seen.landmarks[found - seen.frame_ids[0]]
        return landmarks, boxes

    def people(self, shot: Shot, pictures: Array, frame_rate: float) -> People | None:
        """The shot's person as the whole line knows him; None where nobody was detected."""
        keypoints, boxes = of_person(shot, self.detector(pictures))
        return self._closely(shot, pictures, frame_rate, keypoints, boxes) if (keypoints[..., 2] > 0).any() else None

    def _closely(self, shot: Shot, pictures: Array, frame_rate: float, keypoints: Array, boxes: Array) -> People:
        found = np.flatnonzero((keypoints[..., 2] > 0).any(1))
        people = People([fill(found, boxes[found], keypoints[found])], shot.size, frame_rate, np.arange(len(boxes)) / frame_rate)
        if self.network is None:
            return people
        return see_landmarks(_Pictures(pictures), people, self.network, "", Reporter(quiet=True))


@dataclass(frozen=True)
class _Pictures:
    """Pictures (T, H, W, 3) as a video."""

    frames: Array

    def chunks(self, size: int = 32) -> Iterator[Chunk]:
        numbers = np.arange(len(self.frames))
        yield Chunk(self.frames, numbers, numbers.astype(float))


def in_rays(shot: Shot, keypoints: Array) -> Array:
    """Keypoints (T, K, 3) in pixels of the picture as such in rays."""
    return np.concatenate([(keypoints[..., :2] - shot.camera_matrix[:2, 2]) / shot.camera_matrix[0, 0], keypoints[..., 2:]], -1)


def of_person(shot: Shot, found: list[Detections]) -> tuple[Array, Array]:
    """Keypoints (T, 17, 3) and boxes (T, 4) in pixels: in each frame those whose box overlaps the true one most, else zeros."""
    pixels = shot.pixels.clip(0, shot.size)
    keypoints, boxes = np.zeros((len(found), 17, 3)), np.zeros((len(found), 4))
    for frame, people in enumerate(found):
        if len(people) == 0:
            continue
        true = np.concatenate([pixels[frame].min(0), pixels[frame].max(0)])
        overlaps = box_overlap(people.boxes, true)
        if overlaps.max() > _SAME_PERSON:
            keypoints[frame], boxes[frame] = people.keypoints[overlaps.argmax()], people.boxes[overlaps.argmax()]
    return keypoints, boxes
