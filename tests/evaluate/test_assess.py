"""The tool on simulated detections of known motion: windows, scores, tables."""

from pathlib import Path

import numpy as np
import pytest
import torch

from hmr_video.body import Body
from hmr_video.errors import InputError
from hmr_video.evaluate.assess import facing, score, speed, tables
from hmr_video.evaluate.trials import Poses, TrialConfig, activity_of, draw_trials
from hmr_video.synth.simulated_detector import NEVER, DetectorConfig

NAMES = ["cmu/walk_1", "cmu/walk_2", "cmu/kick_1", "other/short"]
# A detector that errs in nothing but what cannot be seen.
FLAWLESS = DetectorConfig(
    noise=(1e-3, 1e-3), definition=NEVER, definition_bias=0.0, outlier=0.0, swap=0.0, copied_limb=0.0, occluder=0.0,
    truncated=0.0, lost=0.0, silent=0.0, missing=0.0, slow_source=0.0, low_hips=NEVER, high_shoulders=NEVER,
)  # fmt: skip


@pytest.fixture(scope="module")
def mocap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Swinging legs, of 120, 40, 30 and 5 frames."""
    folder = tmp_path_factory.mktemp("mocap")
    for name, frames in zip(NAMES, (120, 40, 30, 5), strict=True):
        poses = np.zeros((frames, 72))
        poses[:, 3], poses[:, 6] = 0.5 * np.sin(np.arange(frames) / 4), -0.5 * np.sin(np.arange(frames) / 4)
        (folder / name).parent.mkdir(exist_ok=True)
        np.savez(folder / f"{name}.npz", poses=poses, trans=np.zeros((frames, 3)), mocap_frame_rate=30.0)
    return folder


def test_collections_and_activities_take_turns_and_short_clips_none(mocap: Path, body: Body) -> None:
    trials = draw_trials(mocap, NAMES, body, 4, seed=1)
    assert [trial.activity for trial in trials] == ["walk", "kick", "walk", "kick"]
    assert {len(trial) for trial in trials} == {90, 40, 30}
    again = draw_trials(mocap, NAMES, body, 4, seed=1)
    assert all(torch.equal(one.keypoints, other.keypoints) for one, other in zip(trials, again, strict=True))
    with pytest.raises(InputError, match="24 frames"):
        draw_trials(mocap, NAMES[3:], body, 4, seed=1)


def test_a_detector_without_errors_sees_the_truths_joints(mocap: Path, body: Body) -> None:
    (trial,) = draw_trials(mocap, NAMES[:1], body, 1, seed=2, config=TrialConfig(detector=FLAWLESS))
    joints = trial.truth(body).joints
    pixels = joints[..., :2] / joints[..., 2:] * trial.true_camera.diagonal()[:2] + trial.true_camera[:2, 2]
    elbow, wrist = 8, 10  # COCO's, on the right
    np.testing.assert_allclose(trial.keypoints[:, [elbow, wrist], :2], pixels[:, [19, 21]], atol=3)
    assert not torch.equal(trial.camera, trial.true_camera)


def test_the_truth_scores_nothing_and_its_tables_agree(mocap: Path, body: Body) -> None:
    trials = draw_trials(mocap, NAMES, body, 3, seed=1)
    truths = [trial.truth(body) for trial in trials]
    late = [
        Poses(one.poses.rotations.roll(1, 0), one.poses.betas, one.poses.trans).sequence(body, one.true_camera) for one in trials
    ]
    scores = {
        "truth": [score(one, one) for one in truths],
        "late": [score(one, other) for one, other in zip(late, truths, strict=True)],
    }
    rows = tables(trials, scores, body)
    everything = {row.variant: row for row in rows if row.table == "overall"}
    assert everything["truth"].values["pa_mpjpe"] < 1e-4
    assert everything["truth"].values["pck"] == 1
    assert everything["truth"].windows == 3
    assert everything["late"].values["mpjpe"] > 5
    for table in ("source", "activity", "speed", "view", "occlusion"):
        parts = [row for row in rows if row.table == table and row.variant == "late" and row.group != "fastest tenth"]
        total = sum(row.values["mpjpe"] * row.frames for row in parts) / sum(row.frames for row in parts)
        assert total == pytest.approx(everything["late"].values["mpjpe"])


def test_what_a_name_tells() -> None:
    assert activity_of("bandai/dataset-1_walk-turn-left_angry_003") == "walk"
    assert activity_of("cmu_actions/walking_37_2") == "walk"
    assert activity_of("cmu_001_007/005_17") == "other"


def test_views_and_speed() -> None:
    front = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
    side = front @ torch.tensor([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    assert facing(torch.stack([front, side, torch.eye(3)])).tolist() == [0, 1, 2]
    joints = torch.zeros(3, 24, 3)
    joints[:, 20, 0] = torch.tensor([0.0, 0.1, 0.2])  # one of the twelve moves at 3 m/s
    np.testing.assert_allclose(speed(joints), [0.25] * 3, rtol=1e-6)
