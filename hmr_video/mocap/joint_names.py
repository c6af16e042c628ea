"""Which joint of a foreign skeleton is which part of a body, by its name.

Names are cut into words at separators and capitals; the side, numbers and the exporters' prefixes are taken out, the rest is
looked up below. So `mixamorig:LeftUpLeg`, `thigh.L`, `L_Hip`, `lfemur`, `Bip01 L Thigh` and `CC_Base_L_Thigh` are the same.
"""

import re
from collections.abc import Sequence

from hmr_video.errors import InputError

# Of each part the names it goes by, best first; a joint is taken once, so the order of the parts decides on names that two
# conventions use differently: "shoulder" is the collar where there is an "arm" and the upper arm where there is none, "foot"
# the toes where there is an "ankle", "leg" the shin unless there is one, "hand" the palm's tip where there is a "wrist".
#
#             SMPL      MotionBuilder, Mixamo  Blender    Unreal, Biped  Xsens, Rokoko  Poser, Motive  Acclaim
#             hip       upleg                  thigh      thigh          upperleg       thigh          femur
#             knee      leg                    shin       calf           lowerleg       shin           tibia
#             ankle     foot                   foot       foot           foot           foot           foot
#             foot      toebase                toe        ball, toe      toe            toe            toes
#             shoulder  arm                    upperarm   upperarm       upperarm       shldr, uarm    humerus
#             elbow     forearm                forearm    lowerarm       forearm        forearm, farm  radius
#             wrist     hand                   hand       hand           hand           hand           wrist
#             collar    shoulder               shoulder   clavicle       shoulder       collar         clavicle
_SIDED = {
    "knee": ("knee", "shin", "calf", "lowerleg", "lowleg", "tibia", "leg"),
    "hip": ("thigh", "upleg", "upperleg", "femur", "hip", "leg"),
    "ankle": ("ankle", "foot"),
    "foot": ("toe", "toes", "toebase", "ball", "foot", "footend", "ankleend"),
    "elbow": ("elbow", "forearm", "lowerarm", "lowarm", "farm", "radius"),
    "shoulder": ("upperarm", "uparm", "uarm", "shldr", "humerus", "arm", "shoulder"),
    "collar": ("collar", "clavicle", "collarbone", "shoulder"),
    "wrist": ("wrist", "hand"),
}
_MIDDLE = {"neck": ("neck", "lowerneck", "necktwist"), "head": ("head",)}
_SIDES = {"left": "left", "right": "right", "l": "left", "r": "right"}
_PREFIXES = ("mixamorig", "cc", "base", "bip", "biped", "character", "def", "org", "bone", "joint", "jnt", "avg")
_WORDS = re.compile(r"[A-Z](?=[A-Z])|[A-Z]?[a-z]+|[A-Z]+")
_NEEDED = ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")


def name_parts(names: Sequence[str], source: object) -> dict[str, int]:
    """The parts (``left_hip``, ``neck`` and so on, as SMPL calls the joints) that a skeleton has, and the joints that they are.

    Legs and arms must be there; feet's ends, collars, neck and head need not. Raises InputError, which names ``source``.
    """
    described = [_describe(name) for name in names]
    found: dict[str, int] = {}
    sided = [(f"{side}_{part}", side, aliases) for side in ("left", "right") for part, aliases in _SIDED.items()]
    for part, side, aliases in [*sided, *((part, "", aliases) for part, aliases in _MIDDLE.items())]:
        for alias in aliases:
            free = [index for index, each in enumerate(described) if each == (side, alias) and index not in found.values()]
            if free:
                found[part] = free[0]
                break
    missing = [f"{side}_{part}" for part in _NEEDED for side in ("left", "right") if f"{side}_{part}" not in found]
    if missing:
        raise InputError(
            f"{source} has no joint that is known as {', '.join(missing)}.",
            "Give the skeleton joint names of SMPL, Mixamo, MotionBuilder, Blender, Unreal, Xsens or Rokoko.",
        )
    return found


def _describe(name: str) -> tuple[str, str]:
    """Side (or nothing) and part of a joint's name: ``mixamorig:LeftUpLeg`` -> left, upleg."""
    words = [word.lower() for word in _WORDS.findall(name.rpartition(":")[2])]
    side = next((_SIDES[word] for word in words if word in _SIDES), "")
    first = 1 if words[1:2] == ["avg"] else 0  # m_avg_L_Hip, f_avg_L_Hip
    part = "".join(word for word in words[first:] if word not in _SIDES and word not in _PREFIXES)
    if not side and part[:1] in ("l", "r") and any(part[1:] in aliases for aliases in _SIDED.values()):
        return _SIDES[part[0]], part[1:]
    return side, part
