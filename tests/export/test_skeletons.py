"""BVH (read back by pybvh), AMASS and CSV."""

import csv

import numpy as np
import pybvh
import pytest
from people import CASTS
from scipy.spatial.transform import Rotation

from hmr_video.console import Reporter
from hmr_video.export import ExportOptions, export
from hmr_video.export.actors import place
from hmr_video.export.resample import evenly
from hmr_video.geometry.skeleton import JOINT_NAMES, PARENTS

UPRIGHT = np.diag([1.0, -1.0, -1.0])  # camera space to y up


@pytest.mark.parametrize("cast", CASTS)
def test_bvh_puts_the_joints_where_they_are(cast, motions, body, tmp_path):
    people = cast(motions)
    paths = export(people, body, tmp_path, ["bvh"])
    for path, motion in zip(paths, evenly(people, ExportOptions()), strict=True):
        read = pybvh.read_bvh_file(path, world_up="+y")
        assert list(read.joint_names)[:2] == ["pelvis", "left_hip"]
        assert read.frame_time == pytest.approx(1 / motion.frame_rate)
        order = [read.joint_names.index(name) for name in JOINT_NAMES]
        positions = np.asarray(read.joint_positions())[:, order] / 100
        np.testing.assert_allclose(positions, place(motion, body).joints, atol=1e-4)


def test_bvh_rests_in_a_t_pose_with_the_persons_bones(motion, body, tmp_path):
    (path,) = export([motion], body, tmp_path, ["bvh"])
    read = pybvh.read_bvh_file(path, world_up="+y")
    rest = np.asarray(read.rest_pose_positions())[[read.node_index[name] for name in JOINT_NAMES]] / 100
    bones = rest[1:] - rest[list(PARENTS[1:])]
    lengths = np.linalg.norm(motion.joints3d[0, 1:] - motion.joints3d[0, list(PARENTS[1:])], axis=1)
    np.testing.assert_allclose(np.linalg.norm(bones, axis=1), lengths, atol=1e-4)
    wrist = rest[JOINT_NAMES.index("left_wrist")] - rest[JOINT_NAMES.index("left_shoulder")]
    assert wrist[0] > 0.9 * np.linalg.norm(wrist)  # arms to the sides


def test_bvh_angles_do_not_jump_when_somebody_turns_round_or_over(motion, body, tmp_path):
    turning = motion.poses.copy()
    turning[:, :3] = Rotation.from_euler(
        "ZXY", np.stack([np.zeros(20), np.linspace(0, 4, 20), np.linspace(2, 5, 20)], 1)
    ).as_rotvec()
    (path,) = export([motion.replace(poses=turning)], body, tmp_path, ["bvh"])
    rows = np.array([[float(value) for value in line.split()] for line in path.read_text().splitlines()[-20:]])
    assert np.abs(np.diff(rows[:, 3:6], axis=0)).max() < 20  # degrees a frame


def test_amass_says_what_it_lacks(motion, body, tmp_path):
    (path,) = export([motion], body, tmp_path, ["amass"])
    assert path == tmp_path / "amass" / "person_01_amass.npz"
    with np.load(path, allow_pickle=False) as data:
        assert motion.betas.any()
        assert not data["betas"].any()  # those of another body would make a monster of SMPL
        assert body.name in str(data["note"])
        assert float(data["mocap_framerate"]) == float(data["mocap_frame_rate"]) == 25
        assert not data["poses"][:, 66:].any()


def test_amass_keeps_the_shape_of_smpl_only(motion, body, tmp_path, monkeypatch):
    monkeypatch.setattr(body, "is_smpl", True, raising=False)
    (path,) = export([motion], body, tmp_path, ["amass"])
    with np.load(path, allow_pickle=False) as data:
        np.testing.assert_array_equal(data["betas"], [*motion.betas, *[0.0] * 6])


def test_amass_resamples_by_slerp(motion, body, tmp_path):
    (path,) = export([motion], body, tmp_path, ["amass"], ExportOptions(frame_rate=50.0))
    with np.load(path, allow_pickle=False) as data:
        assert float(data["mocap_framerate"]) == 50
        assert len(data["poses"]) == 39
        knee = Rotation.from_rotvec(data["poses"][:, 12:15])
        angle = knee.magnitude()
        np.testing.assert_allclose(angle[1:-1:2], (angle[:-1:2] + angle[2::2]) / 2, atol=1e-6)  # about one axis slerp is linear
        np.testing.assert_allclose(data["trans"][1:-1:2], (data["trans"][:-1:2] + data["trans"][2::2]) / 2, atol=1e-6)


def test_formats_of_one_rate_resample_what_is_not_evenly_spaced_and_say_so(motion, body, tmp_path):
    grid = np.flatnonzero(np.arange(45) % 3 != 1)[:20]  # of 30 frames a second every third is missing, and 10 of 45 at the end
    uneven = motion.replace(timestamps=1.5 + grid / 30, frame_rate=20.0)
    reporter = Reporter(quiet=True)
    bvh, amass = export([uneven], body, tmp_path, ["bvh", "amass"], ExportOptions(reporter=reporter))
    assert len(reporter.notes) == 1
    assert "30 a second" in reporter.notes[0]
    read = pybvh.read_bvh_file(bvh, world_up="+y")
    assert read.frame_time == pytest.approx(1 / 30)
    pelvis = np.asarray(read.joint_positions())[:, read.joint_names.index("pelvis")] / 100
    assert len(pelvis) == grid[-1] + 1
    np.testing.assert_allclose(pelvis[grid], motion.joints3d[:, 0] @ UPRIGHT, atol=1e-4)
    with np.load(amass) as data:
        assert (float(data["mocap_frame_rate"]), len(data["poses"])) == (30, grid[-1] + 1)


def test_csv_names_units_and_keeps_positions(motion, body, tmp_path):
    (path,) = export([motion], body, tmp_path, ["csv"])
    with path.open() as stream:
        rows = list(csv.DictReader(stream))
    assert [int(row["frame"]) for row in rows] == motion.frame_ids.tolist()
    assert float(rows[5]["time_s"]) == pytest.approx(motion.timestamps[5], abs=1e-4)
    assert float(rows[5]["left_wrist_y_m"]) == pytest.approx(-motion.joints3d[5, 20, 1], abs=1e-4)
    knee = [float(row["left_knee_flexion_deg"]) for row in rows]
    expected = np.degrees(np.linalg.norm(motion.poses[:, 12:15], axis=1))
    np.testing.assert_allclose(knee, expected, atol=4)
