"""Run by Blender: what its importers make of a file. Arguments behind `--`: the file, the NPZ to write."""

import os
import sys

import bpy
import numpy as np

path, target = sys.argv[sys.argv.index("--") + 1 :]
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
if path.endswith(".fbx"):
    bpy.ops.import_scene.fbx(filepath=path, anim_offset=0)
else:
    scene.render.fps = 25  # which the importer turns seconds into
    bpy.ops.import_scene.gltf(filepath=path)
ranges = np.array([action.frame_range[:] for action in bpy.data.actions])
rounded = scene.render.fps_base  # the importer takes a rate for the next whole one when it places keys
first, last = round(ranges[:, 0].min() / rounded), round(ranges[:, 1].max() / rounded)
found = {"rate": scene.render.fps / scene.render.fps_base, "frames": [first, last]}
for armature in [one for one in bpy.data.objects if one.type == "ARMATURE"]:
    found[f"{armature.name}/bones"] = [bone.name for bone in armature.data.bones]
    found[f"{armature.name}/scale"] = list(armature.matrix_world.to_scale())
    for body in [one for one in armature.children_recursive if one.type == "MESH"]:
        posed = []
        for frame in range(first, last + 1):
            scene.frame_set(int(frame * rounded), subframe=frame * rounded % 1)
            seen = body.evaluated_get(bpy.context.evaluated_depsgraph_get())
            places = np.empty(3 * len(seen.data.vertices), np.float32)
            seen.data.vertices.foreach_get("co", places)
            turned = np.array(seen.matrix_world)
            posed.append(places.reshape(-1, 3) @ turned[:3, :3].T + turned[:3, 3])
        found[f"{armature.name}/vertices"] = np.stack(posed)
np.savez(target, **found)
os._exit(0)  # the module of Blender 4.2 crashes where Python takes it down
