"""Motions at one rate: for formats that know no times, and for who asks for another rate than the video's."""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.ndimage import maximum_filter1d

from hmr_video.export.registry import ExportOptions
from hmr_video.geometry.rotations import matrix_to_axis_angle, pose_matrices, slerp
from hmr_video.motion import Array, Motion
from hmr_video.reconstruction.quality import accelerations

_EVEN = 0.1  # of a frame's duration that a frame may be off before the frames are not evenly spaced
_REGULAR_SHARE = 0.9  # of the steps between frames, at least, are as a rate says that means something
_CLOSE = 0.1  # of the steps are shorter than one that loses hardly anything
_USUAL = (10.0, 12.0, 15.0, 24.0, 25.0, 30.0, 48.0, 50.0, 60.0, 90.0, 120.0)  # frames a second
_NEAR = 0.03  # of a rate, within which it means a usual one
_ENDS = (7, 8, 20, 21)  # ankles and wrists
_SHARP = 35.0  # m/s^2
_MOMENT = 0.1  # seconds around, of which the sharpest frame is taken
_STEPPED_OVER = 0.05  # of a step, from which a moment is
_GIVES_WAY = 3  # frames before and after a moment, which are moved with it, less and less
_EXACT = 1e-6  # of a frame, by which a time may be off without being another


def evenly(motions: Sequence[Motion], options: ExportOptions) -> list[Motion]:
    """The motions for a format of one frame rate, which is the ``frame_rate`` of all, and of one clock.

    Frames that are not evenly spaced are resampled, which is noted.
    """
    zero = min(motion.timestamps[0] for motion in motions)
    if all(_keeps_clock(motion, zero) for motion in motions):
        return list(motions)
    rate = max(close_rate(motion) for motion in motions)
    options.reporter.note(
        f"The frames are not evenly spaced: where a format has one rate they are resampled to {rate:.6g} a second."
    )
    return [resampled(motion, rate, zero) for motion in motions]


def _keeps_clock(motion: Motion, zero: float) -> bool:
    """Whether every frame is where the frame rate alone would put it, the first a whole number of frames after ``zero`` (s)."""
    frames = (motion.timestamps - zero) * motion.frame_rate
    late = np.append(frames - frames[0] - np.arange(len(motion)), frames[0] - np.round(frames[0]))
    return bool(np.abs(late).max() <= _EVEN)


def close_rate(motion: Motion) -> float:
    """A rate that loses nothing: the nominal one where most frames keep it, else about that of the frames which are closest."""
    steps = np.diff(motion.timestamps)
    if np.mean(np.abs(steps * motion.frame_rate - 1) < _EVEN) >= _REGULAR_SHARE:
        return motion.frame_rate
    rate = 1.0 / float(np.quantile(steps, _CLOSE))
    usual = min(_USUAL, key=lambda usual: abs(usual - rate))
    return usual if abs(usual / rate - 1) < _NEAR else rate


def resampled(motion: Motion, frame_rate: float, zero: float) -> Motion:
    """The motion at equally spaced times from its first to its last, one of which is, or would be, the second ``zero``.

    Rotations by slerp, the rest linearly; landmarks, of which some frames may have none, are those of the frame before. Frames
    are numbered from ``zero`` on. Sharp moments are not stepped over: the time nearest to one shows it, at most half a step early
    or late.
    """
    times = motion.timestamps - zero
    first, last = np.ceil(times[0] * frame_rate - _EXACT), np.floor(times[-1] * frame_rate + _EXACT)
    numbers = np.arange(first, max(first, last) + 1)
    wanted = numbers / frame_rate
    before, weight = _brackets(times, _drawn_to(sharp_moments(motion) - zero, wanted, 1 / frame_rate))
    after = np.minimum(before + 1, len(times) - 1)

    def turned(poses: Array) -> Array:
        between = slerp(
            pose_matrices(poses[before]), pose_matrices(poses[after]), torch.from_numpy(weight)[:, None].expand(-1, 24)
        )
        return matrix_to_axis_angle(between).reshape(-1, 72).numpy()

    def moved(values: Array) -> Array:
        part = weight.reshape(-1, *[1] * (values.ndim - 1))
        return values[before] + part * (values[after] - values[before])

    rotations = {name: turned(getattr(motion, name)) for name in ("poses", "poses_past", "poses_future")}
    places = {name: moved(getattr(motion, name)) for name in ("trans", "confidence", "boxes", "joints3d")}
    if motion.zoom is not None:
        places["zoom"] = moved(motion.zoom)
    if motion.world_from_camera is not None:
        places["world_from_camera"] = world = moved(motion.world_from_camera)
        turns = torch.from_numpy(motion.world_from_camera[:, :3, :3].astype(float))
        world[:, :3, :3] = slerp(turns[before], turns[after], torch.from_numpy(weight)).numpy()
    return motion.replace(
        **rotations,
        **places,
        landmarks2d=motion.landmarks2d[before],
        frame_ids=numbers.astype(int),
        timestamps=zero + wanted,
        frame_rate=frame_rate,
    )


def sharp_moments(motion: Motion) -> Array:
    """Seconds at which a hand or foot stops or turns at once against the hips, or one hand against the other: claps, blows."""
    if len(motion) < 3:
        return np.zeros(0)
    ends = motion.joints3d[:, _ENDS] - motion.joints3d[:, :1]
    ends = np.concatenate([ends, ends[:, [2]] - ends[:, [3]]], axis=1)
    sharpness = np.linalg.norm(accelerations(ends, motion.timestamps), axis=-1).max(1)
    moment = 2 * max(1, round(_MOMENT * motion.frame_rate)) + 1
    chosen = (sharpness > _SHARP) & (sharpness == maximum_filter1d(sharpness, moment))
    return np.asarray(motion.timestamps[1:-1][chosen])


def _drawn_to(moments: Array, wanted: Array, step: float) -> Array:
    """Times (N,), ``step`` apart, of which the one nearest to each moment is that moment, and others nearby give way; but for the
    first and the last."""
    moments = moments[(moments >= wanted[0]) & (moments <= wanted[-1])]
    nearest = np.round((moments - wanted[0]) / step).astype(int)
    early = np.zeros(len(wanted))
    for index, moment in zip(nearest, moments, strict=True):
        if abs(moment - wanted[index]) < _STEPPED_OVER * step:
            continue
        share = (1 - np.abs(np.arange(len(wanted)) - index) / _GIVES_WAY).clip(0)
        shift = share * (moment - wanted[index])
        early = np.where(np.abs(shift) > np.abs(early), shift, early)
    early[[0, -1]] = 0
    return np.asarray(wanted + early)


def _brackets(times: Array, wanted: Array) -> tuple[Array, Array]:
    """For each wanted time the index of the sample at or before it, and how far on (0..1) the next one it lies."""
    before = np.clip(np.searchsorted(times, wanted, side="right") - 1, 0, max(len(times) - 2, 0))
    span = times[np.minimum(before + 1, len(times) - 1)] - times[before]
    weight = np.where(span > 0, (wanted - times[before]) / np.where(span > 0, span, 1.0), 0.0)
    return before, np.clip(weight, 0.0, 1.0)
