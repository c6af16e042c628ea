"""Readers of skinned meshes: of glTF one of our own, which tells what is in a file and where it puts everything; and Blender."""

from pathlib import Path

import numpy as np
import pygltflib
from scipy.spatial.transform import Rotation, Slerp

from hmr_video.export.formats.blender import run_script

_TYPES = {5121: np.uint8, 5123: np.uint16, 5125: np.uint32, 5126: np.float32}
_WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}


def read_glb(path: Path) -> pygltflib.GLTF2:
    return pygltflib.GLTF2().load_binary(path)


def read_by_blender(path: Path, folder: Path) -> dict[str, np.ndarray]:
    """What Blender's importers make of a file (`blender_reads.py`)."""
    run_script(Path(__file__).with_name("blender_reads.py"), path, folder / "read.npz")
    with np.load(folder / "read.npz") as read:
        return dict(read)


def read(file: pygltflib.GLTF2, number: int) -> np.ndarray:
    accessor = file.accessors[number]
    view = file.bufferViews[accessor.bufferView]
    width = _WIDTHS[accessor.type]
    start = (view.byteOffset or 0) + (accessor.byteOffset or 0)
    values = np.frombuffer(file.binary_blob(), _TYPES[accessor.componentType], accessor.count * width, start)
    return values.reshape(accessor.count, width)


def play(file: pygltflib.GLTF2, skin_number: int, at: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Times (T,), ``at`` or the key times, joints (T, J, 3) and vertices (T, V, 3) of a skin, as glTF's specification says."""
    skin = file.skins[skin_number]
    (node,) = [node for node in file.nodes if node.skin == skin_number]
    attributes = file.meshes[node.mesh].primitives[0].attributes
    times, worlds = posed_nodes(file, skin.joints[-1], at)
    inverse_bind = read(file, skin.inverseBindMatrices).reshape(-1, 4, 4).swapaxes(1, 2)
    palette = np.stack([worlds[joint] @ inverse_bind[number] for number, joint in enumerate(skin.joints)], axis=1)
    rest = np.concatenate([read(file, attributes.POSITION), np.ones((len(read(file, attributes.POSITION)), 1))], axis=1)
    joints, weights = read(file, attributes.JOINTS_0), read(file, attributes.WEIGHTS_0)
    posed = sum(weights[:, k, None] * np.einsum("tvij,vj->tvi", palette[:, joints[:, k]], rest) for k in range(4))
    heads = np.stack([worlds[joint][:, :3, 3] for joint in skin.joints], axis=1)
    return times, heads, posed[..., :3]


def posed_nodes(file: pygltflib.GLTF2, timed_by: int, at: np.ndarray | None = None) -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """Times (T,), ``at`` or those of the keys of a node's rotation, and all nodes then against the world (T, 4, 4)."""
    tracks = {}
    for channel in file.animations[0].channels if file.animations else []:
        sampler = file.animations[0].samplers[channel.sampler]
        tracks[channel.target.node, channel.target.path] = (read(file, sampler.input).ravel(), read(file, sampler.output))
    times = tracks[timed_by, "rotation"][0] if at is None else at
    worlds = {}

    def visit(number: int, parent: np.ndarray) -> None:
        node = file.nodes[number]
        local = np.tile(np.eye(4), (len(times), 1, 1))
        keys, quaternions = tracks.get((number, "rotation"), ([0, 1], [node.rotation or [0, 0, 0, 1]] * 2))
        local[:, :3, :3] = _slerped(keys, quaternions, times) * (node.scale or [1, 1, 1])
        keys, places = tracks.get((number, "translation"), ([0, 1], [node.translation or [0, 0, 0]] * 2))
        local[:, :3, 3] = np.stack([np.interp(times, keys, column) for column in np.transpose(places)], axis=1)
        worlds[number] = parent @ local
        for child in node.children:
            visit(child, worlds[number])

    for top in file.scenes[file.scene].nodes:
        visit(top, np.tile(np.eye(4), (len(times), 1, 1)))
    return times, worlds


def _slerped(keys: np.ndarray, quaternions: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Rotations (T, 3, 3) at ``times``; before the first key the first, after the last the last."""
    if len(keys) == 1:
        keys, quaternions = [keys[0], keys[0] + 1], np.repeat(quaternions, 2, axis=0)
    return Slerp(keys, Rotation.from_quat(quaternions))(np.clip(times, keys[0], keys[-1])).as_matrix()
