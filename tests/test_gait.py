"""Strides of people who walk, slowed down and not at all."""

from pathlib import Path

import pytest

from hmr_video.gait import SLOW, stride_seconds
from hmr_video.motion import Motion

SAMPLES = Path(__file__).parents[1] / "samples"


@pytest.mark.parametrize("slower", [1.0, 2.0])
def test_strides_of_two_who_walk(slower: float) -> None:
    for name in ("two_crossing_01", "two_crossing_02"):
        motion = Motion.load(SAMPLES / f"{name}.npz")
        found = stride_seconds(motion.replace(frame_rate=motion.frame_rate / slower))
        assert found is not None
        assert 1.0 < found / slower < 1.5
        assert (found > SLOW) == (slower > 1)


def test_who_dances_or_stands_walks_not(motion: Motion) -> None:
    assert stride_seconds(Motion.load(SAMPLES / "one_person.npz")) is None
    still = {name: getattr(motion, name)[:1].repeat(len(motion), 0) for name in ("poses", "trans", "joints3d")}
    assert stride_seconds(motion.replace(**still)) is None
