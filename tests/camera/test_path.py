"""A camera that moves is told from one that stands, by the background."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from hmr_video.people import People, Track
from hmr_video.video import Chunk, VideoInfo
from hmr_video.world.camera_motion import Watch

LENGTH, WIDTH, HEIGHT, RATE = 60, 640, 360, 30.0


class Scene:
    """A reader of made-up video: a textured wall, panned by ``speed`` pixels a frame with a hand's ``sway`` (pixels), and one
    who walks before it."""

    def __init__(self, speed: float, sway: float = 0.0) -> None:
        generator = np.random.default_rng(0)
        coarse = generator.integers(0, 255, (HEIGHT // 12, 2 * WIDTH // 12), np.uint8)
        self._wall = cv2.resize(coarse, (2 * WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
        self._person = cv2.resize(generator.integers(0, 255, (20, 10), np.uint8), (160, 320), interpolation=cv2.INTER_CUBIC)
        self._noise = generator
        self._speed, self._sway = speed, sway
        self.info = VideoInfo(Path("made-up"), WIDTH, HEIGHT, RATE, LENGTH, None, "none")

    def people(self) -> People:
        left = 4.0 * np.arange(LENGTH) + 20
        boxes = np.stack([left, np.full(LENGTH, 20.0), left + 160, np.full(LENGTH, 340.0)], 1)
        track = Track(np.arange(LENGTH), boxes, np.zeros((LENGTH, 17, 3)), np.ones(LENGTH, bool))
        return People([track], (WIDTH, HEIGHT), RATE, np.arange(LENGTH) / RATE)

    def frame(self, number: int) -> np.ndarray:
        across, down = self._sway * np.sin([number / 5, number / 7])
        shift = np.array([[1.0, 0, across - self._speed * number], [0, 1, down]])
        image = cv2.warpAffine(self._wall, shift, (WIDTH, HEIGHT)).astype(float)
        left = 4 * number + 20
        image[20:340, left : left + 160] = self._person
        image += self._noise.normal(0, 3, image.shape)
        return np.repeat(image.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)

    def chunks(self, size: int = 32) -> Iterator[Chunk]:
        for start in range(0, LENGTH, size):
            ids = np.arange(start, min(LENGTH, start + size))
            yield Chunk(np.stack([self.frame(number) for number in ids]), ids, ids / RATE)


@pytest.mark.parametrize(
    ("speed", "sway", "moving"),
    [(0.0, 0.0, False), (0.6, 0.0, True), (5.0, 0.0, True), (0.0, 4.0, False), (0.6, 4.0, True), (0.0, 20.0, True)],
)
def test_a_pan_is_told_from_a_tripod_and_from_an_unsteady_hand(speed: float, sway: float, moving: bool) -> None:
    scene = Scene(speed, sway)
    watch = Watch(scene)
    frames = sum(len(chunk) for chunk in watch.chunks(16))
    assert frames == LENGTH
    assert watch.camera_moves(scene.people()) is moving


def test_a_background_without_features_says_nothing() -> None:
    scene = Scene(5.0)
    scene._wall[:] = 128
    scene._noise = np.random.default_rng(1)
    watch = Watch(scene)
    scene._person[:] = 128
    scene.frame = lambda number: np.full((HEIGHT, WIDTH, 3), 128, np.uint8)  # type: ignore[method-assign]
    for _ in watch.chunks():
        pass
    assert watch.camera_moves(scene.people()) is False
