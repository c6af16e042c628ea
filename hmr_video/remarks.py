"""What is taken for granted about a source, or looks odd in its result, and should not go unsaid."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hmr_video.console import Reporter
from hmr_video.motion import Array, Motion
from hmr_video.options import Options
from hmr_video.video import VideoInfo
from hmr_video.video.kinds import VIDEOS

if TYPE_CHECKING:
    from hmr_video.camera.clip import ClipCamera

_LEFT_HIP, _RIGHT_HIP, _LEFT_ANKLE, _RIGHT_ANKLE = 1, 2, 7, 8
_SWING = 0.5  # correlation of the legs' swing with itself a stride later, from which people stride
_SHORT = 0.15  # metres between the ankles in the direction of the hips' view, under which nobody strides
_LONG = 0.75  # metre seconds: steps (m) times their duration (s). About 0.4 in every walk and run of adults, whatever their speed
_BLIND = 0.1  # share of the frames without a background from which that is said
_QUICK, _SLOWEST = 0.25, 12.0  # seconds: no stride is shorter, none longer is looked for


def remark_on_source(source: Path, info: VideoInfo, options: Options, reporter: Reporter) -> None:
    """Notes a frame rate that nobody stated, and videos among images, which are not read."""
    if not source.is_dir():
        return
    if options.frame_rate is None and (info.frame_count or 0) > 1:
        rate = info.frame_rate * options.every
        reporter.note(f"{source} is taken to be {rate:g} images a second, on which speeds depend; --frame-rate says otherwise.")
    videos = [path for path in source.iterdir() if path.suffix.lower() in VIDEOS and not path.name.startswith(".")]
    if videos:
        left_out = f"{videos[0].name} was" if len(videos) == 1 else f"{len(videos)} videos were"
        reporter.note(f"{left_out} left out: of {source} the images are read. `hmr-video batch` converts folders of videos.")


def remark_on_people(motions: list[Motion], options: Options, reporter: Reporter) -> None:
    """Notes one height for several people, and people who stride as slowly as only slow motion shows."""
    if options.height is not None and len(motions) > 1:
        reporter.note(
            f"--height is for one person: all {len(motions)} were made {options.height:g} m tall. --people largest keeps one."
        )
    slow = {number: stride for number, motion in enumerate(motions, 1) if (stride := slow_stride(motion)) is not None}
    if slow:
        longest = max(slow.values())
        reporter.note(
            f"A stride of person {', '.join(map(str, slow))} takes {longest:.1f} s, too long for its length: if this is slow "
            "motion, speeds and accelerations are too small. Give the video in real time."
        )


def remark_on_camera(camera: "ClipCamera", options: Options, reporter: Reporter) -> None:
    """Notes a camera that moves where positions stay relative to it, and what the background does not tell."""
    kind = camera.kind
    frames, blind = (sum(counts) for counts in zip(*((len(shot.frame_ids), shot.blind) for shot in camera.shots), strict=True))
    if kind == "unknown":
        reporter.note("The background does not tell how the camera moves: people's positions are relative to it.")
    elif kind not in ("still", "unknown") and not options.world:
        reporter.note("The camera moves: people's positions are relative to it. --world puts them where they are.")
    if kind not in ("still", "unknown") and blind > _BLIND * frames:
        reporter.note(f"{blind} of {frames} frames hardly show a background: the camera's path through them is a guess.")
    if options.world and len(camera.shots) > 1:
        reporter.note(f"The clip has {len(camera.shots)} shots, whose places in the world have nothing to do with each other.")


def slow_stride(motion: Motion) -> float | None:
    """Seconds of a stride (two steps) where people stride too slowly for how far they step, else None.

    Walkers choose their steps: the slower, the shorter, by a ratio that hardly differs between adults (Sekiya et al., 1996).
    """
    rate = (len(motion) - 1) / max(float(motion.timestamps[-1] - motion.timestamps[0]), 1e-6)
    swing = _swing(motion)
    shortest, longest = int(np.ceil(_QUICK * rate)), int(min(len(swing) * 2 // 3, _SLOWEST * rate))
    if longest <= shortest + 1:
        return None
    likeness = np.array([_likeness(swing, lag) for lag in range(longest)])
    peaks = np.flatnonzero((likeness[1:-1] >= likeness[:-2]) & (likeness[1:-1] > likeness[2:])) + 1
    peaks = peaks[(peaks >= shortest) & (likeness[peaks] > _SWING)]
    step = float(np.quantile(np.abs(swing), 0.9))
    if len(peaks) == 0 or step < _SHORT:
        return None
    stride = float(peaks[0]) / rate
    return stride if step * stride / 2 > _LONG else None


def _swing(motion: Motion) -> Array:
    """(T,) metres by which the left ankle is before the right one, as the hips look."""
    joints = np.asarray(motion.joints3d, np.float64)
    across = joints[:, _LEFT_HIP] - joints[:, _RIGHT_HIP]
    down = joints[:, (_LEFT_ANKLE, _RIGHT_ANKLE)].mean(1) - joints[:, (_LEFT_HIP, _RIGHT_HIP)].mean(1)
    ahead = np.cross(down, across)
    ahead /= np.maximum(np.linalg.norm(ahead, axis=-1, keepdims=True), 1e-9)
    return np.asarray(((joints[:, _LEFT_ANKLE] - joints[:, _RIGHT_ANKLE]) * ahead).sum(-1))


def _likeness(swing: Array, lag: int) -> float:
    """The correlation of a signal (T,) with itself ``lag`` frames later."""
    first, later = swing[: len(swing) - lag], swing[lag:]
    size = float(np.sqrt((first**2).sum() * (later**2).sum()))
    return float((first * later).sum()) / size if size > 0 else 0.0
