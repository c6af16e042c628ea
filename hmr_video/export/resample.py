"""Other frame rates, for formats that know only one."""

from dataclasses import replace

import numpy as np
import torch

from hmr_video.export.actors import Actor
from hmr_video.geometry.rotations import slerp
from hmr_video.motion import Array


def resampled(actor: Actor, frame_rate: float | None) -> Actor:
    """The actor at equally spaced times from its first to its last, rotations by slerp; itself when ``frame_rate`` is None.

    Only ``rotations`` and ``trans`` change: ``motion`` stays that of the source frames.
    """
    if frame_rate is None:
        return actor
    times = actor.motion.timestamps - actor.motion.timestamps[0]
    count = int(np.floor(times[-1] * frame_rate + 1e-6)) + 1
    before, weight = _brackets(times, np.arange(count) / frame_rate)
    after = np.minimum(before + 1, len(times) - 1)
    start, end = torch.from_numpy(actor.rotations[before]), torch.from_numpy(actor.rotations[after])
    rotations = slerp(start, end, torch.from_numpy(weight)[:, None].expand(-1, 24)).numpy()
    trans = actor.trans[before] + weight[:, None] * (actor.trans[after] - actor.trans[before])
    return replace(actor, rotations=rotations, trans=trans)


def _brackets(times: Array, wanted: Array) -> tuple[Array, Array]:
    """For each wanted time the index of the sample at or before it, and how far on (0..1) the next one it lies."""
    before = np.clip(np.searchsorted(times, wanted, side="right") - 1, 0, max(len(times) - 2, 0))
    span = times[np.minimum(before + 1, len(times) - 1)] - times[before]
    weight = np.where(span > 0, (wanted - times[before]) / np.where(span > 0, span, 1.0), 0.0)
    return before, np.clip(weight, 0.0, 1.0)
