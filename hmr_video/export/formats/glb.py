"""GLB: `person_01.glb` and, with several people, `people.glb`: skinned, animated glTF 2.0 (metres, y up, facing +z).

Each person is a node with the 24 joint nodes below it, which importers take for an armature; a mesh in T-pose with the shape
baked in and its skin; and an animation of quaternions and the pelvis' translation at the source's own times.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pygltflib as gltf

from hmr_video.export.actors import Actor, place
from hmr_video.export.formats.gltf_buffer import BufferBuilder
from hmr_video.export.palette import person_color, srgb_to_linear
from hmr_video.export.registry import ExportOptions, person_name
from hmr_video.files import replacing
from hmr_video.geometry.skeleton import JOINT_NAMES, PARENTS
from hmr_video.motion import Array, Motion

if TYPE_CHECKING:
    from hmr_video.body import Body

_INFLUENCES = 4  # joints per vertex: what every player supports


def write(motions: list[Motion], body: "Body", folder: Path, options: ExportOptions) -> list[Path]:
    """One file per person, whose time starts with the person, and one of all, whose time starts with the first of them.

    A body with pose blendshapes loses them: glTF skins are linear.
    """
    actors = [place(motion, body) for motion in motions]
    files = [(f"{person_name(index)}.glb", [index]) for index in range(len(actors))]
    if len(actors) > 1:
        files.append(("people.glb", list(range(len(actors)))))
    written = []
    for name, people in files:
        with replacing(folder / name, options.overwrite) as temporary:
            document(actors, people).save_binary(temporary)
        written.append(folder / name)
    return written


def document(actors: list[Actor], people: list[int]) -> gltf.GLTF2:
    """The glTF of the actors with the numbers ``people``."""
    file = gltf.GLTF2(
        asset=gltf.Asset(version="2.0", generator="hmr-video"),
        scene=0,
        scenes=[gltf.Scene(nodes=[])],
        animations=[gltf.Animation()],
    )
    file.animations[0].name = "motion"
    buffer = BufferBuilder(file)
    start = min(actors[person].motion.timestamps[0] for person in people)
    end = max(actors[person].motion.timestamps[-1] for person in people)
    for person in people:
        prefix = f"{person_name(person)}_" if len(people) > 1 else ""
        _add_person(file, buffer, actors[person], person, prefix, (start, end))
    buffer.finish()
    return file


def _add_person(
    file: gltf.GLTF2, buffer: BufferBuilder, actor: Actor, person: int, prefix: str, span: tuple[float, float]
) -> None:
    """The mesh, its skin and its animation. Joint names are SMPL's, with ``prefix`` where several people share a file."""
    first_joint = len(file.nodes)
    for joint, name in enumerate(JOINT_NAMES):
        children = [first_joint + child for child, parent in enumerate(PARENTS) if parent == joint]
        offset = actor.rest_joints[joint] - (actor.rest_joints[PARENTS[joint]] if joint else 0)
        file.nodes.append(gltf.Node(name=prefix + name, children=children, translation=offset.tolist()))
    bind = np.tile(np.eye(4), (24, 1, 1))
    bind[:, :3, 3] = -actor.rest_joints
    columns = np.swapaxes(bind, 1, 2).reshape(24, 16)  # glTF matrices are column-major
    inverse_bind = buffer.add(columns, np.float32, "MAT4")
    joints = [first_joint + joint for joint in range(24)]
    file.skins.append(gltf.Skin(name=person_name(person), joints=joints, inverseBindMatrices=inverse_bind, skeleton=first_joint))
    file.meshes.append(gltf.Mesh(name=person_name(person), primitives=[_primitive(file, buffer, actor, person)]))
    file.nodes.append(gltf.Node(name=person_name(person), children=[first_joint]))
    file.nodes.append(gltf.Node(name=f"{person_name(person)}_mesh", mesh=len(file.meshes) - 1, skin=len(file.skins) - 1))
    # The mesh stands beside its skeleton: a skinned mesh ignores its parents, and validators warn of that.
    file.scenes[0].nodes += [len(file.nodes) - 2, len(file.nodes) - 1]
    _animate(file.animations[0], buffer, actor, first_joint, span)


def _primitive(file: gltf.GLTF2, buffer: BufferBuilder, actor: Actor, person: int) -> gltf.Primitive:
    """The rest mesh with normals, colours and skinning weights."""
    import trimesh

    faces = actor.body.faces
    mesh = trimesh.Trimesh(actor.rest_vertices, faces, process=False)
    normals = np.array(mesh.vertex_normals)
    normals[np.linalg.norm(normals, axis=1) < 0.5] = [0.0, 1.0, 0.0]  # vertices of no face
    joints, weights = strongest(actor.body.weights.double().numpy())
    color = np.append(srgb_to_linear(person_color(person)), 1.0) * 255
    if not file.materials:
        surface = gltf.PbrMetallicRoughness(baseColorFactor=[1.0, 1.0, 1.0, 1.0], metallicFactor=0.0, roughnessFactor=0.7)
        file.materials.append(gltf.Material(name="body", pbrMetallicRoughness=surface))
    vertex = gltf.ARRAY_BUFFER
    attributes = gltf.Attributes(
        POSITION=buffer.add(actor.rest_vertices, np.float32, "VEC3", vertex, bounds=True),
        NORMAL=buffer.add(normals, np.float32, "VEC3", vertex),
        COLOR_0=buffer.add(np.tile(color.round(), (len(normals), 1)), np.uint8, "VEC4", vertex, normalized=True),
        JOINTS_0=buffer.add(joints, np.uint8, "VEC4", vertex),
        WEIGHTS_0=buffer.add(weights, np.float32, "VEC4", vertex),
    )
    kind = np.uint16 if len(normals) <= 65535 else np.uint32
    indices = buffer.add(faces.reshape(-1), kind, "SCALAR", gltf.ELEMENT_ARRAY_BUFFER)
    return gltf.Primitive(attributes=attributes, indices=indices, material=0)


def strongest(weights: Array) -> tuple[Array, Array]:
    """The four largest of the skinning weights (V, 24), scaled to sum 1: joint numbers and weights (V, 4).

    A joint of weight zero is numbered 0, as the glTF validator wants it.
    """
    joints = np.argsort(-weights, axis=1, kind="stable")[:, :_INFLUENCES]
    chosen = np.take_along_axis(weights, joints, axis=1)
    chosen = np.where(chosen < 1e-6, 0.0, chosen)
    chosen /= chosen.sum(axis=1, keepdims=True)
    return np.where(chosen > 0, joints, 0), chosen


def _animate(animation: gltf.Animation, buffer: BufferBuilder, actor: Actor, first_joint: int, span: tuple[float, float]) -> None:
    """Rotations of all joints and the translation of the root, at the source's times from the start of ``span`` (seconds).

    A person who comes later or leaves earlier is scaled to nothing meanwhile.
    """
    motion = actor.motion
    times = buffer.add(motion.timestamps - span[0], np.float32, "SCALAR", bounds=True)

    def channel(node: int, path: str, keys: int, values: int, interpolation: str = "LINEAR") -> None:
        animation.samplers.append(gltf.AnimationSampler(input=keys, output=values, interpolation=interpolation))
        target = gltf.AnimationChannelTarget(node=node, path=path)
        animation.channels.append(gltf.AnimationChannel(sampler=len(animation.samplers) - 1, target=target))

    channel(first_joint, "translation", times, buffer.add(actor.pelvis, np.float32, "VEC3"))
    for joint in range(24):
        channel(first_joint + joint, "rotation", times, buffer.add(actor.quaternions[:, joint], np.float32, "VEC4"))
    keys, scales = _presence(motion, span)
    if len(keys) > 1:
        scale = buffer.add(np.repeat(scales[:, None], 3, axis=1), np.float32, "VEC3")
        channel(first_joint, "scale", buffer.add(keys, np.float32, "SCALAR", bounds=True), scale, "STEP")


def _presence(motion: Motion, span: tuple[float, float]) -> tuple[Array, Array]:
    """Times (K,) from the start of ``span`` and scales (K,), 1 while the person is there and 0 before and after."""
    gone = motion.timestamps[-1] + 1 / motion.frame_rate  # the last frame is shown for as long as any other
    keys = [(0.0, 0.0)] if motion.timestamps[0] > span[0] else []
    keys.append((motion.timestamps[0] - span[0], 1.0))
    if gone < span[1] + 0.5 / motion.frame_rate:
        keys.append((gone - span[0], 0.0))
    times, scales = np.array(keys).T
    return times, scales
