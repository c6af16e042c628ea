"""The steps that make the open body, on a sphere."""

import numpy as np
import pytest
import trimesh

from hmr_video.body.builder import shapespace, skeleton, surface, thinning
from hmr_video.geometry.skeleton import JOINT_NAMES


@pytest.fixture(scope="module")
def sphere() -> tuple[np.ndarray, np.ndarray]:
    """A cube blown up, so that the plane of symmetry runs along edges."""
    mesh = trimesh.creation.box((2, 2, 2)).subdivide().subdivide().subdivide()
    return mesh.vertices / np.linalg.norm(mesh.vertices, axis=1, keepdims=True), np.asarray(mesh.faces)


def test_holes_are_closed(sphere: tuple[np.ndarray, np.ndarray]) -> None:
    vertices, faces = sphere
    cavity = np.abs(vertices[faces].mean(1)[:, 1]) > 0.9  # both poles
    weights = np.full((len(vertices), 24), 1 / 24)
    shapes = np.stack([vertices, 2 * vertices])
    with pytest.raises(ValueError, match="not closed"):
        surface.check_closed(faces[~cavity])
    closed, rows, new_faces = surface.close(shapes, weights, faces, cavity)
    surface.check_closed(new_faces)
    assert closed.shape[1] == len(rows) == new_faces.max() + 1
    assert np.allclose(closed[1], 2 * closed[0])
    whole = trimesh.Trimesh(closed[0], new_faces, process=False)
    assert whole.is_winding_consistent
    assert 0.9 * 4.15 < whole.volume < 4.15  # m^3, less the two caps


def test_thinning_keeps_form_and_symmetry(sphere: tuple[np.ndarray, np.ndarray]) -> None:
    vertices, faces = sphere
    partner = surface.mirror_map(vertices)
    kept, thinned = thinning.thin(vertices, faces, np.zeros((len(vertices), 24)), partner, 300)
    surface.check_closed(thinned)
    assert abs(len(kept) - 300) < 5
    assert set(partner[kept]) == set(kept)
    assert trimesh.Trimesh(vertices[kept], thinned, process=False).volume > 0.95 * trimesh.Trimesh(vertices, faces).volume


def test_an_asymmetric_mesh_is_refused(sphere: tuple[np.ndarray, np.ndarray]) -> None:
    with pytest.raises(ValueError, match="not symmetric"):
        surface.mirror_map(sphere[0] * [1, 1, 1] + np.where(sphere[0][:, :1] > 0.5, [0, 0.5, 0], 0))


def test_shape_numbers_follow_traits_and_joints_follow_shapes(sphere: tuple[np.ndarray, np.ndarray]) -> None:
    vertices, faces = sphere
    rng = np.random.default_rng(0)
    stature = rng.normal(1, 0.1, 60)
    wobble = rng.normal(0, 0.01, (60, 12))
    modes = np.cos(np.arange(1, 13)[:, None] * vertices[None, :, 1])[..., None] * np.abs(vertices)[None] * np.sign(vertices)[None]
    shapes = vertices * stature[:, None, None] + np.einsum("nk,kvc->nvc", wobble, modes)
    joints = np.zeros((60, 24, 3))
    for index, name in enumerate(JOINT_NAMES):
        joints[:, index, 0] = 0.3 * stature * {"left": 1, "right": -1}.get(name.split("_")[0], 0)
    partner = surface.mirror_map(vertices)
    space = shapespace.shape_space(shapes, joints, faces, [stature], partner)
    assert np.ptp((space.mean + space.directions[..., 0])[:, 1]) - np.ptp(space.mean[:, 1]) == pytest.approx(0.2, abs=0.04)
    regressor = shapespace.joint_regressor(space, partner)
    assert np.allclose(regressor.sum(1), 1)
    assert np.abs(regressor @ space.mean - space.joint_mean).max() < 1e-3


def test_every_bone_has_its_joint() -> None:
    expected = {"upperleg01.L": "left_hip", "finger1-2.R": "right_wrist", "finger3-1.L": "left_hand", "spine05": "pelvis"}
    assert {bone: JOINT_NAMES[skeleton.joint_of_bone(bone)] for bone in expected} == expected
    with pytest.raises(KeyError):
        skeleton.joint_of_bone("tail")


def test_the_strongest_weights_stay_and_ties_with_them() -> None:
    weights = np.array([[0.4, 0.3, 0.2, 0.05, 0.05, 0.0], [0.5, 0.2, 0.15, 0.1, 0.05, 0.0]])
    kept = skeleton.strongest(weights)
    assert np.allclose(kept[0], weights[0])
    assert np.allclose(kept[1], [0.5 / 0.95, 0.2 / 0.95, 0.15 / 0.95, 0.1 / 0.95, 0, 0])
