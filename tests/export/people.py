"""Results made of others: the people that files have to hold."""

import numpy as np

from hmr_video.motion import Motion


def two(motions: list[Motion]) -> list[Motion]:
    return motions


def ten(motions: list[Motion]) -> list[Motion]:
    """Five pairs side by side, whose second comes later."""
    pair = [motions[0].rows(slice(6, 9)), motions[1].rows(slice(1, 4))]
    return [_moved(one, np.float32([0.8 * number, 0, 0.1 * number])) for number, one in enumerate(pair * 5)]


def one_frame(motions: list[Motion]) -> list[Motion]:
    return [motions[0].rows(slice(5, 6))]


def variable_rate(motions: list[Motion]) -> list[Motion]:
    """Frames of a clock that starts at second 7 and runs unevenly."""
    clock = 7 + np.cumsum(np.random.default_rng(1).uniform(0.6, 1.6, 30)) / 25
    return [motion.replace(timestamps=clock[motion.frame_ids]) for motion in motions]


def gone_and_back(motions: list[Motion]) -> list[Motion]:
    """Somebody who is another when coming back, with nobody there meanwhile."""
    return [motions[0].rows(slice(0, 5)), motions[0].rows(slice(14, 19))]


def _moved(motion: Motion, shift: np.ndarray) -> Motion:
    return motion.replace(trans=motion.trans + shift, joints3d=motion.joints3d + shift)


CASTS = (two, ten, one_frame, variable_rate, gone_and_back)
