"""The motion of a person on somebody's own character, which keeps its proportions.

Body and character are compared at rest: the torsos are laid upon each other and every limb is turned the smallest way that makes
its bone point as the character's does. From there on a bone of the character turns as the person's joint does:

    C_j(t) = G_j(t) Q_j^T C_j(rest)

The way is scaled by the length of the legs. Then the legs reach for where the person's ankles are, in that scale and as far above
the floor as the character's ankles are when it stands: feet that stand do not slide, sink or float. And arms are moved out of the
trunk, where it is in their way and was not in the person's.
"""

from collections.abc import Callable, Mapping
from functools import cached_property

import numpy as np
from scipy.spatial.transform import Rotation

from hmr_video.errors import InputError
from hmr_video.export.actors import Actor, continuous_quaternions
from hmr_video.export.rigs.character import Character
from hmr_video.export.rigs.trunk import Arms, Trunk, kept_out, sunk, turned_with
from hmr_video.geometry.skeleton import JOINT_NAMES
from hmr_video.motion import Array
from hmr_video.world.leg_ik import ANKLES, HIPS, Legs, between

_INDEX = {name: index for index, name in enumerate(JOINT_NAMES)}
_SIDES = ("left", "right")
_SPINE = [_INDEX[name] for name in ("pelvis", "spine1", "spine2", "spine3")]
# The joint that turns a bone, and the one at its other end.
_BONES = {
    f"{side}_{joint}": f"{side}_{end}"
    for side in _SIDES
    for joint, end in (("hip", "knee"), ("knee", "ankle"), ("shoulder", "elbow"), ("elbow", "wrist"))
}
_UNLIKE = 3.0  # times as high or as low an ankle may be as those of people; else the figure does not stand on the origin
_LEGS = [f"{side}_{joint}" for side in _SIDES for joint in ("hip", "knee")]


def retarget(actor: Actor, character: Character) -> tuple[dict[int, Array], tuple[int, Array]]:
    """What :meth:`Character.save` takes: the rotations of the character's nodes, and the way of its hips. Raises InputError."""
    worn = _Worn(actor, character)
    turned = worn.turned()
    hips, floor = worn.hips, actor.floor
    places = _scaled(actor.joints, worn.scale, floor)
    middle = places[:, HIPS].mean(1)
    origin = middle + (turned[hips] @ (worn.heads[hips] - worn.middle)[..., None])[..., 0]
    _reach_with_legs(worn, turned, origin, places)
    _keep_arms_out(worn, turned, origin)
    found = worn.local(turned)
    if not all(np.isfinite(values).all() for values in found.values()):
        raise InputError(f"{character.path} has bones without length.", "Give a character whose limbs have some.")
    return found, (hips, worn.way(origin))


class _Worn:
    """A character beside the body at rest.

    Attributes:
        axes, heads: (N, 3, 3) and (N, 3) of its nodes at rest.
        hips: the node that moves.
        facing: (3, 3) turns the body's torso at rest into the character's.
        scale: how many times as long its legs are. middle: (3,) between its hip joints.
        ankle_height, own_ankle_height: metres from sole to ankle, of the character (if it stands on the origin) and of the body.
    """

    def __init__(self, actor: Actor, character: Character) -> None:
        self.actor, self.character = actor, character
        scales = np.linalg.norm(character.rest[:, :3, :3], axis=1)
        self.axes = character.rest[:, :3, :3] / scales[:, None]
        self.heads = character.rest[:, :3, 3]
        parts, own = character.parts, actor.rest_joints
        self.hips = parts.get("pelvis", self._parting("left_hip", "right_hip"))
        self.facing = self._torso(lambda part: self.heads[parts[part]]) @ self._torso(lambda part: own[_INDEX[part]]).T
        theirs = sum(np.linalg.norm(self.heads[parts[_BONES[part]]] - self.heads[parts[part]]) for part in _LEGS)
        self.scale = float(theirs / sum(np.linalg.norm(own[_INDEX[_BONES[part]]] - own[_INDEX[part]]) for part in _LEGS))
        self.middle = self.heads[self.both("hip")].mean(0)
        self.own_ankle_height = float(own[list(ANKLES), 1].mean() - actor.rest_vertices[:, 1].min())
        standing = float(self.heads[self.both("ankle"), 1].mean())
        alike = self.scale * self.own_ankle_height
        self.ankle_height = standing if alike / _UNLIKE < standing < alike * _UNLIKE else alike

    def both(self, part: str) -> list[int]:
        """The nodes of a part, left and right."""
        return [self.character.parts[f"{side}_{part}"] for side in _SIDES]

    @cached_property
    def spine(self) -> list[int]:
        """The nodes between the hips and where the arms part, from below."""
        chest = self._parting("left_shoulder", "right_shoulder")
        return [node for node in self.character.above(chest) if self.hips in self.character.above(node)[1:]][::-1]

    def placed(self, turned: Mapping[int, Array], origin: Array) -> tuple[dict[int, Array], dict[int, Array]]:
        """Where nodes are (T, 3) that hang on the hips, which are at ``origin``, and how they turn (T, 3, 3) from rest."""
        at, deltas = {self.hips: origin}, {self.hips: turned[self.hips] @ self.axes[self.hips].T}
        for node in self.character.order():
            parent = self.character.parents[node]
            if parent in at:
                at[node] = at[parent] + (deltas[parent] @ (self.heads[node] - self.heads[parent])[:, None])[..., 0]
                deltas[node] = turned[node] @ self.axes[node].T if node in turned else deltas[parent]
        return at, deltas

    def hand_of(self, wrist: int) -> Array:
        """(3,) from a wrist to the middle of its hand, where its fingers begin."""
        fingers = [node for node, parent in enumerate(self.character.parents) if parent == wrist]
        return np.asarray(self.heads[fingers].mean(0) - self.heads[wrist]) if fingers else np.zeros(3)

    def trunk(self) -> tuple[Trunk, list[int]]:
        """The character's trunk, and the nodes that carry it."""
        bones, parts = [self.hips, *self.spine], self.character.parts
        vertices, owners = self.character.flesh
        known = {*bones, *parts.values()}
        groups = {
            node: next((above for above in self.character.above(node) if above in known), -1) for node in set(owners.tolist())
        }
        upright = vertices @ self.facing
        forearms = [
            (
                self.heads[parts[f"{side}_elbow"]] @ self.facing,
                self.heads[parts[f"{side}_wrist"]] @ self.facing,
                upright[[groups[owner] == parts[f"{side}_elbow"] for owner in owners.tolist()]],
            )
            for side in _SIDES
        ]
        own = upright[[groups[owner] in bones for owner in owners.tolist()]]
        return Trunk.of(self.heads[bones] @ self.facing, own, forearms, self.scale), bones

    def turned(self) -> dict[int, Array]:
        """Rotations (T, 3, 3) against the world of the nodes that follow a joint."""
        own = self.actor.global_rotations
        found = {self.hips: own[:, 0] @ self.facing.T @ self.axes[self.hips]}
        for number, node in enumerate(self.spine, 1):
            found[node] = _between(own[:, _SPINE], 3 * number / len(self.spine)) @ self.facing.T @ self.axes[node]
        for part, node in self.character.parts.items():
            if node not in found:
                found[node] = own[:, _INDEX[part]] @ self._rest_turn(part).T @ self.axes[node]
        return found

    def local(self, turned: Mapping[int, Array]) -> dict[int, Array]:
        """Rotations against the world -> quaternions (T, 4) against parents. Nodes between keep their own as at rest."""
        count = len(self.actor)
        world: dict[int, Array] = {}
        found = {}
        for node in self.character.order():
            parent = self.character.parents[node]
            above = world[parent] if parent >= 0 else np.tile(np.eye(3), (count, 1, 1))
            if node in turned:
                world[node] = turned[node]
                found[node] = continuous_quaternions(np.swapaxes(above, -1, -2) @ turned[node])
            else:
                at_rest = self.axes[parent].T @ self.axes[node] if parent >= 0 else self.axes[node]
                world[node] = above @ at_rest
        return found

    def way(self, origin: Array) -> Array:
        """Places (T, 3) of the hips in the world -> against their parent, which stands still."""
        parent = self.character.parents[self.hips]
        inverse = np.linalg.inv(self.character.rest[parent]) if parent >= 0 else np.eye(4)
        return origin @ inverse[:3, :3].T + inverse[:3, 3]

    def _parting(self, left: str, right: str) -> int:
        """The node at which two parts' ways to the root meet."""
        others = self.character.above(self.character.parts[right])
        return next(node for node in self.character.above(self.character.parts[left]) if node in others)

    @staticmethod
    def _torso(place: Callable[[str], Array]) -> Array:
        """The rotation whose columns are left, up and forward of somebody at rest."""
        left = place("left_hip") - place("right_hip")
        up = sum((place(f"{side}_shoulder") - place(f"{side}_hip") for side in _SIDES), np.zeros(3))
        left = left / np.linalg.norm(left)
        up = up - left * (left @ up)
        up = up / np.linalg.norm(up)
        return np.stack([left, up, np.cross(left, up)], axis=-1)

    def _rest_turn(self, part: str) -> Array:
        """Q of a part: turns the body's rest pose there into the character's."""
        side, _, joint = part.partition("_")
        bone = f"{side}_elbow" if joint in ("wrist", "hand") else part
        if bone not in _BONES:
            return self.facing
        end = _BONES[bone]
        along = self.facing @ (self.actor.rest_joints[_INDEX[end]] - self.actor.rest_joints[_INDEX[bone]])
        wanted = self.heads[self.character.parts[end]] - self.heads[self.character.parts[bone]]
        return np.asarray(between(along, wanted) @ self.facing)


def _reach_with_legs(worn: _Worn, turned: dict[int, Array], origin: Array, places: Array) -> None:
    """Turns the legs so that ankles are where the person's are, scaled (``places``), as far above the floor as they stand."""
    at, deltas = worn.placed(turned, origin)
    hips, knees, ankles = (_stacked(at, worn.both(part)) for part in ("hip", "knee", "ankle"))
    thighs, shins = (_stacked(deltas, worn.both(part)) @ worn.facing for part in ("hip", "knee"))
    targets = places[:, ANKLES].copy()
    targets[..., 1] += worn.ankle_height - worn.scale * worn.own_ankle_height
    reached = Legs(hips, knees, ankles, thighs, shins).towards(targets)
    for part, rotations in (("hip", reached.thighs), ("knee", reached.shins)):
        for side, node in enumerate(worn.both(part)):
            turned[node] = rotations[:, side] @ worn.facing.T @ worn.axes[node]


def _keep_arms_out(worn: _Worn, turned: dict[int, Array], origin: Array) -> None:
    """Turns the arms so that they are no deeper in the character's trunk than the person's are in theirs, in its scale."""
    actor = worn.actor
    person, own_trunk = _arms_of(actor), _trunk_of(actor)
    allowed, _ = sunk(person, own_trunk, actor.joints[:, _SPINE], actor.global_rotations[:, _SPINE])
    at, deltas = worn.placed(turned, origin)
    shoulders, elbows, wrists = (worn.both(part) for part in ("shoulder", "elbow", "wrist"))
    hands = {wrist: at[wrist] + (deltas[wrist] @ worn.hand_of(wrist)[:, None])[..., 0] for wrist in wrists}
    arms = Arms(_stacked(at, shoulders), _stacked(at, elbows), _stacked(at, wrists), _stacked(hands, wrists))
    trunk, bones = worn.trunk()
    frames = _stacked(deltas, bones) @ worn.facing
    free = kept_out(arms, worn.scale * allowed, trunk, _stacked(at, bones), frames, actor.motion.frame_rate)
    before = _stacked(deltas, shoulders), _stacked(deltas, elbows)
    for pair, rotations in zip((shoulders, elbows), turned_with(arms, free, *before), strict=True):
        for side, node in enumerate(pair):
            turned[node] = rotations[:, side] @ worn.axes[node]


def _stacked(values: Mapping[int, Array], nodes: list[int]) -> Array:
    """What is known of some nodes (T, ...) as one array (T, N, ...)."""
    return np.stack([values[node] for node in nodes], axis=1)


def _arms_of(actor: Actor) -> Arms:
    pairs = ([_INDEX[f"{side}_{part}"] for side in _SIDES] for part in ("shoulder", "elbow", "wrist", "hand"))
    return Arms(*(actor.joints[:, pair] for pair in pairs))


def _trunk_of(actor: Actor) -> Trunk:
    owners = actor.body.weights.argmax(-1).numpy()
    vertices = actor.rest_vertices[np.isin(owners, _SPINE)]
    forearms = [
        (actor.rest_joints[elbow], actor.rest_joints[elbow + 2], actor.rest_vertices[owners == elbow])
        for elbow in (_INDEX["left_elbow"], _INDEX["right_elbow"])
    ]
    return Trunk.of(actor.rest_joints[_SPINE], vertices, forearms, 1.0)


def _scaled(joints: Array, scale: float, floor: float) -> Array:
    """Joints (T, 24, 3) of somebody ``scale`` times as large, who starts at the same place and stands on the same floor."""
    fixed = np.array([joints[0, 0, 0], floor, joints[0, 0, 2]])
    return np.asarray(fixed + scale * (joints - fixed))


def _between(rotations: Array, position: float) -> Array:
    """Rotations (T, 3, 3) at a position along a chain of them (T, J, 3, 3), counted in joints."""
    before = min(int(position), rotations.shape[1] - 2)
    relative = Rotation.from_matrix(np.swapaxes(rotations[:, before], -1, -2) @ rotations[:, before + 1])
    return np.asarray(rotations[:, before] @ Rotation.from_rotvec(relative.as_rotvec() * (position - before)).as_matrix())
