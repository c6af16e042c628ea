"""Joint names of many programs mean the same parts, left stays left, and helpers are told from joints."""

from pathlib import Path

import numpy as np
import pytest
from foreign import MIXAMO, T_POSE, degrees, write_bvh

from hmr_video.errors import InputError
from hmr_video.geometry.joint_names import name_parts
from hmr_video.mocap.retarget import read_bvh_clip

PARTS = ("hip", "knee", "ankle", "foot", "collar", "shoulder", "elbow", "wrist")
# How programs call the parts above, in this order; Left, LEFT, left, L and l in angle brackets change with the side.
CONVENTIONS = {
    "Mixamo": "mixamorig:<Left>UpLeg <Left>Leg <Left>Foot <Left>ToeBase <Left>Shoulder <Left>Arm <Left>ForeArm <Left>Hand",
    "Mixamo without colon": "mixamorig<Left>UpLeg <Left>Leg <Left>Foot <Left>ToeBase <Left>Shoulder <Left>Arm <Left>ForeArm "
    "mixamorig<Left>Hand",
    "MotionBuilder": "Character1_<Left>UpLeg Character1_<Left>Leg Character1_<Left>Foot Character1_<Left>ToeBase "
    "Character1_<Left>Shoulder Character1_<Left>Arm Character1_<Left>ForeArm Character1_<Left>Hand",
    "capitals": "<LEFT>UPLEG <LEFT>LEG <LEFT>FOOT <LEFT>TOEBASE <LEFT>SHOULDER <LEFT>ARM <LEFT>FOREARM <LEFT>HAND",
    "Blender": "thigh.<L> shin.<L> foot.<L> toe.<L> shoulder.<L> upper_arm.<L> forearm.<L> hand.<L>",
    "Rigify": "DEF-thigh.<L> DEF-shin.<L> DEF-foot.<L> DEF-toe.<L> DEF-shoulder.<L> DEF-upper_arm.<L> "
    "DEF-forearm.<L> DEF-hand.<L>",
    "Rigify's originals": "ORG-thigh.<L> ORG-shin.<L> ORG-foot.<L> ORG-toe.<L> ORG-shoulder.<L> ORG-upper_arm.<L> "
    "ORG-forearm.<L> ORG-hand.<L>",
    "Auto-Rig Pro": "thigh_stretch.<l> leg_stretch.<l> foot.<l> toes_01.<l> shoulder.<l> arm_stretch.<l> forearm_stretch.<l> "
    "hand.<l>",
    "MakeHuman": "upperleg01.<L> lowerleg01.<L> foot.<L> toe1-1.<L> clavicle.<L> upperarm01.<L> lowerarm01.<L> wrist.<L>",
    "Unreal": "thigh_<l> calf_<l> foot_<l> ball_<l> clavicle_<l> upperarm_<l> lowerarm_<l> hand_<l>",
    "Character Creator": "CC_Base_<L>_Thigh CC_Base_<L>_Calf CC_Base_<L>_Foot CC_Base_<L>_ToeBase CC_Base_<L>_Clavicle "
    "CC_Base_<L>_Upperarm CC_Base_<L>_Forearm CC_Base_<L>_Hand",
    "Daz, Poser": "<l>Thigh <l>Shin <l>Foot <l>Toe <l>Collar <l>Shldr <l>ForeArm <l>Hand",
    "Daz Genesis 8": "<l>ThighBend <l>Shin <l>Foot <l>Toe <l>Collar <l>ShldrBend <l>ForearmBend <l>Hand",
    "Daz Genesis 9": "<l>_thigh <l>_shin <l>_foot <l>_toes <l>_shoulder <l>_upperarm <l>_forearm <l>_hand",
    "VRM": "J_Bip_<L>_UpperLeg J_Bip_<L>_LowerLeg J_Bip_<L>_Foot J_Bip_<L>_ToeBase J_Bip_<L>_Shoulder J_Bip_<L>_UpperArm "
    "J_Bip_<L>_LowerArm J_Bip_<L>_Hand",
    "VRM's humanoid": "<left>UpperLeg <left>LowerLeg <left>Foot <left>Toes <left>Shoulder <left>UpperArm <left>LowerArm "
    "<left>Hand",
    "Valve": "ValveBiped.Bip01_<L>_Thigh ValveBiped.Bip01_<L>_Calf ValveBiped.Bip01_<L>_Foot ValveBiped.Bip01_<L>_Toe0 "
    "ValveBiped.Bip01_<L>_Clavicle ValveBiped.Bip01_<L>_UpperArm ValveBiped.Bip01_<L>_Forearm ValveBiped.Bip01_<L>_Hand",
    "3ds Max": "Bip001_<L>_Thigh Bip001_<L>_Calf Bip001_<L>_Foot Bip001_<L>_Toe0 Bip001_<L>_Clavicle Bip001_<L>_UpperArm "
    "Bip001_<L>_Forearm Bip001_<L>_Hand",
    "SlimeVR": "<LEFT>_UPPER_LEG <LEFT>_LOWER_LEG <LEFT>_FOOT <LEFT>_TOE <LEFT>_SHOULDER <LEFT>_UPPER_ARM <LEFT>_LOWER_ARM "
    "<LEFT>_HAND",
    "GENEA": "b_<l>_upleg b_<l>_leg b_<l>_foot b_<l>_toe b_<l>_shoulder b_<l>_arm b_<l>_forearm b_<l>_wrist",
    "Rokoko": "<Left>Thigh <Left>Shin <Left>Foot <Left>Toe <Left>Shoulder <Left>Arm <Left>ForeArm <Left>Hand",
    "Xsens": "<Left>Hip <Left>Knee <Left>Ankle <Left>Toe <Left>Collar <Left>Shoulder <Left>Elbow <Left>Wrist",
    "Xsens, new": "<Left>UpperLeg <Left>LowerLeg <Left>Foot <Left>Toe <Left>Shoulder <Left>UpperArm <Left>ForeArm <Left>Hand",
    "OptiTrack": "<L>Thigh <L>Shin <L>Foot <L>Toe <L>Shoulder <L>UArm <L>FArm <L>Hand",
    "Second Life": "mHip<Left> mKnee<Left> mAnkle<Left> mToe<Left> mCollar<Left> mShoulder<Left> mElbow<Left> mWrist<Left>",
    "Kinect": "HIP_<LEFT> KNEE_<LEFT> ANKLE_<LEFT> FOOT_<LEFT> CLAVICLE_<LEFT> SHOULDER_<LEFT> ELBOW_<LEFT> WRIST_<LEFT>",
    "DeepMotion": "<l>_upleg_JNT <l>_leg_JNT <l>_foot_JNT <l>_toebase_JNT <l>_shoulder_JNT <l>_arm_JNT <l>_forearm_JNT "
    "<l>_hand_JNT",
    "Advanced Skeleton": "Hip_<L> Knee_<L> Ankle_<L> Toes_<L> Scapula_<L> Shoulder_<L> Elbow_<L> Wrist_<L>",
    "Synty": "UpperLeg_<L> LowerLeg_<L> Ankle_<L> Ball_<L> Clavicle_<L> Shoulder_<L> Elbow_<L> Hand_<L>",
    "Bandai Namco": "UpperLeg_<L> LowerLeg_<L> Foot_<L> Toes_<L> Shoulder_<L> UpperArm_<L> LowerArm_<L> Hand_<L>",
    "Acclaim": "<l>femur <l>tibia <l>foot <l>toes <l>clavicle <l>humerus <l>radius <l>wrist",
    "SMPL": "<left>_hip <left>_knee <left>_ankle <left>_foot <left>_collar <left>_shoulder <left>_elbow <left>_wrist",
    "SMPL's models": "m_avg_<L>_Hip m_avg_<L>_Knee m_avg_<L>_Ankle m_avg_<L>_Foot m_avg_<L>_Collar m_avg_<L>_Shoulder "
    "m_avg_<L>_Elbow m_avg_<L>_Wrist",
    "a name of one's own": "Bob_<Left>_UpLeg Bob_<Left>_Leg Bob_<Left>_Foot Bob_<Left>_Toe Bob_<Left>_Shoulder Bob_<Left>_Arm "
    "Bob_<Left>_ForeArm Bob_<Left>_Hand",
}


def spelt(pattern: str, side: str) -> list[str]:
    """The names of one side."""
    for left, right in (("Left", "Right"), ("LEFT", "RIGHT"), ("left", "right"), ("L", "R"), ("l", "r")):
        pattern = pattern.replace(f"<{left}>", left if side == "left" else right)
    return pattern.split()


@pytest.mark.parametrize("program", CONVENTIONS)
def test_names_of_many_programs_mean_the_same_and_left_is_left(program: str, own: np.ndarray, tmp_path: Path) -> None:
    """A dance that is not the same on both sides comes out the same by every name."""
    names = dict(MIXAMO)
    for side in ("left", "right"):
        names |= {f"{side}_{part}": name for part, name in zip(PARTS, spelt(CONVENTIONS[program], side), strict=True)}
    truth = write_bvh(tmp_path / "a.bvh", names, own, T_POSE)
    poses, _, _ = read_bvh_clip(tmp_path / "a.bvh")
    assert degrees(poses, truth[-len(poses) :]).max() < 0.5


def parts_of(tree: str, moved: tuple[str, ...] = ()) -> dict[str, str]:
    """The names of the parts found in a skeleton, a joint a line, two spaces deeper than its parent; ``moved`` lie at offsets of
    zero."""
    names: list[str] = []
    parents: list[int] = []
    rest: list[np.ndarray] = []
    depths: list[int] = []
    for line in tree.strip("\n").split("\n"):
        depth = (len(line) - len(line.lstrip())) // 2
        above = next((index for index in range(len(names) - 1, -1, -1) if depths[index] == depth - 1), -1)
        names.append(line.strip())
        parents.append(above)
        depths.append(depth)
        offset = np.zeros(3) if above < 0 or names[-1] in moved else np.array([0.1, -1.0, 0.05 * len(names)])
        rest.append(offset + (rest[above] if above >= 0 else 0))
    return {part: names[joint] for part, joint in name_parts(names, parents, np.array(rest), "x").items()}


LEGS = """
Hips
  LeftUpLeg
    LeftLeg
      LeftFoot
  RightUpLeg
    RightLeg
      RightFoot
"""
ARMS = """
  Chest
    LeftArm
      LeftForeArm
        LeftHand
    RightArm
      RightForeArm
        RightHand
"""


def test_a_hip_joint_without_an_offset_is_not_the_hip() -> None:
    helped = "  LHipJoint\n    LeftHip\n      LeftLeg\n        LeftFoot"
    tree = LEGS.replace("  LeftUpLeg\n    LeftLeg\n      LeftFoot", helped) + ARMS
    found = parts_of(tree.replace("\n\n", "\n"), moved=("LHipJoint",))
    assert (found["left_hip"], found["left_knee"], found["left_ankle"]) == ("LeftHip", "LeftLeg", "LeftFoot")
    plain = tree.replace("LHipJoint", "Helper_LeftHip")
    assert parts_of(plain.replace("\n\n", "\n"), moved=("Helper_LeftHip",))["left_hip"] == "LeftHip"


def test_a_leaf_beside_the_limb_is_not_the_knee() -> None:
    tree = (LEGS + ARMS).replace("\n\n", "\n").replace("  LeftUpLeg\n", "  LeftUpLeg\n    L_Tibia\n    L_Knee\n")
    assert parts_of(tree)["left_knee"] == "LeftLeg"


def test_twist_joints_in_the_limb_are_passed_over() -> None:
    tree = """
spine
  thigh.L
    thigh.L.001
      shin.L
        shin.L.001
          foot.L
            toe.L
  thigh.R
    thigh.R.001
      shin.R
        shin.R.001
          foot.R
            toe.R
  chest
    clavicle_l
      upperarm_l
        upperarm_twist_01_l
        lowerarm_l
          lowerarm_twist_01_l
          hand_l
    clavicle_r
      upperarm_r
        upperarm_twist_01_r
        lowerarm_r
          lowerarm_twist_01_r
          hand_r
  ik_foot_l
  ik_foot_r
  ik_hand_l
"""
    found = parts_of(tree)
    assert (found["left_hip"], found["left_knee"], found["right_ankle"]) == ("thigh.L", "shin.L", "foot.R")
    assert (found["left_elbow"], found["left_wrist"]) == ("lowerarm_l", "hand_l")


def test_end_sites_serve_where_wrists_and_ankles_are_missing() -> None:
    tree = (LEGS + ARMS).replace("\n\n", "\n")
    for name, end in (("LeftHand", "LeftForeArm_end"), ("RightHand", "RightForeArm_end"), ("LeftFoot", "LeftLeg_end")):
        tree = tree.replace(name, end)
    found = parts_of(tree)
    assert (found["left_wrist"], found["right_wrist"]) == ("LeftForeArm_end", "RightForeArm_end")
    assert (found["left_ankle"], found["right_ankle"]) == ("LeftLeg_end", "RightFoot")


def test_what_is_missing_is_named() -> None:
    with pytest.raises(InputError, match="left_shoulder, right_shoulder"):
        parts_of(LEGS)


def test_hundreds_of_joints_of_one_name_take_no_time() -> None:
    tree = "Hips\n" + "\n".join("  " * depth + "LeftLeg" for depth in range(1, 300))
    with pytest.raises(InputError, match="right_hip"):
        parts_of(tree)
