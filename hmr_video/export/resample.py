"""Motions at one rate: for formats that know no times, and for who asks for another rate than the video's."""

import numpy as np
import torch

from hmr_video.export.actors import matrices
from hmr_video.export.registry import ExportOptions
from hmr_video.geometry.rotations import matrix_to_axis_angle, slerp
from hmr_video.motion import Array, Motion

_EVEN = 0.1  # of a frame's duration that a frame may be off before the frames are not evenly spaced
_STEADY = 0.9  # of the steps between frames, at least, are as a rate says that means something
_CLOSE = 0.1  # of the steps are shorter than one that loses hardly anything
_USUAL = (10.0, 12.0, 15.0, 24.0, 25.0, 30.0, 48.0, 50.0, 60.0, 90.0, 120.0)  # frames a second
_NEAR = 0.03  # of a rate, within which it means a usual one


def evenly(motion: Motion, options: ExportOptions) -> Motion:
    """The motion for a format of one frame rate, which is its ``frame_rate``.

    Frames that are not evenly spaced are resampled, which is noted.
    """
    if is_even(motion):
        return motion
    rate = close_rate(motion)
    options.reporter.note(
        f"The frames are not evenly spaced: for formats of one rate they were resampled to {rate:.6g} a second."
    )
    return resampled(motion, rate)


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


def resampled(motion: Motion, frame_rate: float) -> Motion:
    """The motion at equally spaced times from its first to its last, numbered by them: rotations by slerp, the rest linearly.

    Landmarks, of which some frames may have none, are those of the frame before.
    """
    times = motion.timestamps - motion.timestamps[0]
    wanted = np.arange(int(np.floor(times[-1] * frame_rate + 1e-6)) + 1) / frame_rate
    before, weight = _brackets(times, wanted)
    after = np.minimum(before + 1, len(times) - 1)

    def turned(poses: Array) -> Array:
        start, end = torch.from_numpy(matrices(poses[before])), torch.from_numpy(matrices(poses[after]))
        between = slerp(start, end, torch.from_numpy(weight)[:, None].expand(-1, 24))
        return matrix_to_axis_angle(between).reshape(-1, 72).numpy()

    def moved(values: Array) -> Array:
        part = weight.reshape(-1, *[1] * (values.ndim - 1))
        return values[before] + part * (values[after] - values[before])

    rotations = {name: turned(getattr(motion, name)) for name in ("poses", "poses_past", "poses_future")}
    places = {name: moved(getattr(motion, name)) for name in ("trans", "confidence", "boxes", "joints3d")}
    return motion.replace(
        **rotations,
        **places,
        landmarks2d=motion.landmarks2d[before],
        frame_ids=round(motion.timestamps[0] * frame_rate) + np.arange(len(wanted)),
        timestamps=motion.timestamps[0] + wanted,
        frame_rate=frame_rate,
    )


def _brackets(times: Array, wanted: Array) -> tuple[Array, Array]:
    """For each wanted time the index of the sample at or before it, and how far on (0..1) the next one it lies."""
    before = np.clip(np.searchsorted(times, wanted, side="right") - 1, 0, max(len(times) - 2, 0))
    span = times[np.minimum(before + 1, len(times) - 1)] - times[before]
    weight = np.where(span > 0, (wanted - times[before]) / np.where(span > 0, span, 1.0), 0.0)
    return before, np.clip(weight, 0.0, 1.0)
