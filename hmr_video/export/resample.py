"""Frames at one rate, for formats that know no times."""

from dataclasses import replace

import numpy as np
import torch

from hmr_video.export.actors import Actor
from hmr_video.export.registry import ExportOptions
from hmr_video.geometry.rotations import slerp
from hmr_video.motion import Array, Motion

_EVEN = 0.1  # of a frame's duration that a frame may be off before the frames are not evenly spaced
_STEADY = 0.9  # of the steps between frames, at least, are as a rate says that means something
_CLOSE = 0.1  # of the steps are shorter than one that loses hardly anything
_USUAL = (10.0, 12.0, 15.0, 24.0, 25.0, 30.0, 48.0, 50.0, 60.0, 90.0, 120.0)  # frames a second
_NEAR = 0.03  # of a rate, within which it means a usual one


def evenly(actor: Actor, options: ExportOptions) -> tuple[Actor, float]:
    """The actor for a format of one frame rate, and that rate: the one asked for, else the source's own.

    Frames that are not evenly spaced are resampled, which is noted.
    """
    motion = actor.motion
    if options.frame_rate is not None:
        return resampled(actor, options.frame_rate), options.frame_rate
    if is_even(motion):
        return actor, motion.frame_rate
    rate = close_rate(motion)
    options.reporter.note(f"The frames are not evenly spaced: for BVH and AMASS they were resampled to {rate:.6g} a second.")
    return resampled(actor, rate), rate


def is_even(motion: Motion) -> bool:
    """Whether every frame is where the frame rate alone would put it."""
    off = motion.timestamps - motion.timestamps[0] - np.arange(len(motion)) / motion.frame_rate
    return bool(np.abs(off).max() <= _EVEN / motion.frame_rate)


def close_rate(motion: Motion) -> float:
    """A rate that loses nothing: the nominal one where most frames keep it, else about that of the frames which are closest."""
    steps = np.diff(motion.timestamps)
    if np.mean(np.abs(steps * motion.frame_rate - 1) < _EVEN) >= _STEADY:
        return motion.frame_rate
    rate = 1.0 / float(np.quantile(steps, _CLOSE))
    usual = min(_USUAL, key=lambda usual: abs(usual - rate))
    return usual if abs(usual / rate - 1) < _NEAR else rate


def resampled(actor: Actor, frame_rate: float) -> Actor:
    """The actor at equally spaced times from its first to its last, rotations by slerp.

    Only ``rotations`` and ``trans`` change: ``motion`` stays that of the source frames.
    """
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
