"""Run by Blender: people from arrays to FBX. Arguments behind `--`: the arrays (NPZ), the file to write."""

import sys
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix, Vector

SHORTEST = 0.5  # centimetres that a bone is long at least: Blender drops those without length
STILL = 1e-6  # centimetres that a bone without a way of its own moves at most
GONE = 1e-3  # the scale of who is not there; of 0 no rotation could be told


def main(job_file: str, target: str) -> None:
    """Writes the FBX file ``target`` of a job, an NPZ."""
    with np.load(job_file, allow_pickle=False) as job:
        arrays = dict(job)
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.unit_settings.system = "METRIC"
    scene.unit_settings.scale_length = 0.01  # a unit is a centimetre, which the exporter declares
    rate = float(arrays["rate"])
    scene.render.fps = max(1, round(rate))
    scene.render.fps_base = scene.render.fps / rate
    people = [
        {key.split("_", 1)[1]: values for key, values in arrays.items() if key.startswith(f"{person}_")}
        for person in range(int(arrays["count"]))
    ]
    scene.frame_start = 0
    scene.frame_end = max(int(person["first"]) + len(person["rotations"]) - 1 for person in people)
    for person in people:
        armature, frames = build_armature(person)
        mesh = add_mesh(person, armature)
        animate(person, armature, frames, scene.frame_end)
        animate_shapes(person, mesh)
    scene.frame_set(0)
    bpy.ops.export_scene.fbx(
        filepath=target,
        object_types={"ARMATURE", "MESH"},
        apply_scale_options="FBX_SCALE_NONE",
        axis_forward="-Z",
        axis_up="Y",
        mesh_smooth_type="FACE",
        add_leaf_bones=False,
        bake_anim_use_all_actions=False,
        bake_anim_use_nla_strips=False,
        bake_anim_simplify_factor=0.0,
    )


def build_armature(person: dict[str, Any]) -> tuple[Any, ...]:
    """The armature, and the axes of each bone in columns (B, 3, 3), y along it. Data are y up; the object stands upright."""
    called, heads, parents = person["called"], person["heads"], person["parents"]
    data = bpy.data.armatures.new(str(called[0]))
    armature = bpy.data.objects.new(str(called[0]), data)
    armature.matrix_world = Matrix.Rotation(np.pi / 2, 4, "X")  # which the exporter's own turn from z up undoes
    bpy.context.scene.collection.objects.link(armature)
    bpy.context.view_layer.objects.active = armature
    bpy.ops.object.mode_set(mode="EDIT")
    for number, name in enumerate(person["names"]):
        bone = data.edit_bones.new(str(name))
        bone.head, bone.tail = heads[number], tail(number, person)
        along = (bone.tail - bone.head).normalized()
        bone.align_roll(Vector((0, 0, 1)) if abs(along.z) < 0.7 else Vector((0, 1, 0)))
        if parents[number] >= 0:
            bone.parent = data.edit_bones[str(person["names"][parents[number]])]
    bpy.ops.object.mode_set(mode="OBJECT")
    return armature, np.stack([np.array(data.bones[str(name)].matrix_local.to_3x3()) for name in person["names"]])


def tail(bone: int, person: dict[str, Any]) -> np.ndarray:
    """Where a bone ends: at its child's head (of several that which is least aside: a spine's), else at its own tip.

    Not at a child that moves: importers would connect the two, and keep it from moving.
    """
    heads = person["heads"]
    still = np.abs(person["shifts"]).max(axis=(0, 2)) < STILL
    children = np.flatnonzero((person["parents"] == bone) & still)
    end = heads[min(children, key=lambda child: abs(heads[child, 0] - heads[bone, 0]))] if len(children) else person["tips"][bone]
    return end if np.linalg.norm(end - heads[bone]) > SHORTEST else heads[bone] + np.array([0, SHORTEST, 0])


def add_mesh(person: dict[str, Any], armature: Any) -> Any:
    """Adds the skinned mesh of a person to their armature, with its shapes."""
    name = str(person["called"][1])
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata(person["vertices"].tolist(), [], person["faces"].tolist())
    mesh.polygons.foreach_set("use_smooth", np.ones(len(mesh.polygons), bool))
    material = bpy.data.materials.new(name)
    material.diffuse_color = (*person["color"].tolist(), 1.0)
    material.use_nodes = True
    material.node_tree.nodes["Principled BSDF"].inputs["Base Color"].default_value = material.diffuse_color
    mesh.materials.append(material)
    body = bpy.data.objects.new(name, mesh)
    bpy.context.scene.collection.objects.link(body)
    body.parent = armature
    body.modifiers.new("Armature", "ARMATURE").object = armature
    for bone, weights in zip(person["names"], person["weights"].T):  # noqa: B905
        group = body.vertex_groups.new(name=str(bone))
        for vertex in np.flatnonzero(weights > 1e-6).tolist():
            group.add([vertex], float(weights[vertex]), "REPLACE")
    if len(person["shapes"]):
        body.shape_key_add(name="Basis")
    for name, shape in zip(person["shapeNames"], person["shapes"]):  # noqa: B905
        block = body.shape_key_add(name=str(name), from_mix=False)
        block.slider_min = -1.0
        block.data.foreach_set("co", shape.astype(np.float32).ravel())
    return body


def animate(person: dict[str, Any], armature: Any, frames: np.ndarray, last: int) -> None:
    """Keys on every frame. A bone's rotation, given along world axes at rest, is turned into the bone's own."""
    first, count = int(person["first"]), len(person["rotations"])
    numbers = np.arange(first, first + count)
    for bone, name in enumerate(person["names"]):
        posed = armature.pose.bones[str(name)]
        posed.rotation_mode = "QUATERNION"
        turns = frames[bone].T @ person["rotations"][:, bone] @ frames[bone]
        quaternions = np.array([Matrix(turn).to_quaternion() for turn in turns])
        flips = np.where((quaternions[1:] * quaternions[:-1]).sum(1) < 0, -1.0, 1.0)
        quaternions[1:] *= np.cumprod(flips)[:, None]
        key(posed, "rotation_quaternion", numbers, quaternions)
        shifts = person["shifts"][:, bone] @ frames[bone]
        if np.any(np.abs(shifts) > STILL):
            key(posed, "location", numbers, shifts)
    if first > 0 or first + count - 1 < last:
        there = [(0, GONE if first else 1), (first, 1), (first + count, GONE)]
        there = [pair for pair in there if pair[0] <= last]
        posed = armature.pose.bones[str(person["names"][0])]
        scales = np.repeat(np.array([[scale] for _, scale in there], float), 3, axis=1)
        key(posed, "scale", np.array([frame for frame, _ in there]), scales, "CONSTANT")


def animate_shapes(person: dict[str, Any], body: Any) -> None:
    """Keys of the strengths of all shapes on every frame."""
    numbers = int(person["first"]) + np.arange(len(person["strengths"]))
    for name, strengths in zip(person["shapeNames"], person["strengths"].T):  # noqa: B905
        key(body.data.shape_keys.key_blocks[str(name)], "value", numbers, strengths[:, None])


def key(posed: Any, path: str, numbers: np.ndarray, values: np.ndarray, interpolation: str = "LINEAR") -> None:
    """Values (T, C) of a property of a bone or a shape at frames (T,)."""
    setattr(posed, path, values[0] if values.shape[1] > 1 else values[0, 0])
    posed.keyframe_insert(path, frame=int(numbers[0]), group=posed.name)
    animation = posed.id_data.animation_data
    if hasattr(animation.action, "layers"):  # since Blender 4.4
        curves = animation.action.layers[0].strips[0].channelbag(animation.action_slot).fcurves
    else:
        curves = animation.action.fcurves
    for channel, column in enumerate(values.T):
        points = curves.find(posed.path_from_id(path), index=channel).keyframe_points
        points.add(len(numbers) - len(points))
        points.foreach_set("co", np.stack([numbers, column], axis=1).ravel())
        for point in points:
            point.interpolation = interpolation


if __name__ == "__main__":
    main(*sys.argv[sys.argv.index("--") + 1 :])
