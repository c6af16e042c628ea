"""What results say of themselves against what is true of them: predicted confidence beside observed error, and marked limbs
beside limbs that are off."""

from collections.abc import Sequence as Several
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from hmr_video.evaluate.compare import Sequence, same_moments
from hmr_video.geometry import metrics
from hmr_video.geometry.cameras import project
from hmr_video.geometry.skeleton import LIMB_JOINTS
from hmr_video.motion import Motion
from hmr_video.reconstruction.quality import LIMBS, doubtful_limbs

NEAR = 0.1  # of the person's size, the longer side of the box: a limb joint that is no farther off in the picture is in place
EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 1.0)


@dataclass(frozen=True)
class Bin:
    """Frames of like confidence: how many, their mean confidence, the share of their limb joints in place, PA-MPJPE in mm."""

    frames: int
    predicted: float
    observed: float
    pa_mpjpe: float


@dataclass(frozen=True)
class Marks:
    """Limbs of single frames: how many; the shares of them that are off, a joint of them being farther from its place in the
    picture than ``NEAR``, and that are marked as unreliable; of those marked, the share that is off (``precision``); of those
    off, the share that is marked (``recall``). NaN of nothing."""

    limbs: int
    off: float
    marked: float
    precision: float
    recall: float


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


def limb_marks(pairs: Several[tuple[Motion, Sequence]]) -> Marks:
    """How well the limbs that results of known truth call unreliable are those that are off."""
    marked, off = np.concatenate([_limbs(motion, truth) for motion, truth in pairs], 1).astype(bool)
    with np.errstate(invalid="ignore"):
        both = np.float64((marked & off).sum())
        return Marks(len(off), float(off.mean()), float(marked.mean()), float(both / marked.sum()), float(both / off.sum()))


def _frames(motion: Motion, truth: Sequence) -> np.ndarray:
    """(3, n): confidence, share of limb joints in place, and PA-MPJPE in mm, of the frames that have a truth."""
    rows, joints, true, apart = _compared(motion, truth)
    observed = (apart[:, LIMB_JOINTS] < NEAR).mean(1)
    error = metrics.aligned_error(joints[:, LIMB_JOINTS], true[:, LIMB_JOINTS]).numpy()
    return np.stack([motion.confidence[rows], observed, error])


def _limbs(motion: Motion, truth: Sequence) -> np.ndarray:
    """(2, n): whether each limb of each frame that has a truth is marked, and whether it is off."""
    rows, _, _, apart = _compared(motion, truth)
    marked = doubtful_limbs(motion)
    pairs = [(marked[limb][rows], (apart[:, list(joints)] > NEAR).any(1)) for limb, (_, joints) in LIMBS.items()]
    return np.concatenate([np.stack(pair) for pair in pairs], 1)


def _compared(motion: Motion, truth: Sequence) -> tuple[np.ndarray, Tensor, Tensor, np.ndarray]:
    """The rows (n,) of a result that have a truth, joints (n, 24, 3) of both, and how far they lie from each other in the picture
    (n, 24), as a share of the person's size."""
    result = Sequence.from_motion(motion)
    rows, true_rows = same_moments(result, truth)
    joints, true = result.joints[rows], truth.joints[true_rows]
    apart = (project(joints, result.camera_matrix) - project(true, truth.camera_matrix)).norm(dim=-1).numpy()
    boxes = motion.steady_boxes
    size = (boxes[:, 2:] - boxes[:, :2]).max(1)[rows.numpy(), None]
    return rows.numpy(), joints, true, apart / size


def table(bins: Several[Bin], limbs: Marks) -> str:
    """Both as lines of text, with what the bins are off by on average."""
    lines = ["frames  predicted  observed  PA-MPJPE [mm]"]
    lines += [f"{one.frames:6d}  {one.predicted:9.2f}  {one.observed:8.2f}  {one.pa_mpjpe:13.0f}" for one in bins]
    frames = sum(one.frames for one in bins)
    off = sum(one.frames * abs(one.predicted - one.observed) for one in bins) / frames
    lines.append(f"off by {off:.3f} on average (share of limb joints within {NEAR:.0%} of the person's size)")
    lines.append(
        f"limbs: {limbs.marked:.1%} marked as unreliable, {limbs.off:.1%} off; of those marked {limbs.precision:.0%} are off, of "
        f"those off {limbs.recall:.0%} are marked"
    )
    return "\n".join(lines)
