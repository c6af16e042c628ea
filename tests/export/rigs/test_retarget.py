"""A person's motion on characters of other proportions, names, rest poses, units and axes."""

import json

import numpy as np
import pytest
import torch
from players import posed_nodes, read_glb
from pygltflib import Buffer
from scipy.spatial.transform import Rotation

from hmr_video.cli.main import run
from hmr_video.export import ExportOptions, export
from hmr_video.export.actors import place
from hmr_video.export.formats.gltf_buffer import MESHOPT, save_glb
from hmr_video.export.rigs.names import RIGS
from hmr_video.export.rigs.trunk import Arms, Trunk, kept_out, sunk
from hmr_video.geometry.skeleton import JOINT_NAMES

BONES = (("shoulder", "elbow"), ("elbow", "wrist"))
ARMS = [(f"{side}_{start}", f"{side}_{end}") for side in ("left", "right") for start, end in BONES]
THIGHS = [(f"{side}_hip", f"{side}_knee") for side in ("left", "right")]
PARTS = ("shoulder", "elbow", "wrist", "hand")
PER_FRAME = (
    "poses", "poses_past", "poses_future", "trans", "confidence", "boxes", "joints3d", "landmarks2d", "timestamps", "frame_ids",
)  # fmt: skip
LEGS = THIGHS + [(f"{side}_knee", f"{side}_ankle") for side in ("left", "right")]


@pytest.fixture
def result(motion, tmp_path):
    motion.save(tmp_path / "clip" / "person_01.npz")
    return tmp_path / "clip"


def character(path, motions, body, rig, rename=None):
    """Somebody stout with short legs, of a centimetre's unit, below a turned armature, with bones along axes of their own."""
    (made,) = export([motions[1]], body, path.parent / "made", ["glb"], ExportOptions(rig=rig))
    file = read_glb(made)
    file.animations = []
    bones = file.skins[0].joints
    above = {child: number for number in bones for child in file.nodes[number].children}
    axes = dict(zip(bones, Rotation.random(len(bones), random_state=3), strict=True))
    armature = Rotation.from_euler("x", 90, degrees=True)
    for bone in bones:
        node, parent = file.nodes[bone], axes[above[bone]] if bone in above else armature
        node.rotation = (parent.inv() * axes[bone]).as_quat().tolist()
        thigh = node.name in [RIGS[rig].bones[f"{side}_knee"] for side in ("left", "right")]
        offset = np.array(node.translation) * (80 if thigh else 100)
        if node.name == RIGS[rig].bones["pelvis"]:
            offset[1] -= 8.2  # by which the legs are shorter: it stands on the origin
        node.translation = parent.inv().apply(offset).tolist()
        node.name = node.name if rename is None else rename(node.name)
    top = next(node for node in file.nodes if bones[0] in node.children)
    top.rotation, top.scale = armature.as_quat().tolist(), [0.01, 0.01, 0.01]
    file.save_binary(path)
    return {file.nodes[bone].name: bone for bone in bones}


@pytest.mark.parametrize("rig", ["mixamo", "unity", "unreal", "vrm", "rigify"])
def test_limbs_point_as_the_persons_and_feet_go_where_they_went(rig, result, motion, motions, body, tmp_path):
    numbers = character(tmp_path / "figure.glb", motions, body, rig)
    assert run(["retarget", str(result), str(tmp_path / "figure.glb"), "-o", str(tmp_path / "out.glb"), "-q"]) == 0
    actor = place(motion, body)
    found = {joint: numbers[RIGS[rig].bones[joint]] for joint in JOINT_NAMES}
    times, worlds = posed_nodes(read_glb(tmp_path / "out.glb"), found["left_knee"])
    np.testing.assert_allclose(times, motion.timestamps - motion.timestamps[0], atol=1e-6)
    place_of = {joint: worlds[number][:, :3, 3] for joint, number in found.items()}
    own = {joint: actor.joints[:, JOINT_NAMES.index(joint)] for joint in JOINT_NAMES}
    for start, end in ARMS:
        assert _angles(place_of[end] - place_of[start], own[end] - own[start]).max() < 0.5
    for start, end in LEGS:
        assert _angles(place_of[end] - place_of[start], own[end] - own[start]).max() < 25  # as the thighs are shorter
    lengths = [sum(np.linalg.norm(joints[end][0] - joints[start][0]) for start, end in LEGS) for joints in (place_of, own)]
    for ankle in ("left_ankle", "right_ankle"):
        way = place_of[ankle] - own[ankle] * lengths[0] / lengths[1]
        assert np.ptp(way, axis=0).max() < 4e-3  # the same way, in the scale of the legs: who stands there stands here


def test_a_vrm_says_which_bone_is_which_and_a_map_does_for_others(result, motions, body, tmp_path, capsys):
    figure, target = tmp_path / "figure.vrm", str(tmp_path / "out.vrm")
    numbers = character(figure, motions, body, "vrm", rename=lambda name: f"J_{name.encode().hex()}")
    names = {RIGS["vrm"].bones[joint]: joint for joint in JOINT_NAMES}
    nodes = dict(zip(_bones_in_order(motions, body), numbers.values(), strict=True))
    assert run(["retarget", str(result), str(figure), "-o", target]) == 3  # names that mean nothing
    file = read_glb(figure)
    by_number = {number: name for name, number in numbers.items()}
    (tmp_path / "map.json").write_text(json.dumps({names[bone]: by_number[node] for bone, node in nodes.items()}))
    assert run(["retarget", str(result), str(figure), "-o", target, "--map", str(tmp_path / "map.json")]) == 0
    by_map = (tmp_path / "out.vrm").read_bytes()
    file.extensions = {"VRMC_vrm": {"specVersion": "1.0", "humanoid": {"humanBones": {b: {"node": n} for b, n in nodes.items()}}}}
    file.save_binary(figure)
    assert run(["retarget", str(result), str(figure), "-o", target, "--overwrite"]) == 0
    read, mapped = read_glb(tmp_path / "out.vrm"), len(by_map)
    assert "VRMC_vrm" in read.extensions
    assert abs(len((tmp_path / "out.vrm").read_bytes()) - mapped) < 5000


def test_a_compressed_mesh_stays_as_it_is(result, motions, body, tmp_path, capsys):
    """As gltfpack and glTF-Transform write it: views of a buffer that is not there, which stand for packed bytes in the first."""
    character(tmp_path / "figure.glb", motions, body, "vrm")
    file = read_glb(tmp_path / "figure.glb")
    for view in file.bufferViews:
        packed = {"buffer": 0, "byteOffset": view.byteOffset, "byteLength": 8, "byteStride": 4, "count": 4, "mode": "ATTRIBUTES"}
        view.buffer, view.extensions = 1, {MESHOPT: packed}
    file.buffers.append(Buffer(byteLength=file.buffers[0].byteLength, extensions={MESHOPT: {"fallback": True}}))
    save_glb(file, tmp_path / "packed.glb")
    assert run(["retarget", str(result), str(tmp_path / "packed.glb"), "-o", str(tmp_path / "out.glb")]) == 0
    assert "compressed" in capsys.readouterr().err
    made = read_glb(tmp_path / "out.glb")
    before, after = file.binary_blob(), made.binary_blob()
    assert after[: len(before)] == before
    assert made.bufferViews[: len(file.bufferViews)] == file.bufferViews
    assert made.buffers[1] == file.buffers[1]
    assert {view.buffer for view in made.bufferViews[len(file.bufferViews) :]} == {0}
    file.buffers[1].extensions = {}  # bytes that are elsewhere
    save_glb(file, tmp_path / "half.glb")
    assert run(["retarget", str(result), str(tmp_path / "half.glb"), "-o", str(tmp_path / "none.glb")]) == 3


def test_what_is_no_character_is_refused(result, motions, body, tmp_path):
    (tmp_path / "text.glb").write_text("not a GLB")
    character(tmp_path / "figure.glb", motions, body, "unity")
    figure, target = str(tmp_path / "figure.glb"), str(tmp_path / "out.glb")
    assert run(["retarget", str(result), str(tmp_path / "text.glb"), "-o", target]) == 3
    assert run(["retarget", str(result), str(tmp_path / "none.glb"), "-o", target]) == 3
    assert run(["retarget", str(result), figure, "-o", str(tmp_path / "out.fbx")]) == 2
    assert run(["retarget", str(result), figure, "-o", target, "--person", "2"]) == 2
    circle = read_glb(tmp_path / "figure.glb")
    first, last = circle.skins[0].joints[0], circle.skins[0].joints[-1]
    next(node for node in circle.nodes if first in node.children).children = []
    circle.nodes[last].children = [first]
    circle.save_binary(tmp_path / "circle.glb")
    assert run(["retarget", str(result), str(tmp_path / "circle.glb"), "-o", target]) == 3
    (tmp_path / "map.json").write_text('{"left_hip": "no such bone"}')
    assert run(["retarget", str(result), figure, "-o", target, "--map", str(tmp_path / "map.json")]) == 3
    assert not (tmp_path / "out.glb").exists()


def _angles(first, second):
    unit = [vectors / np.linalg.norm(vectors, axis=-1, keepdims=True) for vectors in (first, second)]
    return np.degrees(np.arccos((unit[0] * unit[1]).sum(-1).clip(-1, 1)))


def _bones_in_order(motions, body):
    from hmr_video.export.rigs.rigging import rigged

    return rigged(place(motions[1], body), RIGS["vrm"]).names


def test_arms_stay_out_of_a_larger_belly(motion, body):
    """Hands before the belly, on somebody whose trunk is half as deep again: they lie on it, no deeper than the person's."""
    rotations = np.tile(np.eye(3), (4, 24, 1, 1))
    for side, sign in (("left", 1), ("right", -1)):
        rotations[:, JOINT_NAMES.index(f"{side}_shoulder")] = Rotation.from_euler("ZX", [-sign * 1.2, 1.1]).as_matrix()
        rotations[:, JOINT_NAMES.index(f"{side}_elbow")] = Rotation.from_euler("y", -sign * 1.7).as_matrix()
    actor = place(motion.replace(**{name: getattr(motion, name)[:4] for name in PER_FRAME}), body)
    joints, turned = body.joints(torch.from_numpy(rotations).float(), torch.zeros(4, 10))
    joints, turned = joints.double().numpy(), turned.double().numpy()
    spine = [JOINT_NAMES.index(name) for name in ("pelvis", "spine1", "spine2", "spine3")]
    arms = Arms(*(joints[:, [JOINT_NAMES.index(f"left_{part}"), JOINT_NAMES.index(f"right_{part}")]] for part in PARTS))
    vertices = actor.rest_vertices[np.isin(body.weights.argmax(-1).numpy(), spine)]
    thin, stout = (Trunk.of(actor.rest_joints[spine], vertices * [1, 1, deep], [], 1.0) for deep in (1.0, 1.6))
    places = joints[:, spine], turned[:, spine]
    allowed, _ = sunk(arms, thin, *places)
    before, _ = sunk(arms, stout, *places)
    free = kept_out(arms, allowed, stout, *places, rate=30.0)
    after, _ = sunk(free, stout, *places)
    assert (before - allowed).max() > 0.03
    assert (after - allowed).max() < 0.005
    for start, end in (("shoulders", "elbows"), ("elbows", "wrists"), ("wrists", "hands")):
        lengths = [np.linalg.norm(getattr(one, end) - getattr(one, start), axis=-1) for one in (arms, free)]
        np.testing.assert_allclose(*lengths, atol=1e-3)
    assert kept_out(arms, before, stout, *places, rate=30.0) is arms


@pytest.mark.slow
def test_an_fbx_character_does_what_its_glb_does(blender, result, motions, body, tmp_path):
    (figure,) = export([motions[1]], body, tmp_path, ["fbx"], ExportOptions(rig="mixamo"))
    (same,) = export([motions[1]], body, tmp_path, ["glb"], ExportOptions(rig="mixamo"))
    found = {}
    for character_file, target in ((figure, "a.glb"), (same, "b.glb")):
        assert run(["retarget", str(result), str(character_file), "-o", str(tmp_path / target), "-q"]) == 0
        file = read_glb(tmp_path / target)
        names = {node.name: number for number, node in enumerate(file.nodes)}
        _, worlds = posed_nodes(file, names["mixamorig:LeftArm"])
        found[target] = np.stack([worlds[names[bone]][:, :3, 3] for bone in RIGS["mixamo"].bones.values()])
    np.testing.assert_allclose(found["a.glb"], found["b.glb"], atol=5e-3)
    (tmp_path / "text.fbx").write_text("no FBX")
    assert run(["retarget", str(result), str(tmp_path / "text.fbx"), "-o", str(tmp_path / "c.glb"), "-q"]) == 3
    assert not (tmp_path / "c.glb").exists()
