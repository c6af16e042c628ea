"""What results say of themselves against what is true of them: predicted confidence beside observed error, in a table."""

from collections.abc import Sequence as Several
from dataclasses import dataclass

import numpy as np

from hmr_video.evaluate.compare import Sequence, same_moments
from hmr_video.geometry import metrics
from hmr_video.geometry.cameras import project
from hmr_video.geometry.skeleton import LIMB_JOINTS
from hmr_video.motion import Motion

NEAR = 0.1  # of the person's size, the longer side of the box: a limb joint that is no farther off in the picture is in place
EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 1.0)


@dataclass(frozen=True)
class Bin:
    """Frames of like confidence: how many, their mean confidence, the share of their limb joints in place, PA-MPJPE in mm."""

    frames: int
    predicted: float
    observed: float
    pa_mpjpe: float


def calibration(pairs: Several[tuple[Motion, Sequence]]) -> list[Bin]:
    """A row for each range of confidence in which results of known truth have frames, the least sure first.

    Lenses' distortion is left out. Where one network looked alone, confidence predicts no share: see `frame_confidence`.
    """
    confidence, observed, error = np.concatenate([_frames(motion, truth) for motion, truth in pairs], 1)
    places = np.digitize(confidence, EDGES[1:-1])
    bins = (places == number for number in range(len(EDGES) - 1))
    return [
        Bin(int(chosen.sum()), *(float(values[chosen].mean()) for values in (confidence, observed, error)))
        for chosen in bins
        if chosen.any()
    ]


def _frames(motion: Motion, truth: Sequence) -> np.ndarray:
    """(3, n): confidence, share of limb joints in place, and PA-MPJPE in mm, of the frames that have a truth."""
    result = Sequence.from_motion(motion)
    rows, true_rows = same_moments(result, truth)
    joints, true = result.joints[rows][:, LIMB_JOINTS], truth.joints[true_rows][:, LIMB_JOINTS]
    apart = (project(joints, result.camera_matrix) - project(true, truth.camera_matrix)).norm(dim=-1).numpy()
    size = (motion.boxes[:, 2:] - motion.boxes[:, :2]).max(1)[rows.numpy(), None]
    observed = (apart < NEAR * size).mean(1)
    return np.stack([motion.confidence[rows.numpy()], observed, metrics.aligned_error(joints, true).numpy()])


def table(bins: Several[Bin]) -> str:
    """The bins as lines of text, and what they are off by on average."""
    lines = ["frames  predicted  observed  PA-MPJPE [mm]"]
    lines += [f"{one.frames:6d}  {one.predicted:9.2f}  {one.observed:8.2f}  {one.pa_mpjpe:13.0f}" for one in bins]
    frames = sum(one.frames for one in bins)
    off = sum(one.frames * abs(one.predicted - one.observed) for one in bins) / frames
    return "\n".join([*lines, f"off by {off:.3f} on average (share of limb joints within {NEAR:.0%} of the person's size)"])
