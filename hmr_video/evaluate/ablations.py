"""The line without one of its remedies, for measuring what each is worth: `evaluate --without NAME`.

A remedy is a function that takes what the step before it made and gives it back mended. Left out, it gives it back as it was.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import torch

from hmr_video.errors import UsageError


@dataclass(frozen=True)
class Remedy:
    """Where the line calls a remedy, and what stands for it when it is left out."""

    places: tuple[str, ...]
    left_out: Callable[..., Any]


def _first(value: Any, *_: Any, **__: Any) -> Any:
    return value


def _as_they_were(tracklets: Sequence[Any], *_: Any) -> list[Any]:
    return list(tracklets)


_MENDING = "hmr_video.people.track.mending."
_CLEANING = "hmr_video.people.track.clean."
REMEDIES = {
    "turned": Remedy(("hmr_video.people.detect.lying.RotatedPass.__call__",), lambda look, frame, found: found),
    "tilted": Remedy(("hmr_video.people.detect.detector.tilted_pass",), lambda find, frame, found: found),
    "mistaken": Remedy((_MENDING + "reassign_detections",), _as_they_were),
    "crossing": Remedy((_MENDING + "undo_identity_switches",), _as_they_were),
    "joining": Remedy((_MENDING + "join_broken",), _as_they_were),
    "doubles": Remedy((_MENDING + "drop_doubles",), _as_they_were),
    "onlookers": Remedy((_CLEANING + "drop_onlookers",), _as_they_were),
    "sides": Remedy((_CLEANING + "settle_left_right",), lambda ids, boxes, keypoints, rate: keypoints),
    "landmark-sides": Remedy(
        ("hmr_video.people.keypoints.landmarks.settle_left_right",), lambda ids, boxes, keypoints, rate: keypoints
    ),
    "border": Remedy(("hmr_video.reconstruction.bodies.within_picture",), _first),
    "knees": Remedy(("hmr_video.reconstruction.bodies.raise_knee_confidence",), _first),
    "girth": Remedy(("hmr_video.reconstruction.bodies.with_girth",), _first),
    "calming": Remedy(("hmr_video.reconstruction.refine.calmed",), _first),
    "tempo": Remedy(("hmr_video.reconstruction.refine.tempo",), lambda estimate, times, body: torch.ones(len(times))),
    "hands": Remedy(("hmr_video.world.hands.join_hands",), _first),
    "feet": Remedy(tuple(f"hmr_video.world.floor.{name}" for name in ("lay_feet_flat", "plant", "hold_feet")), _first),
}
EACH = "each"


@contextmanager
def without(names: Sequence[str]) -> Iterator[None]:
    """Inside, the line runs without these remedies, in this process. Raises UsageError for names that are none."""
    unknown = [name for name in names if name not in REMEDIES]
    if unknown:
        raise UsageError(
            f"There is no remedy called {', '.join(unknown)}.",
            f"Choose of {', '.join(REMEDIES)}; {EACH} leaves out one at a time.",
        )
    with ExitStack() as stack:
        for remedy in (REMEDIES[name] for name in names):
            for place in remedy.places:
                stack.enter_context(patch(place, remedy.left_out))
        yield
