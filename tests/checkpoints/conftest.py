"""A writer of TensorFlow V2 bundles, for the reader to be tested with."""

import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

DTYPES = {"float32": 1, "float64": 2, "int32": 3, "int64": 9, "float16": 19}


def crc32c_masked(data: bytes) -> int:
    """Bit by bit, as the polynomial is defined."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) % 2**32


def varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value) if value else b""


def message(field: int, content: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(content)) + content


class Table:
    """A LevelDB table with a few keys to a block."""

    def __init__(self) -> None:
        self.content = b""

    def block(self, entries: list[tuple[bytes, bytes]]) -> bytes:
        """Appends a block; returns its handle."""
        body, previous = b"", b""
        for key, value in entries:
            differs = [a != b for a, b in zip(key, previous, strict=False)]
            shared = [*differs, True].index(True)
            body += varint(shared) + varint(len(key) - shared) + varint(len(value)) + key[shared:] + value
            previous = key
        body += struct.pack("<II", 0, 1)
        handle = varint(len(self.content)) + varint(len(body))
        self.content += body + b"\0" + struct.pack("<I", crc32c_masked(body + b"\0"))
        return handle

    def finish(self, entries: list[tuple[bytes, bytes]]) -> bytes:
        blocks = [entries[i : i + 5] for i in range(0, len(entries), 5)]
        index = [(block[-1][0], self.block(block)) for block in blocks]
        footer = self.block([]) + self.block(index)
        return self.content + footer.ljust(40, b"\0") + struct.pack("<Q", 0xDB4775248B80FB57)


def write(
    prefix: Path, arrays: Mapping[str, np.ndarray], checksum: Callable[[bytes], int] = crc32c_masked, shards: int = 2
) -> None:
    """Writes PREFIX.index and its data files, the variables dealt out over the shards in turn."""
    data = [bytearray() for _ in range(shards)]
    entries = [(b"", number(1, shards) + message(3, number(1, 1)))]
    for i, name in enumerate(sorted(arrays)):
        array = np.asarray(arrays[name])
        content = array.tobytes()
        shape = b"".join(message(2, number(1, size)) for size in array.shape)
        place = number(3, i % shards) + number(4, len(data[i % shards])) + number(5, len(content))
        crc = varint(6 << 3 | 5) + struct.pack("<I", crc32c_masked(content))
        entries.append((name.encode(), number(1, DTYPES[array.dtype.name]) + message(2, shape) + place + crc))
        data[i % shards] += content
    prefix.with_name(f"{prefix.name}.index").write_bytes(Table().finish(entries))
    for shard, written in enumerate(data):
        prefix.with_name(f"{prefix.name}.data-{shard:05d}-of-{shards:05d}").write_bytes(written)


@pytest.fixture
def write_bundle() -> Callable[..., None]:
    return write
