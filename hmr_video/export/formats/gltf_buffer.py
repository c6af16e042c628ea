"""The binary part of a glTF file: read, and grown array by array."""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib as gltf
from numpy.typing import DTypeLike

from hmr_video.motion import Array

_COMPONENTS: dict[np.dtype[Any], int] = {
    np.dtype(np.int8): gltf.BYTE,
    np.dtype(np.int16): gltf.SHORT,
    np.dtype(np.uint8): gltf.UNSIGNED_BYTE,
    np.dtype(np.uint16): gltf.UNSIGNED_SHORT,
    np.dtype(np.uint32): gltf.UNSIGNED_INT,
    np.dtype(np.float32): gltf.FLOAT,
}
MESHOPT = "EXT_meshopt_compression"
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}


def read_accessor(file: gltf.GLTF2, number: int) -> Array | None:
    """The values (N, C) of an accessor, floating point where they are normalised; None where they are compressed."""
    accessor = file.accessors[number]
    if accessor.bufferView is None:
        return None
    view, width = file.bufferViews[accessor.bufferView], _WIDTHS[accessor.type]
    if MESHOPT in (view.extensions or {}):
        return None
    kind = next(kind for kind, component in _COMPONENTS.items() if component == accessor.componentType)
    stride = view.byteStride or width * kind.itemsize
    start = (view.byteOffset or 0) + (accessor.byteOffset or 0)
    rows = np.lib.stride_tricks.as_strided(
        np.frombuffer(file.binary_blob(), np.uint8)[start:], (accessor.count, width * kind.itemsize), (stride, 1)
    )
    values = np.ascontiguousarray(rows).view(kind)
    return np.maximum(values / np.iinfo(kind).max, -1) if accessor.normalized else values


def add_channel(animation: gltf.Animation, node: int, path: str, keys: int, values: int, interpolation: str = "LINEAR") -> None:
    """Animates what ``path`` names of a node; ``keys``, ``values``: accessors of the times and of what it is then."""
    animation.samplers.append(gltf.AnimationSampler(input=keys, output=values, interpolation=interpolation))
    target = gltf.AnimationChannelTarget(node=node, path=path)
    animation.channels.append(gltf.AnimationChannel(sampler=len(animation.samplers) - 1, target=target))


def save_glb(file: gltf.GLTF2, target: Path) -> None:
    """Writes a binary glTF. pygltflib's own way puts all buffers into one, those too that only stand for compressed data."""
    text, blob = file.gltf_to_json().encode(), file.binary_blob() or b""
    chunks = [(b"JSON", text + b" " * (-len(text) % 4)), (b"BIN\0", blob + bytes(-len(blob) % 4))]
    body = b"".join(struct.pack("<I", len(data)) + kind + data for kind, data in chunks)
    target.write_bytes(b"glTF" + struct.pack("<II", 2, 12 + len(body)) + body)


class BufferBuilder:
    """Collects arrays for one file: each becomes a bufferView and an accessor, aligned to 4 bytes."""

    def __init__(self, file: gltf.GLTF2, data: bytes = b"") -> None:
        """``data``: what the file has already, to which is added."""
        self._file = file
        self._data = bytearray(data + bytes(-len(data) % 4))

    def add(
        self,
        values: Array,
        dtype: DTypeLike,
        target: int | None = None,
        normalized: bool = False,
        bounds: bool = False,
    ) -> int:
        """Appends ``values`` (N,) or (N, C), stored as ``dtype``; returns the accessor's number.

        target: the buffer's use, for meshes; bounds: state minimum and maximum.
        """
        array = np.ascontiguousarray(values, dtype=dtype)
        columns = array.size // len(array)
        view = gltf.BufferView(buffer=0, byteOffset=len(self._data), byteLength=array.nbytes, target=target)
        self._data += array.tobytes() + bytes(-array.nbytes % 4)
        accessor = gltf.Accessor(
            bufferView=len(self._file.bufferViews),
            componentType=_COMPONENTS[array.dtype],
            count=len(array),
            type=next(kind for kind, width in _WIDTHS.items() if width == columns),
            normalized=normalized or None,
        )
        if bounds:
            accessor.min = np.atleast_1d(array.min(axis=0)).tolist()
            accessor.max = np.atleast_1d(array.max(axis=0)).tolist()
        self._file.bufferViews.append(view)
        self._file.accessors.append(accessor)
        return len(self._file.accessors) - 1

    def add_times(self, seconds: Array) -> int:
        """Appends the times (N,) of keys; returns the accessor's number."""
        return self.add(seconds, np.float32, bounds=True)

    def finish(self) -> None:
        """Hands the bytes to the file."""
        self._file.buffers[:1] = [gltf.Buffer(byteLength=len(self._data))]
        self._file.set_binary_blob(bytes(self._data))
