"""Joint names of many programs mean the same parts, left stays left, and helpers are told from joints."""

from pathlib import Path

import numpy as np
import pytest
from foreign import MIXAMO, T_POSE, degrees, write_bvh

from hmr_video.errors import InputError
from hmr_video.geometry.joint_names import name_parts
from hmr_video.mocap.retarget import read_bvh_clip

PARTS = ("hip", "knee", "ankle", "foot", "collar", "shoulder", "elbow", "wrist")
# How programs spell a name, and how they call the parts above, in this order; what is in angle brackets changes with the side.
CONVENTIONS = {
    "Mixamo": ("mixamorig:<Left>{}", "UpLeg Leg Foot ToeBase Shoulder Arm ForeArm Hand"),
    "Mixamo without colon": ("mixamorig<Left>{}", "UpLeg Leg Foot ToeBase Shoulder Arm ForeArm Hand"),
    "MotionBuilder": ("Character1_<Left>{}", "UpLeg Leg Foot ToeBase Shoulder Arm ForeArm Hand"),
    "capitals": ("<LEFT>{}", "UPLEG LEG FOOT TOEBASE SHOULDER ARM FOREARM HAND"),
    "Blender": ("{}.<L>", "thigh shin foot toe shoulder upper_arm forearm hand"),
    "Rigify": ("DEF-{}.<L>", "thigh shin foot toe shoulder upper_arm forearm hand"),
    "Rigify's originals": ("ORG-{}.<L>", "thigh shin foot toe shoulder upper_arm forearm hand"),
    "Auto-Rig Pro": ("{}.<l>", "thigh_stretch leg_stretch foot toes_01 shoulder arm_stretch forearm_stretch hand"),
    "MakeHuman": ("{}.<L>", "upperleg01 lowerleg01 foot toe1-1 clavicle upperarm01 lowerarm01 wrist"),
    "Unreal": ("{}_<l>", "thigh calf foot ball clavicle upperarm lowerarm hand"),
    "Character Creator": ("CC_Base_<L>_{}", "Thigh Calf Foot ToeBase Clavicle Upperarm Forearm Hand"),
    "Daz, Poser": ("<l>{}", "Thigh Shin Foot Toe Collar Shldr ForeArm Hand"),
    "Daz Genesis 8": ("<l>{}", "ThighBend Shin Foot Toe Collar ShldrBend ForearmBend Hand"),
    "Daz Genesis 9": ("<l>_{}", "thigh shin foot toes shoulder upperarm forearm hand"),
    "VRM": ("J_Bip_<L>_{}", "UpperLeg LowerLeg Foot ToeBase Shoulder UpperArm LowerArm Hand"),
    "VRM's humanoid": ("<left>{}", "UpperLeg LowerLeg Foot Toes Shoulder UpperArm LowerArm Hand"),
    "Valve": ("ValveBiped.Bip01_<L>_{}", "Thigh Calf Foot Toe0 Clavicle UpperArm Forearm Hand"),
    "3ds Max": ("Bip001_<L>_{}", "Thigh Calf Foot Toe0 Clavicle UpperArm Forearm Hand"),
    "SlimeVR": ("<LEFT>_{}", "UPPER_LEG LOWER_LEG FOOT TOE SHOULDER UPPER_ARM LOWER_ARM HAND"),
    "GENEA": ("b_<l>_{}", "upleg leg foot toe shoulder arm forearm wrist"),
    "Rokoko": ("<Left>{}", "Thigh Shin Foot Toe Shoulder Arm ForeArm Hand"),
    "Xsens": ("<Left>{}", "Hip Knee Ankle Toe Collar Shoulder Elbow Wrist"),
    "Xsens, new": ("<Left>{}", "UpperLeg LowerLeg Foot Toe Shoulder UpperArm ForeArm Hand"),
    "OptiTrack": ("<L>{}", "Thigh Shin Foot Toe Shoulder UArm FArm Hand"),
    "Second Life": ("m{}<Left>", "Hip Knee Ankle Toe Collar Shoulder Elbow Wrist"),
    "Kinect": ("{}_<LEFT>", "HIP KNEE ANKLE FOOT CLAVICLE SHOULDER ELBOW WRIST"),
    "DeepMotion": ("<l>_{}_JNT", "upleg leg foot toebase shoulder arm forearm hand"),
    "Advanced Skeleton": ("{}_<L>", "Hip Knee Ankle Toes Scapula Shoulder Elbow Wrist"),
    "Synty": ("{}_<L>", "UpperLeg LowerLeg Ankle Ball Clavicle Shoulder Elbow Hand"),
    "Bandai Namco": ("{}_<L>", "UpperLeg LowerLeg Foot Toes Shoulder UpperArm LowerArm Hand"),
    "Acclaim": ("<l>{}", "femur tibia foot toes clavicle humerus radius wrist"),
    "SMPL": ("<left>_{}", "hip knee ankle foot collar shoulder elbow wrist"),
    "SMPL's models": ("m_avg_<L>_{}", "Hip Knee Ankle Foot Collar Shoulder Elbow Wrist"),
    "a name of one's own": ("Bob_<Left>_{}", "UpLeg Leg Foot Toe Shoulder Arm ForeArm Hand"),
}


def spelt(program: str, side: str) -> list[str]:
    """The names of one side."""
    spelling, parts = CONVENTIONS[program]
    for left, right in (("Left", "Right"), ("LEFT", "RIGHT"), ("left", "right"), ("L", "R"), ("l", "r")):
        spelling = spelling.replace(f"<{left}>", left if side == "left" else right)
    return [spelling.format(part) for part in parts.split()]


@pytest.mark.parametrize("program", CONVENTIONS)
def test_names_of_many_programs_mean_the_same_and_left_is_left(program: str, own: np.ndarray, tmp_path: Path) -> None:
    """A dance that is not the same on both sides comes out the same by every name."""
    names = dict(MIXAMO)
    for side in ("left", "right"):
        names |= {f"{side}_{part}": name for part, name in zip(PARTS, spelt(program, side), strict=True)}
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
