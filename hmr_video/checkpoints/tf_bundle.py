"""Reads TensorFlow V2 checkpoint bundles (``PREFIX.index``, ``PREFIX.data-0000k-of-0000n``) without TensorFlow.

The index is a LevelDB table: blocks of sorted keys with shared prefixes, each block followed by a type byte and a masked
CRC-32C. Its values are BundleEntryProto messages that say where in the data files a variable lies. Format facts from LevelDB's
table_format.md and TensorFlow's tensor_bundle.proto.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from google_crc32c import value as crc32c_of
from numpy.typing import NDArray

from hmr_video.errors import InputError

_FOOTER_SIZE = 48
_TRAILER_SIZE = 5  # type byte and CRC-32C of a block
_MAGIC = 0xDB4775248B80FB57
_DTYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 19: "<f2"}  # DataType of types.proto
_REMEDY = "Give the prefix of a complete checkpoint, for instance model.ckpt-1119816, and download it again if it is damaged."


@dataclass(frozen=True)
class Variable:
    """Where a variable lies: ``size`` bytes from ``offset`` of data file ``shard``."""

    dtype: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int
    sliced: bool


class Bundle:
    """An opened checkpoint: ``variables`` by name, and :meth:`read`. Raises InputError for whatever is missing, cut or wrong."""

    def __init__(self, prefix: Path) -> None:
        prefix = prefix.with_name(prefix.name.removesuffix(".index"))
        self.index_path = prefix.with_name(f"{prefix.name}.index")
        content = _content_of(self.index_path)
        try:
            entries = dict(_table_entries(content))
            header = _fields(entries.pop(b""))
            self.shards = _integer(header, 1)
            little_endian = _integer(header, 2) == 0
            self.variables = {key.decode(): _variable(value) for key, value in entries.items()}
        except (_Damage, KeyError, IndexError, ValueError, struct.error) as error:
            reason = str(error) if isinstance(error, _Damage) else "it ends early or holds nonsense"
            raise InputError(f"{self.index_path} is not the index of a TensorFlow checkpoint: {reason}.", _REMEDY) from error
        if not little_endian:
            raise InputError(f"{self.index_path} was written on a big-endian machine.", "Save the checkpoint again elsewhere.")
        self.data_paths = [
            prefix.with_name(f"{prefix.name}.data-{shard:05d}-of-{self.shards:05d}") for shard in range(self.shards)
        ]
        for variable in self.variables.values():
            self._check_extent(variable)

    def read(self, name: str) -> NDArray[Any]:
        """One variable, its checksum compared. Raises InputError."""
        variable = self.variables[name]
        path = self.data_paths[variable.shard]
        dtype = _DTYPES.get(variable.dtype)
        if dtype is None or variable.sliced:
            raise InputError(f"{name} is stored in a way that is not supported (partitioned, or no number).", _REMEDY)
        count = variable.size // np.dtype(dtype).itemsize
        values = np.fromfile(path, dtype, count, offset=variable.offset)
        if _masked_crc(values.view(np.uint8).tobytes()) != variable.checksum:
            raise InputError(f"{path} is damaged: the checksum of {name} is wrong.", _REMEDY)
        if count != np.prod(variable.shape, dtype=np.int64):
            raise InputError(f"{name} has {count} numbers, which do not fill the shape {variable.shape}.", _REMEDY)
        return values.reshape(variable.shape)

    def _check_extent(self, variable: Variable) -> None:
        """Raises InputError unless the variable lies within its data file."""
        path = self.data_paths[variable.shard]
        if not path.is_file():
            raise InputError(f"{path} is missing beside {self.index_path.name}.", _REMEDY)
        length, needed = path.stat().st_size, variable.offset + variable.size
        if length < needed:
            raise InputError(f"{path} is truncated: of at least {needed} bytes only {length} are there.", _REMEDY)


class _Damage(Exception):
    """What is wrong with a file, as the end of a sentence."""


def _content_of(path: Path) -> bytes:
    if not path.is_file():
        raise InputError(f"{path} does not exist.", _REMEDY)
    return path.read_bytes()


def _table_entries(table: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of a LevelDB table, in order."""
    if len(table) < _FOOTER_SIZE or struct.unpack("<Q", table[-8:])[0] != _MAGIC:
        raise _Damage("the mark at its end is missing (another kind of file, or a truncated one)")
    footer = table[-_FOOTER_SIZE:]
    _, position = _block_handle(footer, 0)  # of the metaindex, which is empty
    index_handle, _ = _block_handle(footer, position)
    for _, value in _block_entries(_block(table, index_handle)):
        handle, _ = _block_handle(value, 0)
        yield from _block_entries(_block(table, handle))


def _block_handle(data: bytes, position: int) -> tuple[tuple[int, int], int]:
    """((offset, size), position after it)."""
    offset, position = _varint(data, position)
    size, position = _varint(data, position)
    return (offset, size), position


def _block(table: bytes, handle: tuple[int, int]) -> bytes:
    offset, size = handle
    stored = table[offset : offset + size + _TRAILER_SIZE]
    if len(stored) < size + _TRAILER_SIZE:
        raise _Damage("a block lies beyond its end")
    if stored[size] != 0:
        raise _Damage("its blocks are compressed")
    if _masked_crc(stored[: size + 1]) != struct.unpack("<I", stored[size + 1 :])[0]:
        raise _Damage("the checksum of a block is wrong")
    return stored[:size]


def _block_entries(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Entries (shared length, own length, value length, own key bytes, value) up to the list of restart points."""
    restarts = struct.unpack("<I", block[-4:])[0]
    end = len(block) - 4 * (restarts + 1)
    position, key = 0, b""
    while position < end:
        shared, position = _varint(block, position)
        own, position = _varint(block, position)
        length, position = _varint(block, position)
        key = key[:shared] + block[position : position + own]
        position += own
        yield key, block[position : position + length]
        position += length


def _varint(data: bytes, position: int) -> tuple[int, int]:
    """(value, position after it) of a little-endian base-128 number."""
    value = shift = 0
    while True:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position


_Fields = dict[int, list[int | bytes]]


def _fields(message: bytes) -> _Fields:
    """Field number -> values of a protocol buffer message, in order."""
    fields: _Fields = {}
    position = 0
    value: int | bytes
    while position < len(message):
        tag, position = _varint(message, position)
        kind = tag & 7
        if kind == 0:
            value, position = _varint(message, position)
        elif kind == 2:
            length, position = _varint(message, position)
            value, position = message[position : position + length], position + length
        elif kind in (1, 5):
            width = 8 if kind == 1 else 4
            value, position = int.from_bytes(message[position : position + width], "little"), position + width
        else:
            raise _Damage("an entry holds a field of an unknown kind")
        fields.setdefault(tag >> 3, []).append(value)
    return fields


def _integer(fields: _Fields, number: int) -> int:
    """An integer field; protocol buffers leave zeros out."""
    value = fields.get(number, [0])[-1]
    if isinstance(value, bytes):
        raise _Damage("an entry holds text where a number is meant")
    return value


def _messages(fields: _Fields, number: int) -> list[_Fields]:
    return [_fields(value) for value in fields.get(number, []) if isinstance(value, bytes)]


def _variable(entry: bytes) -> Variable:
    """A BundleEntryProto: 1 dtype, 2 shape (2 dim (1 size)), 3 shard, 4 offset, 5 size, 6 CRC-32C, 7 slices."""
    fields = _fields(entry)
    dims = [dim for shape in _messages(fields, 2) for dim in _messages(shape, 2)]
    return Variable(
        dtype=_integer(fields, 1),
        shape=tuple(_integer(dim, 1) for dim in dims),
        shard=_integer(fields, 3),
        offset=_integer(fields, 4),
        size=_integer(fields, 5),
        checksum=_integer(fields, 6),
        sliced=7 in fields,
    )


def _masked_crc(data: bytes) -> int:
    """The CRC-32C of ``data`` as LevelDB stores it beside them: rotated by 15 bits, plus a constant."""
    checksum = int(crc32c_of(data))
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF
