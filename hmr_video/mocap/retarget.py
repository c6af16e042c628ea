"""Motion of foreign skeletons on the 24 joints: BVH files as motion capture.

A skeleton is compared with the open body in a *reference pose*: its rest pose where that is a person who stands, else the frame
of the clip in which the person stands best (in some files all bones rest along one axis). There the torsos are laid upon
each other, the feet by their heading, and every limb by the smallest turn that makes its bone point as the source's does; twist
about the bone is the source's own from there on. A joint's rotation is then the source's, since the reference, times that offset:

    R_j(t) = G_j(t) G_j(reference)^T A_j

so limbs point as in the source at every time, whatever the rest pose. Paths are scaled by the length of the legs, which
settles the unit (metres, centimetres, inches, the half inches of old CMU files) and lets feet neither float nor slide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from hmr_video.body import load_body
from hmr_video.console import Reporter
from hmr_video.errors import InputError
from hmr_video.geometry.joint_names import ancestors, name_parts
from hmr_video.geometry.skeleton import JOINT_NAMES, PARENTS
from hmr_video.mocap.bvh import BvhMotion, read_bvh
from hmr_video.motion import Array

LARGEST_ERROR = 5.0  # degrees, mean over limbs and frames
_SIDES = ("left", "right")
_LEGS = {f"{side}_{joint}": f"{side}_{end}" for side in _SIDES for joint, end in (("hip", "knee"), ("knee", "ankle"))}
_ARMS = {f"{side}_{joint}": f"{side}_{end}" for side in _SIDES for joint, end in (("shoulder", "elbow"), ("elbow", "wrist"))}
_BONES = _LEGS | _ARMS  # the joint that turns each bone of a limb, and the one at its other end
_SPINE = {"pelvis": 0.0, "spine1": 1 / 3, "spine2": 2 / 3, "spine3": 1.0}  # places between hips and chest
_SOLE = 0.03  # metres from the ball of the open body's foot down to its sole
_FLOOR_SHARE = 2.0  # per cent of frames whose lowest foot may lie below the floor
_STANDS = 0.7  # cosine; a person stands whose legs point down and whose shoulders are level with the hips at least so well
_SNAP = np.radians(20)  # rest poses nearer than this to the axes are meant to be along them
_INDEX = {name: index for index, name in enumerate(JOINT_NAMES)}


@dataclass(frozen=True)
class _Reference:
    """The pose in which skeleton and body are compared, in the file's axes."""

    places: Array  # (J, 3) the skeleton's joints
    turns: Array  # (T, J, 3, 3) rotations from there to every frame
    torso: Array  # (3, 3) from the open body at rest
    up: Array  # (3,) the axis that points up


def read_bvh_clip(path: Path, reporter: Reporter | None = None) -> tuple[Array, Array, float]:
    """A BVH file as local rotations (T, 24, 3, 3), trans (T, 3) and frame rate, on the open body of mean shape.

    World y up, floor at y = 0, metres; the root's rotation into the world, trans as smplx defines it. Raises InputError.
    """
    motion = read_bvh(path, reporter)
    own = load_body("open").joint_template.double().numpy()
    skeleton = _Skeleton(motion, path)
    reference = skeleton.reference(own)
    upright = _smallest_turn(reference.up, np.array([0.0, 1.0, 0.0]))
    turned = upright @ skeleton.body_rotations(reference, own)
    positions = motion.positions @ upright.T
    error = skeleton.direction_error(positions, turned, own)
    if error > LARGEST_ERROR:
        raise InputError(
            f"{path} does not fit the body: its limbs would point {error:.0f} degrees wrong on average.",
            "Export it with rigid bones: no joint of a limb may be moved by translation.",
        )
    local = turned.copy()
    local[:, 1:] = np.swapaxes(turned[:, PARENTS[1:]], -1, -2) @ turned[:, 1:]
    return local, skeleton.trans(positions, turned, own), motion.frame_rate


class _Skeleton:
    """A foreign skeleton, whose joints are known by their parts' names. ``own`` is everywhere the open body at rest (24, 3)."""

    def __init__(self, motion: BvhMotion, path: Path) -> None:
        self.motion, self.path = motion, path
        self.parts = name_parts(motion.names, motion.parents, motion.rest, path)
        hips = self._parting("left_hip", "right_hip")
        chest = self._parting("left_shoulder", "right_shoulder")
        above = [chest, *ancestors(motion.parents, chest)]
        self.spine = above[above.index(hips) :: -1] if hips in above else [hips, chest]
        for joint, end in _BONES.items():
            if self.parts[joint] not in ancestors(motion.parents, self.parts[end]):
                raise InputError(
                    f"{path} has a {motion.names[self.parts[end]]} that does not hang on its {motion.names[self.parts[joint]]}.",
                    "Export the whole skeleton.",
                )
            if _bone(motion.positions, self.parts, joint, end).any(1).sum() < len(motion.positions):
                raise InputError(f"{path} has no length from {joint} to {end}.", "Export the whole skeleton.")

    def reference(self, own: Array) -> _Reference:
        """The rest pose where it stands, else the frame that stands best. Raises InputError where none does."""
        motion = self.motion
        own_frame = _frame(*_left_and_up(own, _INDEX))
        if self._standing(motion.rest) > _STANDS:
            torso = _frame(*_left_and_up(motion.rest, self.parts)) @ own_frame.T
            axes = _nearest_axes(torso)
            near = np.linalg.norm(Rotation.from_matrix(axes.T @ torso).as_rotvec()) < _SNAP
            return _Reference(motion.rest, motion.rotations, axes if near else torso, axes[:, 1])
        scores = self._standing(motion.positions)
        best = int(np.argmax(scores))
        if scores[best] < _STANDS:
            raise InputError(
                f"{self.path} has neither a rest pose nor a frame of a person who stands.",
                "Give the skeleton a T-pose as its rest pose, or begin the clip standing.",
            )
        places = motion.positions[best]
        turns = motion.rotations @ np.swapaxes(motion.rotations[best], -1, -2)
        torso = _frame(*_left_and_up(places, self.parts)) @ own_frame.T
        return _Reference(places, turns, torso, _nearest_axes(torso)[:, 1])

    def body_rotations(self, reference: _Reference, own: Array) -> Array:
        """Rotations (T, 24, 3, 3) of the body's joints into the file's world; what the skeleton lacks goes with its parent."""
        offsets = self._offsets(reference, own)
        turned = np.empty((len(reference.turns), 24, 3, 3))
        spine = [reference.turns[:, joint] for joint in self.spine]
        for joint, index in _INDEX.items():
            if joint in _SPINE:
                turned[:, index] = _along(spine, _SPINE[joint]) @ reference.torso
            elif joint in self.parts:
                turned[:, index] = reference.turns[:, self.parts[joint]] @ offsets.get(joint, reference.torso)
            else:
                turned[:, index] = turned[:, PARENTS[index]]
        return turned

    def direction_error(self, positions: Array, turned: Array, own: Array) -> float:
        """The mean angle in degrees between the limbs of skeleton (T, J, 3) and body (T, 24, 3, 3), of one world."""
        angles = []
        for joint, end in _BONES.items():
            ours = turned[:, _INDEX[joint]] @ _bone(own, _INDEX, joint, end)
            cosine = (_unit(ours) * _unit(_bone(positions, self.parts, joint, end))).sum(-1)
            angles.append(np.arccos(cosine.clip(-1, 1)))
        return float(np.degrees(np.mean(angles)))

    def trans(self, positions: Array, turned: Array, own: Array) -> Array:
        """(T, 3) that puts the body's hips where the skeleton's are, scaled by the legs, and its feet on the floor."""
        ours = sum(np.linalg.norm(_bone(own, _INDEX, *leg)) for leg in _LEGS.items())
        theirs = sum(np.linalg.norm(_bone(positions, self.parts, *leg), axis=-1).mean() for leg in _LEGS.items())
        hips = positions[:, [self.parts["left_hip"], self.parts["right_hip"]]].mean(1) * (ours / theirs)
        own_hips = own[[_INDEX["left_hip"], _INDEX["right_hip"]]].mean(0) - own[0]
        pelvis = hips - turned[:, 0] @ own_hips
        lowest = np.min([pelvis[:, 1] + _reach(turned, own, _INDEX[f"{side}_foot"])[:, 1] for side in _SIDES], axis=0)
        pelvis[:, 1] += _SOLE - np.percentile(lowest, _FLOOR_SHARE)
        return pelvis - own[0]

    def _parting(self, left: str, right: str) -> int:
        """The joint at which two parts' ways to the root meet."""
        ways = [[self.parts[part], *ancestors(self.motion.parents, self.parts[part])] for part in (left, right)]
        return next(joint for joint in ways[0] if joint in ways[1])

    def _standing(self, places: Array) -> Array:
        """How well people with joints (..., J, 3) stand: the worst of some cosines, (...)."""
        left, up = (_unit(direction) for direction in _left_and_up(places, self.parts))
        shoulders = _unit(_bone(places, self.parts, "right_shoulder", "left_shoulder"))
        legs = [-(_unit(_bone(places, self.parts, *leg)) * up).sum(-1) for leg in _LEGS.items()]
        return np.min([*legs, (left * shoulders).sum(-1), 1 - np.abs((left * up).sum(-1))], axis=0)

    def _offsets(self, reference: _Reference, own: Array) -> dict[str, Array]:
        """A (3, 3) of the joints where it is not the torso's."""
        offsets = {}
        for joint, end in _BONES.items():
            bone = reference.torso @ _bone(own, _INDEX, joint, end)
            offsets[joint] = _smallest_turn(bone, _bone(reference.places, self.parts, joint, end)) @ reference.torso
        for side in _SIDES:
            ankle, foot = f"{side}_ankle", f"{side}_foot"
            offsets[f"{side}_wrist"] = offsets[f"{side}_elbow"]
            if foot in self.parts:
                bone = reference.torso @ _bone(own, _INDEX, ankle, foot)
                theirs = _bone(reference.places, self.parts, ankle, foot)
                offsets[ankle] = _heading_turn(bone, theirs, reference.up) @ reference.torso
                offsets[foot] = offsets[ankle]
        return offsets


def _bone(places: Array, parts: Mapping[str, int], joint: str, end: str) -> Array:
    """(..., 3) from one part to another, of joints (..., J, 3)."""
    return np.asarray(places[..., parts[end], :] - places[..., parts[joint], :])


def _left_and_up(places: Array, parts: Mapping[str, int]) -> tuple[Array, Array]:
    """From hip to hip, and from hips to shoulders: two of (..., 3), of joints (..., J, 3)."""
    up = _bone(places, parts, "left_hip", "left_shoulder") + _bone(places, parts, "right_hip", "right_shoulder")
    return _bone(places, parts, "right_hip", "left_hip"), up


def _unit(vectors: Array) -> Array:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True).clip(1e-12)


def _frame(left: Array, up: Array) -> Array:
    """The rotation whose columns are left, up (made upright to it) and forward."""
    left = _unit(left)
    up = _unit(up - left * (left @ up))
    return np.stack([left, up, np.cross(left, up)], axis=-1)


def _nearest_axes(rotation: Array) -> Array:
    """The rotation by quarter turns that is nearest to one (3, 3)."""
    candidates = Rotation.create_group("O").as_matrix()
    nearest: Array = candidates[np.argmax(np.einsum("nij,ij->n", candidates, rotation))]
    return nearest.round()


def _smallest_turn(start: Array, end: Array) -> Array:
    """The rotation (3, 3) by the smallest angle that turns one direction into another."""
    start, end = _unit(start), _unit(end)
    axis, cosine = np.cross(start, end), float(start @ end)
    if np.linalg.norm(axis) < 1e-9:  # along each other already, or opposite: then about any axis across
        across = _unit(np.cross(start, np.eye(3)[np.argmin(np.abs(start))]))
        return np.eye(3) if cosine > 0 else Rotation.from_rotvec(np.pi * across).as_matrix()
    return Rotation.from_rotvec(_unit(axis) * np.arctan2(np.linalg.norm(axis), cosine)).as_matrix()


def _heading_turn(start: Array, end: Array, up: Array) -> Array:
    """The turn about ``up`` that gives one direction another's heading; the smallest turn where the other is too steep for it.

    So that feet that rest flat stay flat, whatever the height of their ankles.
    """
    across = end - up * (end @ up)
    if np.linalg.norm(across) < 0.3 * np.linalg.norm(end):
        return _smallest_turn(start, end)
    return _smallest_turn(start - up * (start @ up), across)


def _along(chain: Sequence[Array], place: float) -> Array:
    """The rotation (T, 3, 3) at a place from 0 to 1 along a chain of them, by slerp between neighbours."""
    position = place * (len(chain) - 1)
    before = min(int(position + 1e-9), max(len(chain) - 2, 0))
    weight = position - before
    if weight < 1e-9:
        return chain[before]
    relative = Rotation.from_matrix(np.swapaxes(chain[before], -1, -2) @ chain[before + 1])
    return chain[before] @ Rotation.from_rotvec(relative.as_rotvec() * weight).as_matrix()


def _reach(turned: Array, own: Array, joint: int) -> Array:
    """From the pelvis to a joint of the posed body, (T, 3)."""
    reach = np.zeros((len(turned), 3))
    while PARENTS[joint] >= 0:
        reach += turned[:, PARENTS[joint]] @ (own[joint] - own[PARENTS[joint]])
        joint = PARENTS[joint]
    return reach
