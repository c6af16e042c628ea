"""GLB: read back and skinned by a reader of our own, and judged by the Khronos validator where node has it."""

import json
import os
import shutil
import subprocess

import numpy as np
import pytest
from people import CASTS
from players import play, read, read_by_blender, read_glb

from hmr_video.export import ExportOptions, export
from hmr_video.export.actors import continuous_quaternions, place
from hmr_video.export.registry import casts
from hmr_video.export.rigs.names import RIGS

_VALIDATE = """
const validator = require('gltf-validator'), fs = require('fs');
Promise.all(process.argv.slice(1).map(file => validator.validateBytes(new Uint8Array(fs.readFileSync(file)))))
    .then(reports => console.log(JSON.stringify(reports.map(report => report.issues))));
"""


@pytest.mark.parametrize("cast", CASTS)
def test_skinning_the_file_gives_the_meshes(cast, motions, body, tmp_path):
    people = cast(motions)
    paths = export(people, body, tmp_path, ["glb"])
    assert [path.name for path in paths] == [f"{name}.glb" for name, _ in casts(len(people))]
    together = read_glb(paths[-1])
    assert [skin.name for skin in together.skins] == [path.stem for path in paths[: len(people)]]
    for person, motion in enumerate(people):
        expected = np.stack(list(place(motion, body).vertices()))
        offset = motion.timestamps[0] - min(one.timestamps[0] for one in people)
        for file, skin, start in ((read_glb(paths[person]), 0, 0.0), (together, person, offset)):
            times, _, posed = play(file, skin)
            np.testing.assert_allclose(times, motion.timestamps - motion.timestamps[0] + start, atol=1e-6)
            assert np.abs(posed - expected).max() < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("rig", ["smpl", "unreal"])
def test_blender_plays_the_meshes(rig, blender, raised, body, tmp_path):
    (path,) = export([raised], body, tmp_path, ["glb"], ExportOptions(rig=rig, root_motion=rig == "unreal"))
    read = read_by_blender(path, tmp_path)
    expected = np.stack(list(place(raised, body).vertices()))[..., [0, 2, 1]] * [1, -1, 1]  # z up
    assert np.abs(read["person_01/vertices"] - expected).max() < 1e-4
    assert {*RIGS[rig].bones.values()} <= set(read["person_01/bones"])


def test_each_person_has_a_node_of_their_own_above_the_joints(motions, body, tmp_path):
    """What importers make an armature of: of two skeletons in one file they would else make one."""
    file = read_glb(export(motions, body, tmp_path, ["glb"])[2])
    parents = {child: number for number, node in enumerate(file.nodes) for child in node.children}
    above = [parents[skin.joints[0]] for skin in file.skins]
    assert [file.nodes[number].name for number in above] == ["person_01", "person_02"]
    assert set(above) < set(file.scenes[0].nodes)
    assert len({node.name for node in file.nodes}) == len(file.nodes)


def test_absent_people_are_scaled_to_nothing(motions, body, tmp_path):
    file = read_glb(export(motions, body, tmp_path, ["glb"])[2])
    (channel,) = [channel for channel in file.animations[0].channels if channel.target.path == "scale"]
    assert file.nodes[channel.target.node].name == "person_02_pelvis"  # who comes 6 frames later and leaves 2 earlier
    sampler = file.animations[0].samplers[channel.sampler]
    assert sampler.interpolation == "STEP"
    np.testing.assert_allclose(read(file, sampler.input).ravel(), [0, 0.24, 0.72], atol=1e-6)
    np.testing.assert_array_equal(read(file, sampler.output), [[0, 0, 0], [1, 1, 1], [0, 0, 0]])


def test_neighbouring_quaternions_do_not_jump(motion, body):
    spinning = motion.poses.copy()
    spinning[:, 1] += np.linspace(0, 15, len(spinning))  # more than two turns about an axis
    quaternions = continuous_quaternions(place(motion.replace(poses=spinning), body).rotations)
    assert (np.sum(quaternions[1:] * quaternions[:-1], axis=-1) > 0).all()
    np.testing.assert_allclose(np.linalg.norm(quaternions, axis=-1), 1, atol=1e-6)


def test_the_khronos_validator_finds_nothing(motions, body, tmp_path):
    if (
        shutil.which("node") is None
        or subprocess.run(["node", "-e", "require('gltf-validator')"], capture_output=True).returncode
    ):
        assert not os.environ.get("CI"), "CI installs node and gltf-validator (NODE_PATH names their folder)"
        pytest.skip("needs node with the package gltf-validator in NODE_PATH")
    short = motions[0].rows(slice(1))
    files = export(motions, body, tmp_path / "two", ["glb"])
    files += export([short], body, tmp_path / "one_frame", ["glb"])
    files += export(motions * 5, body, tmp_path / "ten", ["glb"])[-1:]
    answer = subprocess.run(["node", "-e", _VALIDATE, *map(str, files)], capture_output=True, text=True, check=True)
    for file, issues in zip(files, json.loads(answer.stdout), strict=True):
        assert (issues["numErrors"], issues["numWarnings"]) == (0, 0), (file.name, issues["messages"])
