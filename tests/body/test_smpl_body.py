"""A user's SMPL file, from the pickle to the mesh: a made-up one, of SMPL's size and random content."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
import smplx
import torch
from scipy.sparse import csc_matrix
from smplx.utils import Struct
from smplx.vertex_ids import vertex_ids

from hmr_video.body import load_body
from hmr_video.body.landmarks import SMPL_TIPS
from hmr_video.body.size import fit_betas
from hmr_video.body.smpl import SmplBody
from hmr_video.body.smpl_file import add_smpl, read_smpl
from hmr_video.cli.main import run
from hmr_video.errors import AssetError, InputError, OutputError, UsageError
from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.geometry.skeleton import PARENTS


@pytest.fixture(scope="module")
def smpl() -> dict[str, np.ndarray]:
    """Random arrays in SMPL's layout: points about the open body's joints, so that sizes are a person's."""
    rng = np.random.default_rng(0)
    joints = load_body("open").joint_template.numpy()
    owner = rng.integers(0, 24, 6890)
    weights = rng.random((6890, 24)) ** 8
    weights[np.arange(6890), owner] += 3
    regressor = np.zeros((24, 6890))
    for joint in range(24):
        regressor[joint, np.nonzero(owner == joint)[0][:40]] = 1 / 40
    directions = rng.normal(0, 0.002, (6890, 3, 10))
    directions[..., 0] += joints[owner] * 0.05
    return {
        "v_template": joints[owner] + rng.normal(0, 0.02, (6890, 3)),
        "shapedirs": directions,
        "posedirs": rng.normal(0, 0.002, (6890, 3, 207)).astype(np.float32),
        "J_regressor": regressor,
        "weights": weights / weights.sum(1, keepdims=True),
        "kintree_table": np.array([(2**32 - 1, *PARENTS[1:]), range(24)], np.int64),
        "f": rng.integers(0, 6890, (13776, 3)).astype(np.uint32),
    }


@pytest.fixture
def pickled(tmp_path: Path, smpl: dict[str, np.ndarray]) -> Path:
    path = tmp_path / "SMPL_TEST.pkl"
    sparse = csc_matrix(smpl["J_regressor"])
    path.write_bytes(pickle.dumps({**smpl, "J_regressor": sparse, "bs_type": "lrotmin"}, protocol=2))
    return path


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HMR_VIDEO_HOME", str(tmp_path / "home"))
    load_body.cache_clear()
    return tmp_path / "home"


def test_feet_are_the_vertices_that_smplx_names(smpl: dict[str, np.ndarray]) -> None:
    body = SmplBody({key: np.asarray(value, np.float32 if key != "f" else np.int64) for key, value in smpl.items()}, "smpl", "")
    betas = torch.randn(2, 10, generator=torch.Generator().manual_seed(0))
    rotations = torch.eye(3).expand(2, 24, 3, 3)
    points = body.landmarks_from_joints(*body.joints(rotations, betas), betas)
    names = ("LBigToe", "LSmallToe", "LHeel", "RBigToe", "RSmallToe", "RHeel")
    named = body.rest(betas)[0][:, [vertex_ids["smplh"][name] for name in names]]
    assert points[:, 17:23] == pytest.approx(named.numpy(), abs=1e-5)
    ends = ("lthumb", "lindex", "lpinky", "rthumb", "rindex", "rpinky")
    assert tuple(vertex_ids["smplh"][name] for name in ends) == SMPL_TIPS[6:]


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_of_every_protocol_and_archives_with_objects(tmp_path: Path, smpl: dict[str, np.ndarray], protocol: int) -> None:
    sparse = csc_matrix(smpl["J_regressor"])
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({**smpl, "J_regressor": sparse, "extra": Path("x")}, protocol))
    np.savez(tmp_path / "a.npz", **{**smpl, "J_regressor": np.array(sparse, object), "extra": np.array([Path("x")], object)})
    for name in ("a.pkl", "a.npz"):
        arrays = read_smpl(tmp_path / name)
        np.testing.assert_allclose(arrays["J_regressor"], smpl["J_regressor"], atol=1e-7)
        np.testing.assert_array_equal(arrays["f"], smpl["f"])


def test_pickle_becomes_a_body(pickled: Path, smpl: dict[str, np.ndarray]) -> None:
    path = add_smpl(pickled, "mine")
    body = load_body("mine")
    assert isinstance(body, SmplBody)
    assert body.name == "mine"
    theirs = smplx.SMPL(model_path="", data_struct=Struct(**smpl), create_transl=False)
    generator = torch.Generator().manual_seed(0)
    pose, betas = 0.4 * torch.randn(3, 72, generator=generator), torch.randn(3, 10, generator=generator)
    expected = theirs(betas=betas, global_orient=pose[:, :3], body_pose=pose[:, 3:])
    rotations = axis_angle_to_matrix(pose.view(3, 24, 3))
    vertices, joints = body.vertices(rotations, betas)
    assert (vertices - expected.vertices).abs().max() < 2e-6
    assert (joints - expected.joints[:, :24]).abs().max() < 2e-6
    assert (body.joints(rotations, betas)[0] - joints).abs().max() < 2e-6
    rest = body.rest(betas)[0]
    assert (body.coco_keypoints(torch.eye(3).expand(3, 24, 3, 3), betas)[:, 0] - rest[:, 332]).abs().max() < 1e-6
    single, _ = body.vertices(rotations[0], betas[0])
    assert (single - vertices[0]).abs().max() < 1e-6
    with np.load(path, allow_pickle=False) as archive:
        assert "non-commercial" in str(archive["licence"])


def test_npz_gives_the_same(pickled: Path, tmp_path: Path, smpl: dict[str, np.ndarray]) -> None:
    np.savez(tmp_path / "smpl.npz", **{**smpl, "shapedirs": np.pad(smpl["shapedirs"], ((0, 0), (0, 0), (0, 290)))})
    first, second = read_smpl(pickled), read_smpl(tmp_path / "smpl.npz")
    assert first.keys() == second.keys()
    assert all(np.array_equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize(("joints", "name"), [(52, "SMPL-H"), (55, "SMPL-X")])
def test_relatives_are_refused_by_name(tmp_path: Path, smpl: dict[str, np.ndarray], joints: int, name: str) -> None:
    np.savez(tmp_path / "other.npz", **{**smpl, "kintree_table": np.zeros((2, joints), np.int64)})
    with pytest.raises(InputError, match=name):
        read_smpl(tmp_path / "other.npz")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("weights", np.zeros((6890, 24))),
        ("v_template", np.full((6890, 3), np.nan)),
        ("v_template", np.zeros((100, 3))),
        ("f", np.full((13776, 3), 6890)),
        ("v_template", np.full((6890, 3), "x")),
    ],
)
def test_damaged_files_are_refused(tmp_path: Path, smpl: dict[str, np.ndarray], key: str, value: np.ndarray) -> None:
    np.savez(tmp_path / "bad.npz", **{**smpl, key: value})
    with pytest.raises(InputError):
        read_smpl(tmp_path / "bad.npz")


def test_missing_entries_are_named(tmp_path: Path, smpl: dict[str, np.ndarray]) -> None:
    np.savez(tmp_path / "part.npz", **{key: smpl[key] for key in ("v_template", "f")})
    with pytest.raises(InputError, match="posedirs"):
        read_smpl(tmp_path / "part.npz")


def test_names(pickled: Path) -> None:
    for name in ("open", "../up", "a/b", "", ".hidden"):
        with pytest.raises(UsageError):
            add_smpl(pickled, name)
    add_smpl(pickled)
    with pytest.raises(OutputError):
        add_smpl(pickled)
    with pytest.raises(AssetError, match="body add"):
        load_body(str(pickled))


def test_commands(pickled: Path, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["body", "add", str(pickled), "--name", "mine"]) == 0
    assert run(["body", "list", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["bodies"]
    assert [entry["name"] for entry in found] == ["open", "mine"]
    assert found[0]["licence"].startswith("CC0")
    assert run(["body", "remove", "mine"]) == 0
    assert run(["body", "remove", "mine"]) == 6
    assert run(["body", "remove", "../home/bodies/mine"]) == 6
    assert run(["body", "add", str(pickled.parent / "missing.pkl")]) == 3
    assert not list((home / "bodies").iterdir())


def test_size_is_carried_over(pickled: Path) -> None:
    add_smpl(pickled, "mine")
    source, target = load_body("open"), load_body("mine")
    lengths = []
    for stature in (-2.0, 0.0, 2.0):
        betas = torch.tensor([stature] + [0.0] * 9)
        fitted = fit_betas(source, betas, target)
        assert fitted.shape == (10,)
        for pair in ((1, 4), (4, 7), (16, 18)):
            wanted, found = (
                float(body.rest_joints(b)[list(pair)].diff(dim=0).norm()) for body, b in ((source, betas), (target, fitted))
            )
            assert found == pytest.approx(wanted, rel=0.05)
        lengths.append(float(target.rest_joints(fitted)[[1, 4]].diff(dim=0).norm()))
    assert lengths[0] < lengths[1] < lengths[2]


def test_size_of_the_same_body_is_its_own() -> None:
    own = load_body("open")
    betas = torch.tensor([1.5, 0, 0, 0.5] + [0.0] * 6)
    joints = own.rest_joints(fit_betas(own, betas, own))
    limbs = [(1, 4), (4, 7), (16, 18), (18, 20)]
    for start, end in limbs:
        wanted = float((own.rest_joints(betas)[start] - own.rest_joints(betas)[end]).norm())
        assert float((joints[start] - joints[end]).norm()) == pytest.approx(wanted, abs=0.003)
