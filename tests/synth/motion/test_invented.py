"""Made-up motion: signs of the joint angles, limits, and bodies that rest on what they should."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Generator, Tensor

from hmr_video.body import Body
from hmr_video.cli.main import run
from hmr_video.geometry.rotations import matrix_to_axis_angle
from hmr_video.geometry.skeleton import JOINT_NAMES
from hmr_video.synth.motion import contact
from hmr_video.synth.motion.invented import NAMES, InventedConfig, Inventor
from hmr_video.synth.motion.poses import ARM, LEG, TRUNK, Angles, clamp, draw_within_limits, limits, to_rotations


@pytest.fixture(scope="module")
def inventor(body: Body) -> Inventor:
    return Inventor(body, InventedConfig())


def _hanging() -> Angles:
    return Angles(torch.zeros(len(TRUNK)), torch.zeros(2, len(LEG)), torch.zeros(2, len(ARM)))


def _windows(inventor: Inventor, count: int, frames: int, name: str | None = None, seed: int = 0) -> tuple[Tensor, Tensor]:
    still = torch.eye(3).repeat(count, frames, 24, 1, 1)
    posture = None if name is None else NAMES.index(name)
    rotations, trans, _ = inventor.windows(still, Generator().manual_seed(seed), posture)
    return rotations, trans


# What moves where, in the body's frame (x its left, y up, z forward), when an angle of the left side or the trunk grows.
@pytest.mark.parametrize(
    ("part", "angle", "joint", "axis", "sign"),
    [
        (0, "pitch", "head", 2, 1), (0, "roll", "head", 0, 1),
        (0, "spine_flexion", "head", 2, 1), (0, "spine_side", "head", 0, 1),
        (1, "hip_flexion", "left_ankle", 2, 1), (1, "hip_abduction", "left_ankle", 0, 1), (1, "hip_rotation", "left_foot", 0, 1),
        (1, "knee_flexion", "left_ankle", 2, -1), (1, "ankle_dorsal", "left_foot", 1, 1),
        (2, "elevation", "left_wrist", 0, 1), (2, "elbow_flexion", "left_wrist", 2, 1), (2, "shrug", "left_shoulder", 1, 1),
    ],
)  # fmt: skip
def test_an_angle_moves_its_limb_the_way_its_name_says(
    body: Body, part: int, angle: str, joint: str, axis: int, sign: int
) -> None:
    angles = _hanging()
    betas = torch.zeros(10)
    before, _ = body.joints(to_rotations(angles), betas)
    values = angles[part]
    values[(0, list((TRUNK, LEG, ARM)[part]).index(angle))[-values.dim() :]] = 0.3
    after, _ = body.joints(to_rotations(angles), betas)
    moved = (after - before)[JOINT_NAMES.index(joint), axis] * sign
    assert moved > 0.01


def test_arms_hang_at_zero_and_turn_outward(body: Body) -> None:
    angles = _hanging()
    joints, _ = body.joints(to_rotations(angles), torch.zeros(10))
    assert joints[20, 1] < joints[18, 1] < joints[16, 1] - 0.2
    angles.arms[:, list(ARM).index("elbow_flexion")] = torch.pi / 2
    forward, _ = body.joints(to_rotations(angles), torch.zeros(10))
    angles.arms[:, list(ARM).index("rotation")] = 0.7
    outward, _ = body.joints(to_rotations(angles), torch.zeros(10))
    assert outward[20, 0] > forward[20, 0] + 0.05
    assert outward[21, 0] < forward[21, 0] - 0.05


def test_both_sides_mean_the_same(body: Body) -> None:
    angles = draw_within_limits((8,), Generator().manual_seed(1))
    trunk = torch.zeros(8, len(TRUNK))
    even = Angles(trunk, angles.legs[:, :1].expand(-1, 2, -1), angles.arms[:, :1].expand(-1, 2, -1))
    joints, _ = body.joints(to_rotations(even), torch.zeros(8, 10))
    assert torch.allclose(joints[:, 20] * torch.tensor([-1.0, 1, 1]), joints[:, 21], atol=1e-3)
    assert torch.allclose(joints[:, 10] * torch.tensor([-1.0, 1, 1]), joints[:, 11], atol=1e-3)


def test_draws_keep_within_the_limits() -> None:
    angles = draw_within_limits((500,), Generator().manual_seed(0))
    for drawn, clamped, part in zip(angles, clamp(angles), (TRUNK, LEG, ARM), strict=True):
        assert torch.equal(drawn, clamped)
        low, high = limits(part)
        reached = (drawn.flatten(0, -2).amax(0) - drawn.flatten(0, -2).amin(0)) / (high - low)
        assert (reached[2:] > 0.8).all()


def test_levelling_a_tilted_body_puts_it_back(body: Body) -> None:
    joints, turned = body.joints(torch.eye(3).repeat(1, 24, 1, 1), torch.zeros(1, 10))
    points = contact.contact_points(joints, turned)
    groups = torch.zeros(1, 3, len(contact.POINTS))
    for row, name in enumerate(("left_heel", "right_heel", "left_ball")):
        groups[0, row, list(contact.POINTS).index(name)] = 1
    tilt = contact.turn_onto(torch.tensor([[0.0, 1.0, 0.0]]), torch.tensor([[0.3, 0.9, -0.2]]))
    back = contact.level((tilt[:, None] @ joints[..., None])[..., 0], (tilt[:, None] @ points[..., None])[..., 0], groups)
    assert (back @ tilt)[0, 1, 1] > 0.999


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("standing", 0.8, 1.6), ("squatting", 0.5, 1.3), ("on all fours", -0.15, 0.4), ("on the back", -0.25, 0.25)],
)
def test_postures_have_the_height_of_head_over_seat_that_they_should(
    inventor: Inventor, body: Body, name: str, low: float, high: float
) -> None:
    rotations, trans = _windows(inventor, 40, 1, name)
    joints, _ = body.joints(rotations, torch.zeros(40, 1, 10))
    head = (joints[:, 0, 15, 1] + trans[:, 0, 1]).median()
    seat = (joints[:, 0, 0, 1] + trans[:, 0, 1]).median()
    assert (joints[..., 1] + trans[..., None, 1]).amin() > -0.03
    if name in ("standing", "squatting"):
        assert low < head < high + 0.1
    else:
        assert low < head - seat < high
        assert seat < 0.65


def test_knees_bend_until_the_ankles_are_as_low_as_asked(body: Body) -> None:
    angles = _hanging()
    angles.legs[:, :2] = torch.tensor([1.3, 0.3])
    angles.legs[:, list(LEG).index("knee_flexion")] = 1.0
    rotations = to_rotations(angles)
    _, turned = body.joints(rotations, torch.zeros(10))
    for drop in (0.0, 0.6):
        rotations[[4, 5]] = contact.bend_knees(rotations, turned, torch.eye(3), torch.tensor([drop, drop]), most=3.0)
        joints, turned = body.joints(rotations, torch.zeros(10))
        below = (joints[[4, 5], 1] - joints[[7, 8], 1]) / (joints[[4, 5]] - joints[[7, 8]]).norm(dim=-1)
        assert torch.allclose(below, torch.tensor([drop, drop]), atol=1e-3)


def test_motion_is_smooth_and_comes_again_with_its_seed(inventor: Inventor) -> None:
    rotations, trans = _windows(inventor, 64, 20)
    again, _ = _windows(inventor, 64, 20)
    assert torch.equal(rotations, again)
    assert torch.linalg.det(rotations).sub(1).abs().max() < 1e-4
    turns = matrix_to_axis_angle(rotations[:, :-1].transpose(-1, -2) @ rotations[:, 1:]).norm(dim=-1)
    assert turns.max() < 0.75  # radians a frame
    assert 0.003 < turns.mean() < 0.1
    assert (trans[:, 1:] - trans[:, :-1]).norm(dim=-1).max() < 0.3


def test_limbs_keep_out_of_the_trunk(inventor: Inventor, body: Body) -> None:
    rotations, _ = _windows(inventor, 300, 1, seed=5)
    joints, _ = body.joints(rotations, torch.zeros(300, 1, 10))
    hands = joints[:, 0, [18, 19, 20, 21]]
    assert (hands - joints[:, 0, 6:7]).norm(dim=-1).min() > 0.09
    assert (joints[:, 0, 4] - joints[:, 0, 5]).norm(dim=-1).min() > 0.08


@pytest.mark.slow
def test_a_sheet_shows_captured_and_made_up_poses(tmp_path: Path) -> None:
    pytest.importorskip("lightning")
    rng = np.random.default_rng(0)
    for name in ("one", "two"):
        poses = (rng.normal(size=72) * 0.1 + np.zeros((20, 1))).astype(np.float32)
        np.savez(tmp_path / f"{name}.npz", poses=poses, trans=np.zeros((20, 3), np.float32), mocap_frame_rate=30.0)
    sheet = tmp_path / "sheet.png"
    assert run(["train", str(tmp_path), "--sheet", str(sheet), "-q"]) == 0
    picture = np.asarray(Image.open(sheet).convert("RGB")).astype(int).reshape(6, -1, 2880, 3)  # six rows of cells
    redder = ((picture[..., 0] - picture[..., 2]) > 40).mean((1, 2))
    bluer = ((picture[..., 2] - picture[..., 0]) > 40).mean((1, 2))
    assert (bluer[::2] > 0.02).all()
    assert (redder[1::2] > 0.02).all()
    assert max(redder[::2].max(), bluer[1::2].max()) < 0.001
