"""Rigs: names that other programs know, hung and resting as they expect, and the same motion on all of them."""

import numpy as np
import pybvh
import pytest
from players import play, read_glb

from hmr_video.console import Reporter
from hmr_video.export import ExportOptions, export
from hmr_video.export.actors import place
from hmr_video.export.rigs.names import RIGS
from hmr_video.export.rigs.rigging import rigged
from hmr_video.geometry.joint_names import name_parts
from hmr_video.geometry.skeleton import JOINT_NAMES
from hmr_video.mocap.retarget import read_bvh_clip

_SIDES = {"mixamo": ("Left", "Right"), "unity": ("Left", "Right"), "vrm": ("left", "right")} | dict.fromkeys(
    ("unreal",), ("_l", "_r")
)
# Who publishes them: Mixamo's downloads, Unity's HumanBodyBones, the mannequins of Unreal 4 and 5, VRM 1.0's humanoid, Rigify's
# metarig; of a limb those of one side, {} where the side stands.
PUBLISHED = {
    "mixamo": """Hips Spine Spine1 Spine2 Neck Head HeadTop_End {}Shoulder {}Arm {}ForeArm {}Hand {}HandMiddle1
        {}UpLeg {}Leg {}Foot {}ToeBase {}Toe_End""",
    "unity": """Hips Spine Chest UpperChest Neck Head {}Shoulder {}UpperArm {}LowerArm {}Hand {}MiddleProximal
        {}UpperLeg {}LowerLeg {}Foot {}Toes""",
    "unreal": """root pelvis spine_01 spine_02 spine_03 neck_01 head clavicle{} upperarm{} lowerarm{} hand{} middle_01{}
        thigh{} calf{} foot{} ball{}""",
    "vrm": """hips spine chest upperChest neck head {}Shoulder {}UpperArm {}LowerArm {}Hand {}MiddleProximal
        {}UpperLeg {}LowerLeg {}Foot {}Toes""",
    "rigify": """spine spine.001 spine.002 spine.003 spine.004 spine.005 spine.006 shoulder{} upper_arm{} forearm{} hand{}
        f_middle.01{} thigh{} shin{} foot{} toe{} heel.02{}""",
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_bones_are_those_that_the_rig_publishes(name, motion, body):
    prefix = "mixamorig:" if name == "mixamo" else ""
    sides = _SIDES.get(name, (".L", ".R"))
    published = {prefix + bone.format(side) for bone in PUBLISHED[name].split() for side in sides}
    assert set(rigged(place(motion, body), RIGS[name]).names) == published


@pytest.mark.parametrize("name", RIGS)
@pytest.mark.parametrize("root_motion", [False, True])
def test_every_rig_moves_alike(name, root_motion, motion, body, tmp_path):
    """In the file, played by its names: every joint where it is, and the mesh."""
    (path,) = export([motion], body, tmp_path, ["glb"], ExportOptions(rig=name, root_motion=root_motion))
    file = read_glb(path)
    times, heads, posed = play(file, 0)
    actor = place(motion, body)
    bones = [file.nodes[joint].name for joint in file.skins[0].joints]
    found = heads[:, [bones.index(RIGS[name].bones[joint]) for joint in JOINT_NAMES]]
    np.testing.assert_allclose(found, actor.joints, atol=1e-5)
    np.testing.assert_allclose(times, motion.timestamps - motion.timestamps[0], atol=1e-6)
    errors = np.linalg.norm(posed - np.stack(list(actor.vertices())), axis=-1)
    assert errors.max() < 1e-4


@pytest.mark.parametrize("name", RIGS)
def test_others_know_the_parts_by_their_names(name, motion, body):
    bones = rigged(place(motion, body), RIGS[name])
    parts = name_parts(bones.names, bones.parents, bones.heads, "the rig")
    for part, bone in parts.items():
        assert bones.names[bone] == RIGS[name].bones[part]


@pytest.mark.parametrize(("name", "droop"), [("mixamo", 0), ("unity", 0), ("vrm", 0), ("unreal", 45), ("rigify", 31)])
def test_rest_poses_are_the_rigs_and_stand_on_the_floor(name, droop, motion, body):
    bones = rigged(place(motion, body), RIGS[name])
    assert bones.vertices[:, 1].min() == pytest.approx(0)
    assert 0.8 < bones.heads[bones.names.index(RIGS[name].bones["pelvis"]), 1] < 1.1
    for side, sign in (("left", 1), ("right", -1)):
        shoulder, wrist = (bones.heads[bones.names.index(RIGS[name].bones[f"{side}_{end}"])] for end in ("shoulder", "wrist"))
        arm = (wrist - shoulder) / np.linalg.norm(wrist - shoulder)
        np.testing.assert_allclose(arm, [sign * np.cos(np.radians(droop)), -np.sin(np.radians(droop)), 0], atol=1e-6)


@pytest.mark.parametrize("name", RIGS)
def test_bvh_of_every_rig(name, motion, body, tmp_path):
    (path,) = export([motion], body, tmp_path, ["bvh"], ExportOptions(rig=name))
    read = pybvh.read_bvh_file(path, world_up="+y")
    order = [read.joint_names.index(RIGS[name].bones[joint]) for joint in JOINT_NAMES]
    positions = np.asarray(read.joint_positions())[:, order] / 100
    np.testing.assert_allclose(positions, place(motion, body).joints, atol=1e-4)
    poses, _, rate = read_bvh_clip(path, Reporter(quiet=True))
    assert (len(poses), rate) == (len(motion), pytest.approx(25))


def test_root_motion_takes_the_way_and_leaves_the_hips_upright_over_it(motion, body):
    bones = rigged(place(motion, body), RIGS["unity"], root_motion=True)
    way, hips = bones.moves[0], bones.moves[1]
    assert np.linalg.norm(way[-1] - way[0]) == pytest.approx(
        np.linalg.norm(np.diff(motion.trans[[0, -1]][:, [0, 2]], axis=0)), abs=1e-3
    )
    np.testing.assert_array_equal(way[:, 1], way[0, 1])
    np.testing.assert_allclose(hips[:, [0, 2]], 0, atol=1e-9)
    turn = bones.rotations[:, 0]
    np.testing.assert_allclose(turn[:, 1], np.tile([0, 1, 0], (len(turn), 1)), atol=1e-12)
    assert (bones.rotations[:, 1, 2, 2] > 0.95).all()  # the hips' own turn is small


def test_a_vrm_animation_tells_its_bones(motion, body, tmp_path):
    (path,) = export([motion], body, tmp_path, ["glb"], ExportOptions(rig="vrm"))
    file = read_glb(path)
    bones = file.extensions["VRMC_vrm_animation"]["humanoid"]["humanBones"]
    assert {file.nodes[bone["node"]].name for bone in bones.values()} == set(bones)
    assert {"hips", "spine", "head", "leftUpperLeg", "rightLowerArm", "leftHand", "rightFoot"} < set(bones)
    moved = {channel.target.path for channel in file.animations[0].channels if channel.target.node != bones["hips"]["node"]}
    assert moved == {"rotation"}
