"""One colour per person, the same in every picture and file."""

import numpy as np

from hmr_video.motion import Array

# sRGB. Muted, apart from each other for colour-blind eyes too, and bright enough to be shaded.
PALETTE = (
    (0x6C, 0x9B, 0xD9), (0xE8, 0x9C, 0x5A), (0x7F, 0xB8, 0x8F), (0xD0, 0x7C, 0x9A), (0xD9, 0xC1, 0x62),
    (0x8E, 0x84, 0xC9), (0x6F, 0xBF, 0xC4), (0xB9, 0x8B, 0x72), (0xA8, 0xB8, 0x5C), (0xC9, 0x9B, 0xC9),
)  # fmt: skip


def person_color(index: int) -> tuple[int, int, int]:
    """sRGB, 0..255, of person ``index`` (0-based)."""
    return PALETTE[index % len(PALETTE)]


def srgb_to_linear(color: tuple[int, int, int]) -> Array:
    """sRGB 0..255 -> linear light 0..1, (3,) float64 (IEC 61966-2-1)."""
    encoded = np.asarray(color) / 255
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
