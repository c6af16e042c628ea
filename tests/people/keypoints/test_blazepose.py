"""BlazePose's network as it is, on a rendered clip whose truth is known; and files that are none."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from hmr_video.console import Reporter
from hmr_video.errors import AssetError
from hmr_video.geometry.cameras import project
from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.geometry.skeleton import COCO_LIMBS, LANDMARKS
from hmr_video.motion import Motion
from hmr_video.options import PeopleOptions
from hmr_video.people import find_people
from hmr_video.people.keypoints.landmarks import see_landmarks
from hmr_video.people.keypoints.network import load_landmark_network
from hmr_video.video import open_video

if TYPE_CHECKING:
    from hmr_video.body import Body

SAMPLE = Path(__file__).resolve().parents[3] / "samples" / "two_crossing.mp4"
SMALL_TOES = [LANDMARKS.index(f"{side}_small_toe") for side in ("left", "right")]


@pytest.mark.slow
def test_limbs_are_seen_better_than_by_the_detector_and_feet_and_hands_too(blazepose: Path, body: "Body") -> None:
    reporter = Reporter(quiet=True)
    reader = open_video(SAMPLE, reporter, end=1.0)
    people = find_people(reader, PeopleOptions(), reporter)
    seen = see_landmarks(reader, people, load_landmark_network(blazepose), "blazepose-heavy", reporter)
    assert seen.landmark_network == "blazepose-heavy"
    truths = [true_landmarks(SAMPLE.with_name(f"two_crossing_0{number}.npz"), body) for number in (1, 2)]
    for before, after in zip(people.tracks, seen.tracks, strict=True):
        truth = min(
            (one[after.frame_ids] for one in truths), key=lambda one: np.abs(one[:, 0] - after.landmarks[:, 0, :2]).mean()
        )
        height = np.ptp(truth[..., 1], axis=1)[:, None]
        first, second = (np.linalg.norm(track.landmarks[..., :2] - truth, axis=-1) / height for track in (before, after))
        assert second[:, COCO_LIMBS].mean() < first[:, COCO_LIMBS].mean()
        assert second[:, COCO_LIMBS].mean() < 0.035
        ends = np.setdiff1d(np.arange(17, 29), SMALL_TOES)
        assert np.median(second[:, ends]) < 0.05
        assert not after.landmarks[:, SMALL_TOES, 2].any()  # which it does not know
        assert after.agreement is not None
        assert after.agreement.mean() > 0.7


def true_landmarks(path: Path, body: "Body") -> np.ndarray:
    """(T, 29, 2) pixels of a sample's person, by frame of the clip."""
    motion = Motion.load(path)
    rotations = axis_angle_to_matrix(torch.from_numpy(motion.poses).float().view(-1, 24, 3))
    betas = torch.from_numpy(motion.betas).float().expand(len(motion), 10)
    points = body.landmarks_from_joints(*body.joints(rotations, betas), betas) + torch.from_numpy(motion.trans).float()[:, None]
    return project(points, torch.from_numpy(motion.camera_matrix).float()).numpy()


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.tflite"
    path.write_bytes(b"TFL3 but nothing in it")
    with pytest.raises(AssetError):
        load_landmark_network(path)
