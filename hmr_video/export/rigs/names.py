"""Rigs: the bones of a person as other programs call them, hang them and let them rest.

A rig has SMPL's joints under other names, some bones more at places that it asks for (a bone at the origin above the hips, ends
of toes, heels and head), and its own rest pose.
"""

from collections.abc import Mapping
from typing import NamedTuple

from hmr_video.errors import UsageError
from hmr_video.geometry.skeleton import JOINT_NAMES, PARENTS

_MIDDLE = ("pelvis", "spine1", "spine2", "spine3", "neck", "head")
_SIDED = ("hip", "knee", "ankle", "foot", "collar", "shoulder", "elbow", "wrist", "hand")
# Places that are no joints, and the joints that they ride on.
_RIDES_ON = {
    "upper_neck": "neck", "crown": "head",
    "left_big_toe": "left_foot", "left_heel": "left_ankle", "right_big_toe": "right_foot", "right_heel": "right_ankle",
}  # fmt: skip


class Rig(NamedTuple):
    """A rig's table.

    Attributes:
        bones: what the rig calls each joint and each other place of the body that it has a bone at.
        droop: degrees that arms hang below the horizontal at rest: 0 a T-pose, 45 an A-pose; None keeps the body's own rest pose.
        root: the bone at the origin, which the hips hang on; None where there is none.
    """

    bones: Mapping[str, str]
    droop: float | None
    root: str | None = None


def _bones(middle: str, sided: str, left: str, right: str, **others: str) -> dict[str, str]:
    """A table from the names of the trunk's joints, of a limb's, and how sides are named; ``others`` are places beside joints."""
    bones = dict(zip(_MIDDLE, middle.split(), strict=True)) | {name: bone for name, bone in others.items() if "{" not in bone}
    for side, pattern in (("left", left), ("right", right)):
        bones |= {f"{side}_{joint}": pattern.format(name) for joint, name in zip(_SIDED, sided.split(), strict=True)}
        bones |= {f"{side}_{place}": pattern.format(bone.format("")) for place, bone in others.items() if "{" in bone}
    return bones


_VRM = _bones(
    "hips spine chest upperChest neck head",
    "UpperLeg LowerLeg Foot Toes Shoulder UpperArm LowerArm Hand MiddleProximal",
    "left{}",
    "right{}",
)
RIGS = {
    "smpl": Rig({name: name for name in JOINT_NAMES}, None),
    "mixamo": Rig(
        _bones(
            "mixamorig:Hips mixamorig:Spine mixamorig:Spine1 mixamorig:Spine2 mixamorig:Neck mixamorig:Head",
            "UpLeg Leg Foot ToeBase Shoulder Arm ForeArm Hand HandMiddle1",
            "mixamorig:Left{}",
            "mixamorig:Right{}",
            crown="mixamorig:HeadTop_End",
            big_toe="{}Toe_End",
        ),
        0,
    ),
    "unity": Rig({place: name[0].upper() + name[1:] for place, name in _VRM.items()}, 0),  # HumanBodyBones
    "unreal": Rig(  # what UE4's and UE5's mannequins share
        _bones(
            "pelvis spine_01 spine_02 spine_03 neck_01 head",
            "thigh calf foot ball clavicle upperarm lowerarm hand middle_01",
            "{}_l",
            "{}_r",
        ),
        45,
        "root",
    ),
    "vrm": Rig(_VRM, 0),
    "rigify": Rig(
        _bones(
            "spine spine.001 spine.002 spine.003 spine.004 spine.006",
            "thigh shin foot toe shoulder upper_arm forearm hand f_middle.01",
            "{}.L",
            "{}.R",
            upper_neck="spine.005",
            heel="{}heel.02",
        ),
        31,
    ),
}


def find_rig(name: str) -> Rig:
    """The rig of that name. Raises UsageError."""
    if name not in RIGS:
        raise UsageError(f"There is no rig called {name}.", f"Choose from {', '.join(RIGS)}.")
    return RIGS[name]


def places_of(rig: Rig) -> list[str]:
    """The places that a rig has bones at, parents first: joints in their order, then others."""
    places = [place for place in (*JOINT_NAMES, *_RIDES_ON) if place in rig.bones]
    return sorted(places, key=lambda place: _depth(place, rig))


def joint_of(place: str) -> int:
    """The joint that a place turns with."""
    return JOINT_NAMES.index(_RIDES_ON.get(place, place))


def parent_of(place: str, rig: Rig) -> str | None:
    """The place whose bone is the parent of a place's bone; None of the hips."""
    if place == "head" and "upper_neck" in rig.bones:
        return "upper_neck"
    if place in _RIDES_ON:
        return _RIDES_ON[place]
    joint = joint_of(place)
    return JOINT_NAMES[PARENTS[joint]] if joint else None


def _depth(place: str, rig: Rig) -> int:
    parent = parent_of(place, rig)
    return 0 if parent is None else 1 + _depth(parent, rig)
