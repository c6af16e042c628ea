"""Which joint of a foreign skeleton is which part of a body, by its name and by the chain that it stands in.

A name is cut into words at separators and capitals; words in front that mean nothing (`mixamorig`, `Bip01`, `CC_Base`, `DEF`)
are left out, the rest must be a side and a name that the part goes by. So `mixamorig:LeftUpLeg`, `thigh.L`, `L_Hip`, `lfemur`,
`Bip01 L Thigh`, `LEFT_UPPER_LEG` and `CC_Base_L_Thigh` are the same. Of several joints of fitting names, those are taken that
make a limb together: a hip above its knee above its ankle.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from typing import NamedTuple

import numpy as np

from hmr_video.errors import InputError
from hmr_video.geometry import Array

# Of each part the names it goes by, best first. Conventions use some names differently: "shoulder" is the collar where there is
# an "arm" and the upper arm where there is none, "foot" the toes where there is an "ankle", "leg" the shin unless there is one,
# "hand" the palm's tip where there is a "wrist".
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
    "hip": ("thigh", "upleg", "upperleg", "femur", "hip", "leg"),
    "knee": ("knee", "shin", "calf", "lowerleg", "lowleg", "tibia", "leg"),
    "ankle": ("ankle", "foot"),
    "foot": ("toe", "toes", "toebase", "ball", "foot"),
    "collar": ("collar", "clavicle", "collarbone", "scapula", "shoulder"),
    "shoulder": ("upperarm", "uparm", "uarm", "shldr", "humerus", "arm", "shoulder"),
    "elbow": ("elbow", "forearm", "lowerarm", "lowarm", "farm", "radius"),
    "wrist": ("wrist", "hand"),
}
_MIDDLE = {"neck": ("neck", "lowerneck", "necklower", "necktwist", "spine004"), "head": ("head", "spine006")}  # Rigify's too
_CHAINS = (("hip", "knee", "ankle", "foot"), ("collar", "shoulder", "elbow", "wrist"))
_OPTIONAL = ("collar", "foot")
_ENDS = {"foot": "ankle", "wrist": "elbow", "ankle": "knee"}  # what the End Site of another joint may stand for
_SIDES = {"left": "left", "right": "right", "l": "left", "r": "right"}
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_FILLERS = "bend|stretch|jnt|joint|bone"  # that programs put behind a part's name
_NAME = re.compile(
    r"(?P<before>left|right|l|r)?(?P<part>{})(?P<filler>{})?(?P<first>[0-9]*)(?P<after>left|right|l|r)?(?P<last>[0-9]*)({})?".format(
        "|".join(sorted({name for names in (*_SIDED.values(), *_MIDDLE.values()) for name in names}, key=len, reverse=True)),
        _FILLERS,
        _FILLERS,
    )
)
_WORSE = 8  # what a name that is less good costs against numbers and words that are left out
_MOST = 8  # joints of fitting names that are tried for a part
_FAR = 1000  # and what stands where the part cannot be


class _Meaning(NamedTuple):
    """What a joint's name says: side (or nothing), part's name, and how much beside it (less is better)."""

    side: str
    alias: str
    extra: int


def name_parts(names: Sequence[str], parents: Sequence[int], rest: Array, source: object) -> dict[str, int]:
    """The parts (``left_hip``, ``neck`` and so on, as SMPL calls the joints) that a skeleton has, and the joints that they are.

    ``parents`` (J,), -1 for the root; ``rest`` (J, 3) positions at rest. Legs and arms must be there; feet's ends, collars, neck
    and head need not. Raises InputError, which names ``source``.
    """
    skeleton = _Skeleton(names, parents, rest)
    found: dict[str, int] = {}
    for side in ("left", "right"):
        for chain in _CHAINS:
            found |= {f"{side}_{part}": joint for part, joint in skeleton.limb(side, chain).items()}
    for part, aliases in _MIDDLE.items():
        candidates = skeleton.candidates("", aliases)
        if candidates:
            found[part] = min(candidates, key=lambda joint: (candidates[joint], joint))
    needed = [f"{side}_{part}" for chain in _CHAINS for part in chain if part not in _OPTIONAL for side in ("left", "right")]
    missing = [part for part in needed if part not in found]
    if missing:
        raise InputError(
            f"{source} has no joint that is known as {', '.join(missing)}.",
            "Give the skeleton joint names of SMPL, Mixamo, MotionBuilder, Blender, Unreal, Daz, VRM, Xsens or Rokoko.",
        )
    return found


class _Skeleton:
    """Joints by name, and who hangs on whom."""

    def __init__(self, names: Sequence[str], parents: Sequence[int], rest: Array) -> None:
        self.names, self.parents, self.rest = names, parents, rest
        self.meanings = [_meaning(name) for name in names]

    def candidates(self, side: str, aliases: Sequence[str]) -> dict[int, int]:
        """Joints that may be a part, and what they cost: the number of the name and what is beside it."""
        return {
            joint: aliases.index(one.alias) * _WORSE + one.extra
            for joint, one in enumerate(self.meanings)
            if one is not None and one.side == side and one.alias in aliases
        }

    def limb(self, side: str, chain: Sequence[str]) -> dict[str, int]:
        """The joints of a leg or an arm that cost least together, each somewhere below the one before it."""
        choices: list[list[tuple[int, int]]] = []
        for part in chain:
            candidates = self.candidates(side, _SIDED[part])
            if part in _ENDS:
                above = self.candidates(side, _SIDED[_ENDS[part]])
                ends = [joint for joint, parent in enumerate(self.parents) if parent in above and self._is_end(joint)]
                candidates = {joint: len(_SIDED[part]) * _WORSE for joint in ends} | candidates
            options = sorted(candidates.items(), key=lambda option: option[1])[:_MOST]
            if part in _OPTIONAL or not options:
                options.append((-1, _FAR if part not in _OPTIONAL else _FAR // 10))
            choices.append(options)
        best = min(product(*choices), key=lambda chosen: self._cost([joint for joint, _ in chosen]) + sum(c for _, c in chosen))
        return {part: joint for part, (joint, _) in zip(chain, best, strict=True) if joint >= 0}

    def _is_end(self, joint: int) -> bool:
        return joint not in self.parents and self.names[joint] == f"{self.names[self.parents[joint]]}_end"

    def _cost(self, limb: Sequence[int]) -> int:
        """What is wrong with joints as a limb: one that does not hang on the one before, or lies in the same place."""
        known = [joint for joint in limb if joint >= 0]
        cost = 0
        for upper, lower in pairwise(known):
            hangs = upper != lower and upper in ancestors(self.parents, lower)
            cost += 0 if hangs else _FAR
            cost += 0 if hangs and np.any(self.rest[upper] != self.rest[lower]) else _FAR // 4
        first = known[0] if known else 0
        if known and self.parents[first] >= 0 and not np.any(self.rest[first] != self.rest[self.parents[first]]):
            cost += _WORSE  # a helper without an offset, like `LHipJoint`
        return cost


def ancestors(parents: Sequence[int], joint: int) -> Iterator[int]:
    """The joints that one hangs on, up to the root."""
    while parents[joint] >= 0:
        joint = parents[joint]
        yield joint


def _meaning(name: str) -> _Meaning | None:
    """What a joint's name says: ``mixamorig:LeftUpLeg`` -> left, upleg; None of one that is no part's."""
    words = _WORDS.findall(re.split(r"[:|]", name)[-1])
    for left_out in range(len(words)):
        match = _NAME.fullmatch("".join(words[left_out:]).lower())
        if match is None:
            continue
        sides = [_SIDES[match[group]] for group in ("before", "after") if match[group]]
        if len(sides) <= 1:
            number = match["first"] or match["last"]
            extra = min(left_out, 3) + 2 * bool(match["filler"]) + min(int(number[:4] or 0), 2)
            return _Meaning(sides[0] if sides else "", match["part"], extra)
    return None
