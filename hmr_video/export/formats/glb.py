"""GLB: `person_01.glb` and, with several people, `people.glb`: skinned, animated glTF 2.0 (metres, y up, facing +z).

Each person is a node with the nodes of the rig's bones below it, which importers take for an armature; a mesh in the rig's rest
pose with the shape baked in and its skin; and an animation of quaternions and the hips' translation at the source's own times.
"""

from collections.abc import Sequence

import numpy as np
import pygltflib as gltf

from hmr_video.body import Body
from hmr_video.export.actors import continuous_quaternions, world_from_camera
from hmr_video.export.formats.gltf_buffer import BufferBuilder, add_channel
from hmr_video.export.palette import person_color, srgb_to_linear
from hmr_video.export.reduce import key_frames
from hmr_video.export.registry import ExportOptions, NewFiles, casts, person_name
from hmr_video.export.rigs.names import RIGS
from hmr_video.export.rigs.rigging import Rigged, presence, rigged_people, strongest
from hmr_video.motion import Array, Motion

_VRM_ANIMATION = "VRMC_vrm_animation"
Keys = dict[tuple[int, str], Array]  # bone and property -> frames


def write(motions: list[Motion], body: Body, files: NewFiles, options: ExportOptions) -> None:
    """One file per person, whose time starts with the person, and one of all, whose time starts with the first of them.

    A body with pose blendshapes loses them: glTF skins are linear. One person on VRM's rig is a VRM animation (`.vrma`) as well.
    """
    actors = rigged_people(motions, body, options)
    kept = [{} if options.reduce is None else key_frames(actor, options.reduce) for actor in actors]
    for name, people in casts(len(actors)):
        file = document(actors, people, kept)
        if options.rig == "vrm" and len(people) == 1:
            bones = {
                node.name: {"node": number} for number, node in enumerate(file.nodes) if node.name in RIGS["vrm"].bones.values()
            }
            file.extensions = {_VRM_ANIMATION: {"specVersion": "1.0", "humanoid": {"humanBones": bones}}}
            file.extensionsUsed = [_VRM_ANIMATION]
        with files.new(f"{name}.glb") as path:
            file.save_binary(path)


def document(actors: list[Rigged], people: list[int], kept: Sequence[Keys]) -> gltf.GLTF2:
    """The glTF of the actors with the numbers ``people``; ``kept``: each actor's frames of curves that are not kept whole."""
    file = gltf.GLTF2(
        asset=gltf.Asset(version="2.0", generator="hmr-video"),
        scene=0,
        scenes=[gltf.Scene(nodes=[])],
        animations=[gltf.Animation()],
    )
    file.animations[0].name = "motion"
    buffer = BufferBuilder(file)
    start = min(actors[person].times[0] for person in people)
    end = max(actors[person].times[-1] for person in people)
    for person in people:
        prefix = f"{person_name(person)}_" if len(people) > 1 else ""
        first_bone = len(file.nodes)
        _add_person(file, buffer, actors[person], person, prefix)
        _animate(file.animations[0], buffer, actors[person], first_bone, (start, end), kept[person])
    _add_camera(file, buffer, [actors[person].actor.motion for person in people], start)
    buffer.finish()
    return file


def _add_camera(file: gltf.GLTF2, buffer: BufferBuilder, motions: list[Motion], start: float) -> None:
    """The source camera of a result with a world, animated where it moves. glTF's cameras look along -z, ours along z, y down."""
    longest = max(motions, key=len)
    if longest.world_from_camera is None:
        return
    width, height = (int(length) for length in longest.image_size)
    field = float(2 * np.arctan(height / 2 / longest.camera_matrix[1, 1]))
    file.cameras.append(
        gltf.Camera(type="perspective", perspective=gltf.Perspective(yfov=field, aspectRatio=width / height, znear=0.05))
    )
    poses = world_from_camera(longest)
    turns, places, node = continuous_quaternions(poses[:, :3, :3] * [1.0, -1.0, -1.0]), poses[:, :3, 3], len(file.nodes)
    file.nodes.append(gltf.Node(name="camera", camera=0, translation=places[0].tolist(), rotation=turns[0].tolist()))
    file.scenes[0].nodes.append(node)
    if not np.ptp(poses, axis=0).any():
        return
    animation, times = file.animations[0], buffer.add_times(longest.timestamps - start)
    for path, values in (("translation", places), ("rotation", turns)):
        add_channel(animation, node, path, times, buffer.add(values, np.float32))


def _add_person(file: gltf.GLTF2, buffer: BufferBuilder, actor: Rigged, person: int, prefix: str) -> None:
    """The mesh and its skin. Bones have the rig's names, with ``prefix`` where several people share a file."""
    first_bone = len(file.nodes)
    for bone, (name, offset) in enumerate(zip(actor.names, actor.offsets, strict=True)):
        children = [first_bone + child for child in actor.children(bone)]
        file.nodes.append(gltf.Node(name=prefix + name, children=children, translation=offset.tolist()))
    columns = np.swapaxes(np.linalg.inv(actor.bind), 1, 2).reshape(-1, 16)  # glTF matrices are column-major
    inverse_bind = buffer.add(columns, np.float32)
    joints = list(range(first_bone, len(file.nodes)))
    file.skins.append(gltf.Skin(name=person_name(person), joints=joints, inverseBindMatrices=inverse_bind, skeleton=first_bone))
    file.meshes.append(gltf.Mesh(name=person_name(person), primitives=[_primitive(file, buffer, actor, person)]))
    file.nodes.append(gltf.Node(name=person_name(person), children=[first_bone]))
    file.nodes.append(gltf.Node(name=f"{person_name(person)}_mesh", mesh=len(file.meshes) - 1, skin=len(file.skins) - 1))
    # The mesh stands beside its skeleton: a skinned mesh ignores its parents, and validators warn of that.
    file.scenes[0].nodes += [len(file.nodes) - 2, len(file.nodes) - 1]


def _primitive(file: gltf.GLTF2, buffer: BufferBuilder, actor: Rigged, person: int) -> gltf.Primitive:
    """The mesh as it is bound with normals, colours and skinning weights."""
    faces, normals = actor.actor.body.faces, actor.normals
    joints, weights = strongest(actor.weights)
    color = np.append(srgb_to_linear(person_color(person)), 1.0) * 255
    if not file.materials:
        surface = gltf.PbrMetallicRoughness(baseColorFactor=[1.0, 1.0, 1.0, 1.0], metallicFactor=0.0, roughnessFactor=0.7)
        file.materials.append(gltf.Material(name="body", pbrMetallicRoughness=surface))
    vertex = gltf.ARRAY_BUFFER
    attributes = gltf.Attributes(
        POSITION=buffer.add(actor.bound, np.float32, vertex, bounds=True),
        NORMAL=buffer.add(normals, np.float32, vertex),
        COLOR_0=buffer.add(np.tile(color.round(), (len(normals), 1)), np.uint8, vertex, normalized=True),
        JOINTS_0=buffer.add(joints, np.uint8, vertex),
        WEIGHTS_0=buffer.add(weights, np.float32, vertex),
    )
    kind = np.uint16 if len(normals) <= 65535 else np.uint32
    indices = buffer.add(faces.reshape(-1), kind, gltf.ELEMENT_ARRAY_BUFFER)
    return gltf.Primitive(attributes=attributes, indices=indices, material=0)


def _animate(
    animation: gltf.Animation, buffer: BufferBuilder, actor: Rigged, first_bone: int, span: tuple[float, float], kept: Keys
) -> None:
    """Rotations of all bones and the way of those that move, at the source's times from the start of ``span`` (seconds).

    A person who comes later or leaves earlier is scaled to nothing meanwhile.
    """
    times = buffer.add_times(actor.times - span[0])

    def curve(bone: int, path: str, values: Array) -> None:
        keys, frames = times, kept.get((bone, path))
        if frames is not None:
            keys, values = buffer.add_times(actor.times[frames] - span[0]), values[frames]
        add_channel(animation, first_bone + bone, path, keys, buffer.add(values, np.float32))

    for bone, way in actor.moves.items():
        curve(bone, "translation", way)
    quaternions = continuous_quaternions(actor.rotations)
    for bone in range(len(actor.names)):
        curve(bone, "rotation", quaternions[:, bone])
    seconds, scales = presence(actor.actor.motion, span)
    if len(seconds) > 1:
        scale = buffer.add(np.repeat(scales[:, None], 3, axis=1), np.float32)
        changes = buffer.add_times(seconds)
        add_channel(animation, first_bone, "scale", changes, scale, "STEP")
