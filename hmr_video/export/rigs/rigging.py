"""`Rigged`: an actor on the bones of a rig, which skinned formats are written from.

Whatever the rig, joints are at the same places in every frame, and meshes where formats know how they were bound.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch

from hmr_video.body import Body
from hmr_video.export.actors import Actor, headings, place
from hmr_video.export.registry import ExportOptions
from hmr_video.export.rigs.names import Rig, find_rig, joint_of, parent_of, places_of
from hmr_video.geometry.skeleton import JOINT_NAMES, LANDMARKS, PARENTS
from hmr_video.motion import Array, Motion
from hmr_video.world.leg_ik import between

_ARM = ("shoulder", "elbow", "wrist", "hand")
_FIRST_END = LANDMARKS.index("left_big_toe")
_STUB = 0.03  # metres that a bone is long on which there is no flesh
_ROOT = "root"
_INFLUENCES = 4  # joints per vertex: what every player supports


@dataclass(frozen=True)
class Rigged:
    """An actor on the bones of a rig. World axes, metres; B bones, parents first.

    Attributes:
        actor: who it is.
        names, parents: of the bones; the first's parent is -1.
        heads, tips: (B, 3) where bones begin, and where those end that have no child, at rest.
        weights: (V, B) how much each bone moves each vertex.
        bound: (V, 3) the mesh as it is bound to the bones, which then are at bind (B, 4, 4): not at rest, but as the body rests
            itself. Formats that tell the two apart play the body's own meshes; others bind `vertices` at rest.
        rotations: (T, B, 3, 3) against the parent. At rest all are the identity.
        moves: of the bones that also move against their parent, the translations (T, 3).
    """

    actor: Actor
    names: tuple[str, ...]
    parents: tuple[int, ...]
    heads: Array
    tips: Array
    weights: Array
    bound: Array
    bind: Array
    rotations: Array
    moves: dict[int, Array]

    @property
    def times(self) -> Array:
        """(T,) seconds, by the source's clock."""
        return self.actor.motion.timestamps

    @property
    def carried(self) -> Array:
        """(V, B, 3) where each bone alone would carry each vertex, from where it is bound to the rest pose."""
        from_bones = self.bound[:, None] - self.bind[:, :3, 3]
        return np.asarray(np.einsum("vba,bac->vbc", from_bones, self.bind[:, :3, :3]) + self.heads)

    @property
    def vertices(self) -> Array:
        """(V, 3) at rest."""
        return np.asarray(np.einsum("vb,vba->va", self.weights, self.carried))

    @property
    def offsets(self) -> Array:
        """(B, 3) from the parent's head to the bone's, at rest; of the first from the origin."""
        return np.stack(
            [head - self.heads[parent] if parent >= 0 else head for head, parent in zip(self.heads, self.parents, strict=True)]
        )

    @property
    def normals(self) -> Array:
        """(V, 3) of the mesh as it is bound, of unit length."""
        import trimesh

        normals = np.array(trimesh.Trimesh(self.bound, self.actor.body.faces, process=False).vertex_normals)
        normals[np.linalg.norm(normals, axis=1) < 0.5] = [0.0, 1.0, 0.0]  # vertices of no face
        return normals

    @property
    def turned(self) -> Array:
        """(T, B, 3, 3) rotations against the world."""
        return against_world(self.rotations, self.parents)

    def children(self, bone: int) -> list[int]:
        """The bones that hang on one."""
        return [child for child, parent in enumerate(self.parents) if parent == bone]

    def translations(self) -> Array:
        """(T, B, 3) of all bones against their parents."""
        moved = np.tile(self.offsets, (len(self.rotations), 1, 1))
        for bone, path in self.moves.items():
            moved[:, bone] = path
        return moved


def rigged_people(motions: Sequence[Motion], body: Body, options: ExportOptions) -> list[Rigged]:
    """People on the bones that the options ask for."""
    return [rigged(place(motion, body), find_rig(options.rig), options.root_motion) for motion in motions]


def rigged(actor: Actor, rig: Rig, root_motion: bool = False) -> Rigged:
    """Puts an actor on a rig.

    root_motion: a bone on the ground below the hips takes their way and heading, the hips keep the rest; rigs without such a bone
    get one called `root`.

    A joint's bone turns as the joint does against the rig's rest pose: B_j(t) = G_j(t) Q_j^T, where Q_j turns it from the body's
    rest pose into the rig's.
    """
    resting, joints = _rest(actor, rig)
    order = places_of(rig)
    rides = [joint_of(place) for place in order]
    above = [parent_of(place, rig) for place in order]
    parents = [-1 if parent is None else order.index(parent) for parent in above]
    heads = np.stack([joints[ride] + resting[ride] @ _place(actor, place) for place, ride in zip(order, rides, strict=True)])
    ends = [_end(actor, place, head - joints[ride]) for place, ride, head in zip(order, rides, heads, strict=True)]
    weights = np.zeros((len(actor.rest_vertices), len(order)))
    weights[:, [order.index(name) for name in JOINT_NAMES]] = actor.body.weights.double().numpy()
    back = np.swapaxes(resting[rides], -1, -2)
    turned = against_world(actor.rotations, PARENTS)[:, rides] @ back
    floor = actor.rest_vertices[:, 1].min() * np.array([0, 1, 0])  # who rests stands on it: programs compare how high hips are
    bind = np.tile(np.eye(4), (len(order), 1, 1))
    bind[:, :3, :3] = back
    bind[:, :3, 3] = [actor.rest_joints[ride] + _place(actor, place) for place, ride in zip(order, rides, strict=True)]
    bind[:, :3, 3] -= floor
    bones = Rigged(
        actor=actor,
        names=tuple(rig.bones[place] for place in order),
        parents=tuple(parents),
        heads=heads - floor,
        tips=heads - floor + (resting[rides] @ np.stack(ends)[..., None])[..., 0],
        weights=weights,
        bound=actor.rest_vertices - floor,
        bind=bind,
        rotations=_against_parents(turned, parents),
        moves={0: actor.pelvis},
    )
    if root_motion:
        ground = actor.pelvis.copy()
        ground[:, 1] = actor.floor
        return _with_root(bones, rig.root or _ROOT, headings(turned[:, 0]), ground)
    return bones if rig.root is None else _with_root(bones, rig.root, np.tile(np.eye(3), (len(actor), 1, 1)), None)


def _with_root(bones: Rigged, name: str, turned: Array, way: Array | None) -> Rigged:
    """The bones below one more at the origin, which turns (T, 3, 3) and, where it does, moves (T, 3)."""
    hips = bones.moves[0] if way is None else bones.moves[0] - way
    below = np.concatenate([turned[:, None], bones.rotations], axis=1)
    below[:, 1] = np.swapaxes(turned, -1, -2) @ bones.rotations[:, 0]
    return replace(
        bones,
        names=(name, *bones.names),
        parents=(-1, *(parent + 1 for parent in bones.parents)),
        heads=np.concatenate([np.zeros((1, 3)), bones.heads]),
        tips=np.concatenate([[[0.0, 0.0, 10 * _STUB]], bones.tips]),
        weights=np.pad(bones.weights, ((0, 0), (1, 0))),
        bind=np.concatenate([np.eye(4)[None], bones.bind]),
        rotations=below,
        moves=({} if way is None else {0: way}) | {1: (hips[:, None] @ turned)[:, 0]},
    )


def _rest(actor: Actor, rig: Rig) -> tuple[Array, Array]:
    """The rig's rest pose: rotations Q (24, 3, 3) from the body's rest pose, and joints (24, 3)."""
    resting = np.tile(np.eye(3), (24, 1, 1))
    joints = actor.rest_joints.copy()
    if rig.droop is None:
        return resting, joints
    for side, sign in (("left", 1), ("right", -1)):
        arm = [JOINT_NAMES.index(f"{side}_{joint}") for joint in _ARM]
        along = np.array([sign * np.cos(np.radians(rig.droop)), -np.sin(np.radians(rig.droop)), 0.0])
        for joint, end in pairwise(arm[:3]):
            resting[joint] = between(actor.rest_joints[end] - actor.rest_joints[joint], along)
        resting[arm[2:]] = resting[arm[1]]
    for joint, parent in enumerate(PARENTS[1:], 1):
        joints[joint] = joints[parent] + resting[parent] @ (actor.rest_joints[joint] - actor.rest_joints[parent])
    return resting, joints


def against_world(rotations: Array, parents: Sequence[int]) -> Array:
    """Rotations (T, B, 3, 3) against parents -> against the world."""
    turned = rotations.copy()
    for bone, parent in enumerate(parents):
        if parent >= 0:
            turned[:, bone] = turned[:, parent] @ rotations[:, bone]
    return turned


def _against_parents(turned: Array, parents: Sequence[int]) -> Array:
    """Rotations (T, B, 3, 3) against the world -> against parents."""
    rotations = turned.copy()
    for bone, parent in enumerate(parents):
        if parent >= 0:
            rotations[:, bone] = np.swapaxes(turned[:, parent], -1, -2) @ turned[:, bone]
    return rotations


def _place(actor: Actor, place: str) -> Array:
    """(3,) where a place is at the body's rest, from the joint that it rides on."""
    joint = joint_of(place)
    if place in JOINT_NAMES:
        return np.zeros(3)
    if place == "upper_neck":
        return np.asarray((actor.rest_joints[JOINT_NAMES.index("head")] - actor.rest_joints[joint]) / 2)
    if place == "crown":
        return flesh_end(actor, joint)
    end, ends = LANDMARKS.index(place) - _FIRST_END, actor.body.limb_ends
    betas = torch.as_tensor(actor.motion.betas, dtype=torch.float32)
    return np.asarray((ends.template[end] + ends.shapedirs[end] @ betas).double().numpy() - actor.rest_joints[joint])


def _end(actor: Actor, place: str, along: Array) -> Array:
    """(3,) from a bone's head to its end: the tip of its flesh; one without flesh goes a little on the way from its parent."""
    return flesh_end(actor, joint_of(place)) if place in JOINT_NAMES else along / np.linalg.norm(along) * _STUB


def flesh_end(actor: Actor, joint: int) -> Array:
    """(3,) from a joint to the point of its flesh that lies farthest along its bone: fingertip, toe, crown."""
    flesh = actor.rest_vertices[actor.body.weights.argmax(-1).numpy() == joint]
    if joint == 0 or len(flesh) == 0:
        return np.array([0.0, _STUB, 0.0])
    along = actor.rest_joints[joint] - actor.rest_joints[PARENTS[joint]]
    return np.asarray(flesh[np.argmax(flesh @ along)] - actor.rest_joints[joint])


def strongest(weights: Array) -> tuple[Array, Array]:
    """The four largest of the skinning weights (V, B), scaled to sum 1: joint numbers and weights (V, 4).

    A joint of weight zero is numbered 0, as the glTF validator wants it.
    """
    joints = np.argsort(-weights, axis=1, kind="stable")[:, :_INFLUENCES]
    chosen = np.take_along_axis(weights, joints, axis=1)
    chosen = np.where(chosen < 1e-6, 0.0, chosen)
    chosen /= chosen.sum(axis=1, keepdims=True)
    return np.where(chosen > 0, joints, 0), chosen


def presence(motion: Motion, span: tuple[float, float]) -> tuple[Array, Array]:
    """Times (K,) from the start of ``span`` and scales (K,), 1 while the person is there and 0 before and after."""
    gone = motion.timestamps[-1] + 1 / motion.frame_rate  # the last frame is shown for as long as any other
    keys = [(0.0, 0.0)] if motion.timestamps[0] > span[0] else []
    keys.append((motion.timestamps[0] - span[0], 1.0))
    if gone < span[1] + 0.5 / motion.frame_rate:
        keys.append((gone - span[0], 0.0))
    times, scales = np.array(keys).T
    return times, scales
