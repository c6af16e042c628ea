"""OBJ and PLY sequences, read back by trimesh."""

import time

import numpy as np
import pytest
import torch
import trimesh

from hmr_video.errors import OutputError, UsageError
from hmr_video.export import ExportOptions, export
from hmr_video.export.palette import person_color


@pytest.mark.parametrize("kind", ["obj", "ply"])
def test_frames_are_the_skinned_meshes_turned_upright(kind, motions, body, tmp_path):
    folders = export(motions, body, tmp_path, [kind])
    assert [folder.name for folder in folders] == [f"person_01_{kind}", f"person_02_{kind}"]
    second = motions[1]
    assert sorted(file.name for file in folders[1].iterdir()) == [f"person_02_{frame:06d}.{kind}" for frame in second.frame_ids]

    mesh = trimesh.load(folders[1] / f"person_02_{second.frame_ids[4]:06d}.{kind}", process=False)
    np.testing.assert_array_equal(mesh.faces, body.faces)
    # Independently of the code under test: the camera-space joints, half a turn about x, lie inside the mesh's box.
    joints = second.joints3d[4] * [1, -1, -1]
    assert (joints > mesh.bounds[0] - 0.02).all()
    assert (joints < mesh.bounds[1] + 0.02).all()
    assert np.ptp(mesh.vertices[:, 1]) > 1.3  # upright
    assert mesh.volume > 0.03  # the faces still look outward: no mirror


def test_a_levelled_world_is_applied(motion, body, tmp_path):
    world = np.diag([1.0, -1.0, -1.0, 1.0])
    world[:3, 3] = [1.0, 2.0, 3.0]
    plain = export([motion], body, tmp_path / "a", ["ply"])[0]
    moved = export([motion.replace(world_from_camera=world)], body, tmp_path / "b", ["ply"])[0]
    name = f"person_01_{motion.frame_ids[0]:06d}.ply"
    shift = trimesh.load(moved / name, process=False).vertices - trimesh.load(plain / name, process=False).vertices
    np.testing.assert_allclose(shift, np.broadcast_to([1.0, 2.0, 3.0], shift.shape), atol=1e-5)


def test_meshes_are_skinned_once_for_all_formats(motions, body, tmp_path, monkeypatch):
    alone = {kind: export(motions, body, tmp_path / kind, [kind]) for kind in ("obj", "ply")}
    skinned = []
    skin = type(body).vertices
    monkeypatch.setattr(
        type(body), "vertices", lambda self, rotations, betas: skinned.append(len(rotations)) or skin(self, rotations, betas)
    )
    for folder in export(motions, body, tmp_path, ["obj", "ply"]):
        kind = folder.name[-3:]
        own = next(one for one in alone[kind] if one.name == folder.name)
        assert {file.name: file.read_bytes() for file in folder.iterdir()} == {
            file.name: file.read_bytes() for file in own.iterdir()
        }
    assert sum(skinned) == sum(map(len, motions))


def test_ply_carries_the_persons_colour(motions, body, tmp_path):
    second = export(motions, body, tmp_path, ["ply"])[1]
    mesh = trimesh.load(next(second.iterdir()), process=False)
    assert tuple(mesh.visual.vertex_colors[100, :3]) == person_color(1) != person_color(0)


def test_existing_results_are_replaced_only_on_request(motion, body, tmp_path):
    export([motion], body, tmp_path, ["obj"])
    with pytest.raises(OutputError):
        export([motion], body, tmp_path, ["obj"])
    one = motion.rows(slice(1))
    (folder,) = export([one], body, tmp_path, ["obj"], ExportOptions(overwrite=True))
    assert len(list(folder.iterdir())) == 1


def test_an_unknown_format_is_refused_before_anything_is_written(motion, body, tmp_path):
    with pytest.raises(UsageError, match="dae"):
        export([motion], body, tmp_path, ["obj", "dae"])
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["obj", "ply"])
def test_a_frame_costs_little(kind, motion, body, tmp_path):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # idle threads that wait for work would be counted
    best = float("inf")
    for attempt in range(6):
        start = time.process_time()  # of this process: the machine may be busy with others
        export([motion], body, tmp_path / str(attempt), [kind])
        best = min(best, (time.process_time() - start) / len(motion))
    torch.set_num_threads(threads)
    assert best < 0.008
