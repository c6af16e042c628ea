from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from hmr_video.body import Body
from hmr_video.console import Reporter
from hmr_video.errors import InputError, UsageError
from hmr_video.export import export
from hmr_video.geometry.rotations import axis_angle_to_matrix, matrix_to_axis_angle, six_d_to_matrix
from hmr_video.mocap.clips import list_mocap, load_mocap, read_amass
from hmr_video.motion import Motion


def write(path: Path, width: int = 72, length: int = 40, rate: float = 60.0, **changes: object) -> Path:
    angle = np.linspace(0, 1, length)[:, None]
    values = {"poses": angle * np.eye(1, width, 12 * 3 + 1), "trans": np.repeat(angle, 3, 1), "mocap_frame_rate": rate} | changes
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **{name: value for name, value in values.items() if value is not None})
    return path


@pytest.mark.parametrize("width", [66, 72, 156, 165])
def test_motion_is_brought_to_thirty_frames_a_second(tmp_path: Path, width: int) -> None:
    rotations, trans = read_amass(write(tmp_path / "a.npz", width))
    assert rotations.shape == (20, 24, 6)
    turned = matrix_to_axis_angle(six_d_to_matrix(rotations))
    expected = torch.arange(20) * 2 / 39  # every second frame of 40
    assert torch.allclose(turned[:, 12, 1], expected, atol=1e-5)
    assert torch.allclose(trans[:, 0], expected, atol=1e-5)


@pytest.mark.parametrize(
    "changes",
    [
        {"poses": np.zeros((40, 70))},
        {"trans": np.zeros((39, 3))},
        {"mocap_frame_rate": None},
        {"poses": np.full((40, 72), np.nan)},
        {"poses": np.zeros((40, 216))},
        {"mocap_frame_rate": "often"},
        {"mocap_frame_rate": np.array([30.0, 60.0])},
    ],
)
def test_what_does_not_fit_is_refused_by_name(tmp_path: Path, changes: dict[str, object]) -> None:
    path = write(tmp_path / "odd.npz", **changes)
    with pytest.raises(InputError, match=r"odd\.npz"):
        read_amass(path)


@pytest.mark.parametrize(
    "stated",
    [
        {"mocap_frame_rate": np.array([60.0])},
        {"mocap_frame_rate": np.array([[60]])},
        {"mocap_frame_rate": None, "mocap_framerate": np.float32(60)},
        {"mocap_frame_rate": None, "fps": "60"},
        {"mocap_frame_rate": np.array(0.0), "mocap_framerate": 60},
    ],
)
def test_rates_come_in_any_shape_and_by_any_name(tmp_path: Path, stated: dict[str, object]) -> None:
    rotations, _ = read_amass(write(tmp_path / "a.npz", **stated))
    assert len(rotations) == 20


def test_what_nobody_needs_is_not_read(tmp_path: Path) -> None:
    labels = np.array(["LFHD", None], object)
    rotations, _ = read_amass(write(tmp_path / "a.npz", 156, markers_labels=labels))
    assert len(rotations) == 20


def test_poses_may_lie_in_parts(tmp_path: Path) -> None:
    whole = read_amass(write(tmp_path / "a.npz", 165))
    poses = np.load(tmp_path / "a.npz")["poses"]
    trans = np.load(tmp_path / "a.npz")["trans"]
    parts = {"root_orient": poses[:, :3], "pose_body": poses[:, 3:66]}
    others = {"global_orient": poses[:, None, :3], "body_pose": poses[:, 3:66].reshape(-1, 21, 3)}
    np.savez(tmp_path / "b.npz", **parts, trans=trans, mocap_frame_rate=60)
    np.savez(tmp_path / "c.npz", **others, transl=trans, fps=60)
    for name in "bc":
        found = read_amass(tmp_path / f"{name}.npz")
        assert torch.equal(found[0], whole[0])
        assert torch.equal(found[1], whole[1])


def standing(up: str, length: int = 30) -> dict[str, np.ndarray]:
    """Somebody who turns while standing a metre and a half east, upright along an axis."""
    turns = Rotation.from_rotvec(np.linspace(0, 2, length)[:, None] * [0.0, 1, 0])
    raised = Rotation.identity() if up == "y" else Rotation.from_rotvec([np.pi / 2, 0, 0])
    poses = np.zeros((length, 72))
    poses[:, :3] = (raised * turns).as_rotvec()
    return {"poses": poses, "trans": np.tile([1.5, 1.0, 0.0] if up == "y" else [1.5, 0.0, 1.0], (length, 1))}


def test_the_way_up_is_found_by_how_people_stand(tmp_path: Path) -> None:
    for name in ("y/a", "y/b", "y/c", "z/a"):
        write(tmp_path / f"{name}.npz", rate=30.0, **standing(name[0]))
    lying = standing("y")
    lying["poses"][:, :3] = [np.pi / 2, 0, 0]  # half of a collection of the y-up folder: its torsos point along z
    write(tmp_path / "y" / "lying.npz", rate=30.0, **lying)
    reporter = Reporter(quiet=True)
    mocap = load_mocap(tmp_path, list_mocap(tmp_path), reporter=reporter)
    torso = six_d_to_matrix(mocap.rotations)[:, 0, :, 1]
    for clip, name in enumerate(mocap.sources):
        start = mocap.starts[clip]
        expected = [0.0, 0, 1] if "lying" in name else [0.0, 1, 0]
        assert torch.allclose(torso[start], torch.tensor(expected), atol=1e-5)
        if "lying" not in name:
            assert torch.allclose(mocap.trans[start], torch.tensor([1.5, 1.0, 0.0]), atol=0.3)  # about the pelvis
    (note,) = reporter.notes
    assert "y up in y and z up in z" in note
    as_said = load_mocap(tmp_path, ["z/a"], up="y")
    assert torch.allclose(six_d_to_matrix(as_said.rotations)[0, 0, :, 1], torch.tensor([0.0, 0, 1]), atol=1e-5)
    with pytest.raises(UsageError, match="--up x"):
        load_mocap(tmp_path, ["z/a"], up="x")


def test_a_result_in_camera_space_is_no_motion_capture(motion: Motion, tmp_path: Path) -> None:
    """Its y points down: everybody would stand on the head."""
    motion.save(tmp_path / "person_01.npz")
    with pytest.raises(InputError, match=r"on their heads.*export --format amass"):
        load_mocap(tmp_path, list_mocap(tmp_path))


def test_our_own_export_comes_back(motion: Motion, body: Body, tmp_path: Path) -> None:
    """Camera space, y down, becomes z up in the file and y up again."""
    export([motion], body, tmp_path, ["amass"])
    mocap = load_mocap(tmp_path, list_mocap(tmp_path))
    upright = torch.diag(torch.tensor([1.0, -1, -1]))
    pelvis = body.rest_joints(torch.from_numpy(motion.betas))[0]
    truth = upright @ axis_angle_to_matrix(torch.from_numpy(motion.poses[:, :3]).float())
    assert torch.allclose(six_d_to_matrix(mocap.rotations)[0, 0], truth[0], atol=1e-4)
    where = upright @ (torch.from_numpy(motion.trans[0]).float() + pelvis) - body.joint_template[0]
    assert torch.allclose(mocap.trans[0], where.float(), atol=0.05)


def test_files_of_shapes_alone_are_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "s1" / "walk_poses.npz")
    for name in ("shape", "neutral_stagei"):
        np.savez(tmp_path / "s1" / f"{name}.npz", betas=np.zeros(16))
    assert list_mocap(tmp_path) == ["s1/walk_poses"]


def test_collections_share_the_draw(tmp_path: Path) -> None:
    write(tmp_path / "big" / "x.npz", length=2000)
    write(tmp_path / "small" / "y.npz", length=20)
    mocap = load_mocap(tmp_path, list_mocap(tmp_path))
    assert mocap.sources == ["big/x", "small/y"]
    big, small = mocap.sampling_weights({})
    assert big / small == pytest.approx(10, rel=0.05)  # a hundred times as long
    assert mocap.sampling_weights({"big": 0.1})[0] == pytest.approx(0.5, rel=0.05)


def test_short_clips_are_played_to_and_fro(tmp_path: Path) -> None:
    write(tmp_path / "a" / "x.npz", length=9)
    mocap = load_mocap(tmp_path, ["a/x"])
    _, trans = mocap.window(torch.tensor([0]), torch.tensor([0.0]), torch.tensor([1.0]), 9)
    there = trans[0, :5, 0]
    assert torch.allclose(trans[0, 4:, 0], there.flip(0), atol=1e-6)
