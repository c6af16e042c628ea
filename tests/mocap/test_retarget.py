"""BVH files of foreign skeletons become the same motion on the 24 joints."""

import re
from pathlib import Path

import numpy as np
import pybvh
import pytest
import torch
from foreign import A_POSE, LIKE_CMU, MIXAMO, T_POSE, degrees, reach, write_bvh
from scipy.spatial.transform import Rotation

from hmr_video.body import Body
from hmr_video.errors import InputError
from hmr_video.export import export
from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.geometry.skeleton import JOINT_NAMES, PARENTS
from hmr_video.mocap.bvh import read_bvh
from hmr_video.mocap.clips import list_mocap, load_mocap
from hmr_video.mocap.retarget import read_bvh_clip
from hmr_video.motion import Motion

LIMBS = ((1, 4), (2, 5), (4, 7), (5, 8), (16, 18), (17, 19), (18, 20), (19, 21))
UPRIGHT = np.diag([1.0, -1.0, -1.0])

ROKOKO = {name: joint for name, joint in MIXAMO.items() if name != "spine1"} | {
    "left_hip": "LeftThigh", "right_hip": "RightThigh", "left_knee": "LeftShin", "right_knee": "RightShin",
    "left_foot": "LeftToe", "right_foot": "RightToe",
}  # fmt: skip
BLENDER = {
    "pelvis": "spine", "spine2": "chest", "neck": "neck", "head": "head",
    "left_hip": "thigh.L", "left_knee": "shin.L", "left_ankle": "foot.L",
    "right_hip": "thigh.R", "right_knee": "shin.R", "right_ankle": "foot.R",
    "left_shoulder": "upper_arm.L", "left_elbow": "forearm.L", "left_wrist": "hand.L",
    "right_shoulder": "upper_arm.R", "right_elbow": "forearm.R", "right_wrist": "hand.R",
}  # fmt: skip


Z_UP = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])


@pytest.mark.parametrize(
    ("names", "rest", "unit", "world"),
    [
        (MIXAMO, T_POSE, 0.01, None),
        (MIXAMO, A_POSE, 1.0, None),
        (MIXAMO, LIKE_CMU, 0.0564, None),  # half inches, scaled as the old CMU files are
        (ROKOKO, A_POSE, 0.0254, Z_UP),
        (BLENDER, T_POSE, 1.0, Z_UP),
    ],
)
def test_limbs_point_as_in_the_source_whatever_its_rest_pose(
    names: dict[str, str], rest: dict, unit: float, world: np.ndarray | None, own: np.ndarray, tmp_path: Path
) -> None:
    truth = write_bvh(tmp_path / "a.bvh", names, own, rest, unit, world)
    poses, trans, rate = read_bvh_clip(tmp_path / "a.bvh")
    assert rate == 30
    count = len(poses)  # one less where the dance begins in the rest pose
    source = pybvh.read_bvh_file(tmp_path / "a.bvh", world_up="+y")
    theirs = np.asarray(source.joint_positions())[-count:] @ (np.eye(3) if world is None else world)
    body_joints = np.stack([reach(frame, own) for frame in _globals(poses)]) + own[0] + trans[:, None]
    for start, end in LIMBS:
        a, b = (list(source.joint_names).index(names[JOINT_NAMES[joint]]) for joint in (start, end))
        ours, other = body_joints[:, end] - body_joints[:, start], theirs[:, b] - theirs[:, a]
        cosine = (ours * other).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(other, axis=1)
        assert np.degrees(np.arccos(cosine.clip(-1, 1))).mean() < 0.1
    twisted = degrees(poses, truth[-count:])[:, [0, 1, 2, 4, 5, 16, 17, 18, 19]]
    assert twisted.mean() < (4 if names is BLENDER else 0.1)  # a chest without spine joints turns shoulders against it
    assert np.linalg.norm(np.diff(trans, axis=0), axis=1).mean() == pytest.approx(0.02, rel=0.15)
    assert -0.03 < body_joints[:, [10, 11], 1].min() < 0.04  # feet stand on the floor


def _globals(local: np.ndarray) -> np.ndarray:
    turned = local.copy()
    for index in range(1, 24):
        turned[:, index] = turned[:, PARENTS[index]] @ local[:, index]
    return turned


def test_bones_that_all_rest_along_one_axis_are_read_off_a_standing_frame(own: np.ndarray, tmp_path: Path) -> None:
    axes = np.empty((24, 3, 3))
    for index in range(24):  # x along the bone, as animation programs have it
        child = next((each for each in range(24) if PARENTS[each] == index), None)
        bone = own[index] - own[PARENTS[index]] if child is None else own[child] - own[index]
        axes[index] = Rotation.align_vectors(bone[None], np.array([[1.0, 0, 0]]))[0].as_matrix()
    truth = write_bvh(tmp_path / "a.bvh", MIXAMO, own, T_POSE, frames_of_joints=axes)
    poses, _, _ = read_bvh_clip(tmp_path / "a.bvh")
    assert degrees(poses, truth).max() < 1.0  # the first frame is a T-pose


def test_our_own_export_comes_back(motion: Motion, body: Body, tmp_path: Path) -> None:
    (path,) = export([motion], body, tmp_path, ["bvh"])
    poses, trans, rate = read_bvh_clip(path)
    truth = axis_angle_to_matrix(torch.from_numpy(motion.poses).double().reshape(-1, 24, 3)).numpy()
    truth[:, 0] = UPRIGHT @ truth[:, 0]
    assert rate == pytest.approx(motion.frame_rate)
    assert degrees(poses, truth).max() < 0.5  # the person's bones point a little otherwise than the mean's
    path_length = np.linalg.norm(np.diff(motion.trans, axis=0), axis=1).sum()
    assert np.linalg.norm(np.diff(trans, axis=0), axis=1).sum() == pytest.approx(path_length, rel=0.1)


def test_end_sites_serve_as_wrists(own: np.ndarray, tmp_path: Path) -> None:
    """Hands cut off: where the forearm ends, the wrist is; the arms point as before."""
    write_bvh(tmp_path / "a.bvh", MIXAMO, own, T_POSE)
    text = (tmp_path / "a.bvh").read_text()
    names = re.findall(r"(?:ROOT|JOINT) (\S+)", text)
    hand = r"JOINT \w+Hand\n\{\n(OFFSET .*)\nCHANNELS .*\n(End Site\n\{\n)OFFSET .*\n\}\n\}"
    head, numbers = re.split(r"(?<=Frame Time: 0.0333333\n)", re.sub(hand, r"\2\1\n}", text))
    kept = [column for column in range(3 + 3 * len(names)) if column < 3 or not names[column // 3 - 1].endswith("Hand")]
    rows = [[row.split()[column] for column in kept] for row in numbers.splitlines()]
    (tmp_path / "b.bvh").write_text(head + "\n".join(" ".join(row) for row in rows))
    (whole, _, _), (cut, _, _) = (read_bvh_clip(tmp_path / name) for name in ("a.bvh", "b.bvh"))
    assert degrees(whole[:, :20], cut[:, :20]).max() < 1e-3


def _break(text: str, how: str) -> str:
    lines = text.splitlines()
    start = lines.index("MOTION")
    match how:
        case "truncated":
            return "\n".join([*lines[:-3], lines[-3][:50]])
        case "nan":
            return "\n".join([*lines[:-1], "nan " * len(lines[-1].split())])
        case "empty":
            return "\n".join([*lines[: start + 1], "Frames: 0", "Frame Time: 0.03"])
        case "time":
            return text.replace("Frame Time: 0.0333333", "Frame Time: 0")
        case "armless":
            return text.replace("LeftForeArm", "Tentacle")
        case "words":
            return text.replace("Xrotation", "Wrotation")
    return "\0\1\2"


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("truncated", "states 40 frames"),
        ("nan", "not finite"),
        ("empty", "no frame"),
        ("time", "frame time of 0"),
        ("armless", "left_elbow"),
        ("words", "Wrotation"),
        ("noise", "no BVH file"),
    ],
)
def test_what_does_not_fit_is_refused_by_name_and_reason(how: str, message: str, own: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "odd.bvh"
    write_bvh(path, MIXAMO, own, T_POSE)
    path.write_text(_break(path.read_text(), how))
    with pytest.raises(InputError, match=rf"odd\.bvh.*{message}"):
        read_bvh_clip(path)


def test_bvh_lies_beside_npz(own: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    write_bvh(tmp_path / "a" / "dance.bvh", MIXAMO, own, T_POSE)
    np.savez(tmp_path / "a" / "walk.npz", poses=np.zeros((20, 72)), trans=np.zeros((20, 3)), mocap_frame_rate=30.0)
    names = list_mocap(tmp_path)
    assert names == ["a/dance", "a/walk"]
    mocap = load_mocap(tmp_path, names)
    assert mocap.lengths.tolist() == [39, 20]  # the T-pose before the dance is left out


def test_kinematics_agree_with_another_reader(own: np.ndarray, tmp_path: Path) -> None:
    write_bvh(tmp_path / "a.bvh", ROKOKO, own, A_POSE)
    motion, other = read_bvh(tmp_path / "a.bvh"), pybvh.read_bvh_file(tmp_path / "a.bvh", world_up="+y")
    order = [motion.names.index(name) for name in other.joint_names]
    np.testing.assert_allclose(motion.positions[:, order], np.asarray(other.joint_positions()), atol=1e-5)
