"""What the tests of experiments share: a small film."""

from collections.abc import Callable

import pytest

from hmr_video.synth.film.filmed import Film


@pytest.fixture
def small_film(perfect_film: Callable[..., Film]) -> Callable[[int], Film]:
    """Makes films of so many frames, of people who are seen where they are, their left wrist hardly."""

    def film(frames: int) -> Film:
        made = perfect_film(3, frames, every=3)
        made.detections[:, :, 9, 2] = 0.05
        return made

    return film
