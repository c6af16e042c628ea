"""The open body: its proportions against anthropometry, its symmetry, its mesh, and its skinning against smplx."""

import time
from collections import Counter

import numpy as np
import pytest
import smplx
import torch
from smplx.utils import Struct

from hmr_video.assets import find_body
from hmr_video.body import Body
from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.geometry.skeleton import JOINT_NAMES, MIRRORED_COCO, MIRRORED_JOINTS, PARENTS

_MIRROR = torch.tensor([-1.0, 1.0, 1.0])


@pytest.fixture(scope="module")
def arrays() -> dict[str, np.ndarray]:
    with np.load(find_body("open"), allow_pickle=False) as archive:
        return dict(archive)


@pytest.fixture(scope="module")
def shapes() -> torch.Tensor:
    """(41, 10): the mean, every shape number at -2 and 2, and twenty drawn people."""
    single = torch.cat([-2 * torch.eye(10), 2 * torch.eye(10)])
    drawn = torch.randn(20, 10, generator=torch.Generator().manual_seed(0))
    return torch.cat([torch.zeros(1, 10), single, drawn])


def _poses(count: int, seed: int = 0) -> torch.Tensor:
    return axis_angle_to_matrix(0.5 * torch.randn(count, 24, 3, generator=torch.Generator().manual_seed(seed)))


# Fractions of stature of the mean body, around Drillis and Contini (1966) and de Leva (1996). The two mean different end points
# in the arm, and the range holds both. Hips: Bell, Pedersen and Brand (1990). Shoulders: between centres of rotation.
@pytest.mark.parametrize(
    ("start", "end", "least", "most"),
    [
        ("left_hip", "left_knee", 0.238, 0.250),
        ("left_knee", "left_ankle", 0.233, 0.252),
        ("left_shoulder", "left_elbow", 0.148, 0.186),
        ("left_elbow", "left_wrist", 0.133, 0.156),
        ("left_hip", "right_hip", 0.095, 0.108),
        ("left_shoulder", "right_shoulder", 0.190, 0.225),
    ],
)
def test_segments_are_as_long_as_real_ones(
    body: Body, shapes: torch.Tensor, start: str, end: str, least: float, most: float
) -> None:
    vertices, joints = body.rest(shapes)
    stature = vertices[..., 1].amax(1) - vertices[..., 1].amin(1)
    length = (joints[:, JOINT_NAMES.index(start)] - joints[:, JOINT_NAMES.index(end)]).norm(dim=-1) / stature
    assert least < length[0] < most
    assert (length / length[0] - 1).abs().max() < 0.15  # long and short limbs, but a person's


def test_knees_lie_where_real_ones_do(body: Body, shapes: torch.Tensor) -> None:
    vertices, joints = body.rest(shapes)
    floor, stature = vertices[..., 1].amin(1), vertices[..., 1].amax(1) - vertices[..., 1].amin(1)
    for name, height in (("left_knee", 0.285), ("left_hip", 0.530)):  # Drillis and Contini (1966)
        found = (joints[:, JOINT_NAMES.index(name), 1] - floor) / stature
        assert found[0] == pytest.approx(height, abs=0.005)
        assert (found - height).abs().max() < 0.02
    thigh, shank = (joints[0, 1] - joints[0, 4]).norm(), (joints[0, 4] - joints[0, 7]).norm()
    assert 0.97 < thigh / shank < 1.05


def test_knee_bends_at_the_knee(body: Body) -> None:
    """Bent by a right angle, the front of the knee stays about as far from the joint as the kneecap was; nothing caves in."""
    bent = torch.zeros(24, 3)
    bent[4, 0] = torch.pi / 2
    vertices, joints = body.vertices(axis_angle_to_matrix(bent), torch.zeros(10))
    near = (vertices - joints[4]).norm(dim=-1)
    ahead = (vertices - joints[4]) @ torch.tensor([0.0, -1.0, 1.0]) / 2**0.5
    assert 0.04 < ahead[near < 0.12].max() < 0.09


def test_body_is_symmetric(body: Body, shapes: torch.Tensor, arrays: dict[str, np.ndarray]) -> None:
    partner = arrays["mirror"].astype(np.int64)
    vertices, joints = body.rest(shapes)
    assert (vertices[:, partner] * _MIRROR - vertices).abs().max() < 1e-5
    assert (joints[:, MIRRORED_JOINTS] * _MIRROR - joints).abs().max() < 2e-5
    assert np.array_equal(arrays["weights"][partner][:, MIRRORED_JOINTS], arrays["weights"])
    assert np.array_equal(arrays["part"][partner], arrays["part"])
    keypoints = body.coco_keypoints(torch.eye(3).expand(24, 3, 3), torch.zeros(10))
    assert (keypoints[list(MIRRORED_COCO)] * _MIRROR - keypoints).abs().max() < 2e-5


def test_mesh_is_closed_and_faces_outwards(body: Body) -> None:
    faces = body.faces
    edges = Counter(map(tuple, np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).tolist()))
    assert all(count == 1 and edges[end, start] == 1 for (start, end), count in edges.items())
    assert set(faces.ravel()) == set(range(body.num_vertices))
    a, b, c = np.moveaxis(body.rest(torch.zeros(10))[0].numpy()[faces], 1, 0)
    assert np.einsum("fi,fi->", np.cross(a, b), c) / 6 == pytest.approx(0.066, abs=0.004)  # m^3; negative if inside out


def test_first_shape_number_is_stature(body: Body) -> None:
    vertices, _ = body.rest(torch.tensor([[-1.0] + [0.0] * 9, [0.0] * 10, [1.0] + [0.0] * 9]))
    assert np.ptp(vertices[..., 1].numpy(), axis=1) == pytest.approx([1.617, 1.728, 1.840], abs=0.01)


def test_face_lies_on_the_face(body: Body) -> None:
    nose, left_eye, right_eye, left_ear, right_ear = body.coco_keypoints(torch.eye(3).expand(24, 3, 3), torch.zeros(10))[:5]
    assert float(nose[2]) == pytest.approx(float(body.rest(torch.zeros(10))[0][body.weights[:, 15] > 0.5, 2].max()), abs=1e-6)
    assert left_eye[0] - right_eye[0] == pytest.approx(0.063, abs=0.006)  # the distance between pupils
    assert left_ear[0] - right_ear[0] == pytest.approx(0.16, abs=0.02)
    assert left_ear[2] < left_eye[2] < nose[2]
    assert nose[1] < left_eye[1]


def test_face_rides_on_its_vertices(body: Body, arrays: dict[str, np.ndarray]) -> None:
    poses, betas = _poses(3), torch.randn(3, 10, generator=torch.Generator().manual_seed(1))
    vertices, joints = body.vertices(poses, betas)
    keypoints = body.coco_keypoints(poses, betas)
    assert (keypoints[:, :5] - vertices[:, arrays["face_vertices"]]).norm(dim=-1).max() < 2e-3  # ears follow the neck by a trace
    assert torch.equal(keypoints[:, 5], joints[:, 16])


def test_skinning_agrees_with_smplx(body: Body, arrays: dict[str, np.ndarray]) -> None:
    weights = body.weights.numpy()
    fields = {name: arrays[name] for name in ("v_template", "f", "shapedirs", "J_regressor", "kintree_table")}
    struct = Struct(**fields, weights=weights, posedirs=np.zeros((body.num_vertices, 3, 207), np.float32))
    theirs = smplx.SMPL(model_path="", data_struct=struct, create_transl=False, vertex_ids=_no_vertices(), dtype=torch.float64)
    poses, betas = _poses(4).double(), torch.randn(4, 10, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    expected = theirs(betas=betas, global_orient=poses[:, :1], body_pose=poses[:, 1:], pose2rot=False)
    vertices, joints = body.vertices(poses, betas)
    assert (vertices - expected.vertices).abs().max() < 1e-6
    assert (joints - expected.joints[:, :24]).abs().max() < 1e-6
    single, _ = body.vertices(poses.float(), betas.float())
    assert (single - vertices).abs().max() < 3e-6


def _no_vertices() -> dict[str, int]:
    """The names of vertices that smplx insists on, which are numbers of SMPL's mesh and mean nothing here."""
    from smplx.vertex_ids import vertex_ids

    return dict.fromkeys(vertex_ids["smplh"], 0)


def test_global_rotations_are_products_down_the_tree(body: Body) -> None:
    poses = _poses(1)[0]
    joints, turned = body.joints(poses, torch.zeros(10))
    expected: list[torch.Tensor] = []
    for joint, parent in enumerate(PARENTS):
        expected.append(poses[joint] if parent < 0 else expected[parent] @ poses[joint])
    assert torch.allclose(turned, torch.stack(expected), atol=1e-6)
    assert joints.shape == (24, 3)


def test_gradients_reach_pose_and_shape(body: Body) -> None:
    pose = torch.zeros(2, 24, 3, requires_grad=True)
    betas = torch.zeros(2, 10, requires_grad=True)
    body.coco_keypoints(axis_angle_to_matrix(pose), betas).square().sum().backward()
    assert pose.grad is not None
    assert torch.isfinite(pose.grad).all()
    assert pose.grad[:, 16].abs().max() > 0
    assert betas.grad is not None
    assert betas.grad[:, 0].abs().min() > 0


@pytest.mark.slow
def test_mesh_is_fast(body: Body) -> None:
    """Under 8 ms of processor time a frame."""
    poses, betas = _poses(100), torch.zeros(100, 10)
    body.vertices(poses[:10], betas[:10])
    start = time.process_time()
    with torch.inference_mode():
        for first in range(0, 100, 20):
            body.vertices(poses[first : first + 20], betas[first : first + 20])
    assert (time.process_time() - start) / 100 < 0.008


def test_no_vertex_follows_more_than_four_joints_and_sides_still_agree(arrays, body) -> None:
    weights = body.weights.numpy()
    assert (weights > 0).sum(1).max() == 4
    assert np.allclose(weights.sum(1), 1)
    assert np.array_equal(weights[arrays["mirror"]][:, MIRRORED_JOINTS], weights)
    assert np.abs(weights - arrays["weights"]).max() < 0.12
