"""CRC-32C (Castagnoli), the checksum of LevelDB and of TensorFlow's bundles."""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

_POLYNOMIAL = np.uint32(0x82F63B78)  # reflected


def _make_table() -> NDArray[np.uint32]:
    """The CRC of each byte (256,)."""
    crc = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        crc = np.where(crc & 1, (crc >> 1) ^ _POLYNOMIAL, crc >> 1)
    return crc


_TABLE = _make_table()


def crc32c(data: NDArray[np.uint8]) -> int:
    """The checksum of a byte array."""
    return int(_crc32c(data, _TABLE)) ^ 0xFFFFFFFF


def masked(checksum: int) -> int:
    """LevelDB's disguise of a checksum that is stored beside its data: rotated by 15 bits, plus a constant."""
    return ((checksum >> 15 | checksum << 17) + 0xA282EAD8) & 0xFFFFFFFF


@numba.njit(cache=True)
def _crc32c(data: Any, table: Any) -> Any:
    crc = np.uint32(0xFFFFFFFF)
    for byte in data:
        crc = table[np.uint8(crc) ^ byte] ^ (crc >> np.uint32(8))
    return crc
