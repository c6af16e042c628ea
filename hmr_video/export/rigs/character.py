"""`Character`: somebody's own figure from a GLB, VRM or FBX file: its nodes at rest, which are which parts, its animation."""

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pygltflib as gltf
from scipy.spatial.transform import Rotation

from hmr_video.errors import InputError, OutputError
from hmr_video.export.formats.blender import run_script
from hmr_video.export.formats.gltf_buffer import MESHOPT, BufferBuilder, add_channel, read_accessor, save_glb
from hmr_video.geometry.joint_names import name_parts
from hmr_video.geometry.skeleton import JOINT_NAMES
from hmr_video.motion import Array

# VRM's humanoid bones, and the parts that they are.
_VRM = {"hips": "pelvis", "neck": "neck", "head": "head"} | {
    f"{side}{bone}": f"{side}_{part}"
    for side in ("left", "right")
    for bone, part in {
        "UpperLeg": "hip", "LowerLeg": "knee", "Foot": "ankle", "Toes": "foot",
        "Shoulder": "collar", "UpperArm": "shoulder", "LowerArm": "elbow", "Hand": "wrist",
    }.items()
}  # fmt: skip
_NEEDED = tuple(f"{side}_{part}" for side in ("left", "right") for part in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist"))


_REMEDY = "Give a character as FBX, or as one binary glTF with everything inside: .glb or .vrm."
_FROM_FBX = Path(__file__).with_name("glb_by_blender.py")


class Character:
    """A skinned figure in a glTF binary. FBX is read by Blender, in a process of its own.

    Attributes:
        parents: of the nodes; -1 for those of the scene.
        rest: (N, 4, 4) of the nodes against the world as the file has them, which is taken for the rest pose.
        parts: SMPL's names of the parts that it has -> node.
    """

    def __init__(self, path: Path, named: Mapping[str, str] | None = None) -> None:
        """Reads a file. ``named`` gives parts by the names of nodes, in place of guessing. Raises InputError."""
        self.path, self._file = path, _read(path)
        nodes = self._file.nodes
        self.names = [node.name or "" for node in nodes]
        self.parents = [-1] * len(nodes)
        for number, node in enumerate(nodes):
            for child in node.children or []:
                self.parents[child] = number
        try:
            self.rest = np.stack([self._world(number) for number in range(len(nodes))])
        except RecursionError as error:
            raise InputError(
                f"{path} is damaged: its nodes hang on each other in a circle.", "Export the character again."
            ) from error
        self.parts = self._named(named) if named is not None else self._named_by_vrm() or self._guessed()
        missing = [part for part in _NEEDED if part not in self.parts]
        if missing:
            raise InputError(f"{path} has no {', '.join(missing)}.", "Name its bones with --map FILE.")

    def order(self) -> list[int]:
        """All nodes, parents first."""
        return sorted(range(len(self.parents)), key=lambda node: len(self.above(node)))

    def above(self, node: int) -> list[int]:
        """The node itself and all that it hangs on."""
        chain = [node]
        while self.parents[chain[-1]] >= 0:
            chain.append(self.parents[chain[-1]])
        return chain

    @cached_property
    def flesh(self) -> tuple[Array, Array]:
        """The vertices of its skinned meshes (V, 3) in the world at rest, and the node (V,) that moves each most.

        Without those of compressed meshes, which only players unpack.
        """
        places, owners = [np.zeros((0, 3))], [np.zeros(0, int)]
        for node in self._file.nodes:
            if node.skin is None or node.mesh is None:
                continue
            skin = self._file.skins[node.skin]
            joints = np.array(skin.joints)
            inverse = None if skin.inverseBindMatrices is None else read_accessor(self._file, skin.inverseBindMatrices)
            if inverse is None and skin.inverseBindMatrices is not None:
                continue
            bind = np.tile(np.eye(4), (len(joints), 1, 1)) if inverse is None else inverse.reshape(-1, 4, 4).swapaxes(1, 2)
            palette = self.rest[joints] @ bind
            for primitive in self._file.meshes[node.mesh].primitives:
                names = (primitive.attributes.POSITION, primitive.attributes.JOINTS_0, primitive.attributes.WEIGHTS_0)
                read = [None if name is None else read_accessor(self._file, name) for name in names]
                points, bones, weights = read
                if points is None or bones is None or weights is None:
                    continue
                most = np.take_along_axis(bones, weights.argmax(1)[:, None], 1)[:, 0].astype(int)
                places.append((palette[most, :3, :3] @ points[..., None])[..., 0] + palette[most, :3, 3])
                owners.append(joints[most])
        return np.concatenate(places), np.concatenate(owners)

    def save(self, target: Path, times: Array, rotations: Mapping[int, Array], path: tuple[int, Array]) -> None:
        """Writes the file with one animation: local quaternions (T, 4) x y z w of nodes, and the local way (T, 3) of one."""
        file = self._file
        file.animations = [gltf.Animation(name="motion", channels=[], samplers=[])]
        buffer = BufferBuilder(file, file.binary_blob() or b"")
        keys = buffer.add_times(times)

        for node, quaternions in rotations.items():
            self._split_matrix(node)
            add_channel(file.animations[0], node, "rotation", keys, buffer.add(quaternions, np.float32))
        add_channel(file.animations[0], path[0], "translation", keys, buffer.add(path[1], np.float32))
        buffer.finish()
        save_glb(file, target)

    def _split_matrix(self, node: int) -> None:
        """Gives a node with a matrix, which cannot be animated, the translation, rotation and scale that make it."""
        one = self._file.nodes[node]
        if one.matrix is None:
            return
        matrix = _local(one)
        scale = np.linalg.norm(matrix[:3, :3], axis=0)
        one.matrix, one.translation, one.scale = None, matrix[:3, 3].tolist(), scale.tolist()
        one.rotation = Rotation.from_matrix(matrix[:3, :3] / scale).as_quat().tolist()

    def _world(self, node: int) -> Array:
        parent = self.parents[node]
        local = _local(self._file.nodes[node])
        return local if parent < 0 else self._world(parent) @ local

    def _named(self, named: Mapping[str, str]) -> dict[str, int]:
        unknown = [part for part in named if part not in JOINT_NAMES]
        unknown += [name for name in named.values() if name not in self.names]
        if unknown:
            remedy = f"The map's keys are of {', '.join(JOINT_NAMES)}, its values names of bones."
            raise InputError(f"{self.path}: there is no {', '.join(unknown)}.", remedy)
        return {part: self.names.index(name) for part, name in named.items()}

    def _named_by_vrm(self) -> dict[str, int]:
        """What a VRM says of its bones, of version 0 or 1; nothing for other files."""
        extensions: Any = self._file.extensions or {}
        bones = extensions.get("VRMC_vrm", extensions.get("VRM", {})).get("humanoid", {}).get("humanBones", {})
        pairs = [(one["bone"], one) for one in bones] if isinstance(bones, list) else bones.items()
        return {_VRM[bone]: one["node"] for bone, one in pairs if bone in _VRM and one["node"] >= 0}

    def _guessed(self) -> dict[str, int]:
        """Parts by the names of the bones."""
        bones = sorted({joint for skin in self._file.skins for joint in skin.joints})
        if not bones:
            raise InputError(f"{self.path} holds no figure with bones.", "Give a rigged character.")
        index = {node: number for number, node in enumerate(bones)}
        parents = [next((index[above] for above in self.above(node)[1:] if above in index), -1) for node in bones]
        found = name_parts([self.names[node] for node in bones], parents, self.rest[bones, :3, 3], self.path)
        return {part: bones[bone] for part, bone in found.items()}


def read_map(path: Path) -> dict[str, str]:
    """A JSON object of SMPL's part names and the character's bone names. Raises InputError."""
    remedy = 'Write it as {"left_hip": "bone", ...}.'
    try:
        named = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read as JSON ({type(error).__name__}).", remedy) from error
    if not isinstance(named, dict) or not all(isinstance(name, str) for name in named.values()):
        raise InputError(f"{path} does not map parts to bones.", remedy)
    return named


def _read(path: Path) -> gltf.GLTF2:
    if not path.is_file():
        raise InputError(f"{path} {'is a folder where a file is meant' if path.exists() else 'does not exist'}.", _REMEDY)
    if path.suffix.lower() != ".fbx":
        return _read_glb(path, path)
    with TemporaryDirectory() as folder:
        made = Path(folder) / "character.glb"
        try:
            run_script(_FROM_FBX, path.resolve(), made)
        except OutputError as error:
            raise InputError(f"{path} cannot be read as FBX.", f"{_REMEDY} {error}") from error
        return _read_glb(made, path)


def _read_glb(file_read: Path, path: Path) -> gltf.GLTF2:
    """The glTF of a file, which came from ``path``."""
    try:
        file = gltf.GLTF2().load_binary(file_read)
    except Exception as error:  # of a parser that is fed anything
        raise InputError(f"{path} cannot be read as GLB ({type(error).__name__}).", _REMEDY) from error
    if file is None or not file.nodes or not all(_is_within(buffer) for buffer in file.buffers[1:]):
        raise InputError(f"{path} is no character in one file.", _REMEDY)
    return file


def _is_within(buffer: gltf.Buffer) -> bool:
    """Whether a buffer after the first needs no other file: it stands for what the first one holds compressed."""
    return buffer.uri is None and bool((buffer.extensions or {}).get(MESHOPT, {}).get("fallback"))


def _local(node: gltf.Node) -> Array:
    """(4, 4) of a node against its parent."""
    if node.matrix is not None:
        return np.array(node.matrix, float).reshape(4, 4).T
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_quat(node.rotation or [0, 0, 0, 1]).as_matrix() * (node.scale or [1, 1, 1])
    matrix[:3, 3] = node.translation or [0, 0, 0]
    return matrix
