"""Colours, by how far apart they look (Oklab: Ottosson, 2020)."""

from itertools import combinations

import numpy as np

from hmr_video.export.palette import PALETTE, person_color, srgb_to_linear

TO_CONES = np.array([[0.4122, 0.5363, 0.0514], [0.2119, 0.6807, 0.1074], [0.0883, 0.2817, 0.63]])
TO_LAB = np.array([[0.2105, 0.7936, -0.0041], [1.978, -2.4286, 0.4506], [0.0259, 0.7828, -0.8087]])


def oklab(color: tuple[int, int, int]) -> np.ndarray:
    return TO_LAB @ np.cbrt(TO_CONES @ srgb_to_linear(color))


def test_two_dozen_people_are_distinguished():
    assert len(set(PALETTE)) >= 24
    apart = [np.linalg.norm(oklab(one) - oklab(other)) for one, other in combinations(PALETTE, 2)]
    assert min(apart) > 0.06  # 0.02 is just seen
    first = [np.linalg.norm(oklab(one) - oklab(other)) for one, other in combinations(PALETTE[:6], 2)]
    assert min(first) > 0.12


def test_colours_can_be_shaded_and_written_on():
    lightness = [oklab(color)[0] for color in PALETTE]
    assert 0.55 < min(lightness) < max(lightness) < 0.9


def test_the_crowd_beyond_begins_anew():
    assert person_color(len(PALETTE)) == person_color(0)
