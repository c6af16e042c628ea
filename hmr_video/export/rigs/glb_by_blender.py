"""Run by Blender: a character from FBX to GLB, at rest. Arguments behind `--`: the file to read, the file to write."""

import os
import sys

import bpy


def main(source: str, target: str) -> None:
    """Writes the GLB file ``target`` with the meshes, skeleton and materials of ``source``."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.import_scene.fbx(filepath=source, use_anim=False)
    if not any(thing.type == "ARMATURE" for thing in bpy.data.objects):
        raise ValueError("it holds no skeleton")
    bpy.ops.export_scene.gltf(
        filepath=target, export_format="GLB", export_animations=False, export_rest_position_armature=True, export_yup=True
    )


if __name__ == "__main__":
    main(*sys.argv[sys.argv.index("--") + 1 :])
    os._exit(0)  # the module of Blender 4.2 crashes where Python takes it down
