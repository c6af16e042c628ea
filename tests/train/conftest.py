"""What the tests of training share: a kill."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def train_until_killed() -> Callable[[Any, Any, int], None]:
    """Lets a trainer run until one of its samplers has drawn so many batches, and interrupts it there."""

    def until_killed(trainer: Any, sampler: Any, batches: int) -> None:
        draw, left = sampler.batch, iter(range(batches))

        def mortal(*which: int) -> Any:
            if next(left, None) is None:
                raise KeyboardInterrupt
            return draw(*which)

        sampler.batch = mortal
        with pytest.raises(KeyboardInterrupt):
            trainer.train()

    return until_killed
