import pytest

from hmr_video.errors import InputError
from hmr_video.mocap.holdout import split


def test_the_samples_are_in_neither_part() -> None:
    names = ["cmu_dance/indian_04_2", "cmu_locomotion/39_07", "cmu_locomotion/16_15", "reactidle/014_acted"]
    assert split(names) == (["cmu_locomotion/16_15"], ["cmu_locomotion/39_07", "reactidle/014_acted"])


def test_of_unknown_motion_a_tenth_validates() -> None:
    names = [f"mine/{number:02d}" for number in range(25)]
    training, validation = split(names)
    assert validation == ["mine/09", "mine/19"]
    assert sorted(training + validation) == names
    assert split(["a/1", "a/2"]) == (["a/1"], ["a/2"])


def test_one_clip_cannot_be_split() -> None:
    with pytest.raises(InputError):
        split(["a/1"])
