"""Each remedy can be left out, and what is left out does nothing."""

from importlib import import_module

import numpy as np
import pytest

from hmr_video.errors import UsageError
from hmr_video.evaluate.ablations import REMEDIES, without
from hmr_video.people.track import clean


@pytest.mark.parametrize("place", [place for remedy in REMEDIES.values() for place in remedy.places])
def test_every_place_is_one_that_is_called(place: str) -> None:
    module, _, name = place.removesuffix(".__call__").rpartition(".")
    assert callable(getattr(import_module(module), name))


def test_left_out_it_changes_nothing_and_afterwards_it_is_back() -> None:
    poses = np.random.default_rng(0).random((5, 17, 3))
    before = clean.settle_left_right
    with without(["sides", "knees"]):
        assert clean.settle_left_right(np.arange(5), np.zeros((5, 4)), poses, 30.0) is poses
    assert clean.settle_left_right is before


def test_an_unknown_remedy_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="no remedy called luck"), without(["luck"]):
        pass
