"""Feet's and hands' points on bodies."""

import torch

from hmr_video.body import Body
from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.geometry.skeleton import COCO_NAMES, JOINT_NAMES, LANDMARKS, MIRRORED_LANDMARKS

_AT_REST = torch.eye(3).expand(24, 3, 3)


def _landmarks(body: Body, rotations: torch.Tensor, betas: torch.Tensor) -> dict[str, torch.Tensor]:
    joints, turned = body.joints(rotations, betas)
    points = body.landmarks_from_joints(joints, turned, betas)
    return dict(zip(LANDMARKS, points.unbind(-2), strict=True))


def test_names_begin_with_cocos_and_mirror() -> None:
    assert LANDMARKS[:17] == COCO_NAMES
    swapped = {"left": "right", "right": "left"}
    for name, other in zip(LANDMARKS, MIRRORED_LANDMARKS, strict=True):
        side, _, part = name.partition("_")
        assert LANDMARKS[other] == (f"{swapped[side]}_{part}" if part else name)


def test_feet_and_hands_at_rest_are_where_a_persons_are(body: Body) -> None:
    at = _landmarks(body, _AT_REST, torch.zeros(10))
    vertices, joints = body.rest(torch.zeros(10))
    big, small, heel = (at[f"left_{name}"] for name in ("big_toe", "small_toe", "heel"))
    assert 0.23 < float(big[2] - heel[2]) < 0.29
    assert big[0] < heel[0] < small[0]
    assert 0.01 < float(big[2] - small[2]) < 0.07
    assert max(float(point[1] - vertices[:, 1].min()) for point in (big, small, heel)) < 0.04
    thumb, index, little = (at[f"left_{name}"] for name in ("thumb", "index", "little_finger"))
    wrist = joints[JOINT_NAMES.index("left_wrist")]
    assert 0.04 < float(index[2] - little[2]) < 0.09  # across the knuckles
    assert thumb[2] > index[2] + 0.02
    assert all(0.06 < float((point - wrist).norm()) < 0.13 for point in (thumb, index, little))


def test_left_mirrors_right(body: Body) -> None:
    points = torch.stack(list(_landmarks(body, _AT_REST, torch.randn(10, generator=torch.Generator().manual_seed(3))).values()))
    assert (points[list(MIRRORED_LANDMARKS)] * torch.tensor([-1.0, 1.0, 1.0]) - points).abs().max() < 1e-3


def test_feet_ride_on_the_mesh_and_hands_on_the_wrist(body: Body) -> None:
    generator = torch.Generator().manual_seed(1)
    poses = axis_angle_to_matrix(0.5 * torch.randn(3, 24, 3, generator=generator))
    betas = torch.randn(3, 10, generator=generator)
    at = _landmarks(body, poses, betas)
    vertices, _ = body.vertices(poses, betas)
    for name in LANDMARKS[17:23]:
        distance = (vertices - at[name][:, None]).norm(dim=-1).amin(1)
        assert distance.max() < 1e-5
    toes = poses.clone()
    toes[:, 10] = axis_angle_to_matrix(torch.tensor([-0.6, 0.0, 0.0]))
    fingers = toes.clone()
    fingers[:, 22] = axis_angle_to_matrix(torch.tensor([0.0, 0.0, 1.0]))
    bent = _landmarks(body, fingers, betas)
    assert (bent["left_big_toe"] - at["left_big_toe"]).norm(dim=-1).min() > 0.01
    assert torch.equal(bent["left_heel"], at["left_heel"])
    assert torch.equal(bent["left_index"], at["left_index"])  # knuckles stay where fingers bend
