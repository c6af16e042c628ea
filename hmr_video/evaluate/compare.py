"""A person against the truth, several people against several truths, and the two protocols."""

from collections.abc import Callable, Mapping
from collections.abc import Sequence as Several
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from hmr_video.body import Body
from hmr_video.errors import InputError
from hmr_video.export.actors import skinned
from hmr_video.geometry import metrics
from hmr_video.geometry.cameras import project
from hmr_video.geometry.skeleton import BODY_LANDMARKS, COCO_FACE, COCO_LIMBS, LIMB_JOINTS, PARENTS
from hmr_video.motion import Motion

PAPER_JOINTS = (*LIMB_JOINTS, 12, 15)  # with neck and head: the 14 points nearest to the paper's
PCK_SHARE = 0.05  # of the box height, in the default protocol
_SMALLEST_OVERLAP = 0.05  # of two people's boxes, below which they are not the same person
_FRAME_POINTS, _PCK_FRAME_POINTS = 6, 5  # more than so many of the 14 points must be visible (hmmr)
_CHUNK = 64  # frames whose vertices are compared at a time

Scores = Mapping[str, float]  # metric -> value; the units are in UNITS
UNITS = {
    "mpjpe": "mm", "pa_mpjpe": "mm", "pve": "mm", "acceleration_error": "mm/frame^2", "acceleration": "mm/frame^2",
    "true_acceleration": "mm/frame^2", "pck": "", "shape_drift": "mm", "foot_skating": "mm/s", "jitter": "m/s^3",
    "true_jitter": "m/s^3", "coverage": "",
}  # fmt: skip


class Protocol(StrEnum):
    """DEFAULT: every moment that prediction and truth share, 12 limb joints. PAPER: HMMR's visible frames and 14 points."""

    DEFAULT = "default"
    PAPER = "paper"


@dataclass(frozen=True)
class Sequence:
    """One person over time, predicted or true.

    Attributes:
        joints: (T, 24, 3) SMPL joints in metres, camera space; NaN where a data set has none.
        frame_ids: (T,) consecutive frames of the video.
        frame_rate: frames a second.
        camera_matrix: (3, 3) pixels.
        keypoints: (T, 14, 3) x, y in pixels and visibility of ``PAPER_JOINTS``; NaN where unknown.
        vertices: a function from rows (N,) to meshes (N, V, 3) in metres, or None.
        body: what the vertices are numbered by; meshes of different bodies are not compared.
        timestamps: (T,) seconds of the video; without them frame 0 is at 0 s.
    """

    joints: Tensor
    frame_ids: Tensor
    frame_rate: float
    camera_matrix: Tensor
    keypoints: Tensor
    vertices: Callable[[Tensor], Tensor] | None = None
    body: str = ""
    timestamps: Tensor | None = None

    @classmethod
    def from_motion(cls, motion: Motion, body: Body | None = None) -> "Sequence":
        """A result of this tool, or a ground truth in its layout, in metres and double precision.

        With the ``body`` that the motion names the meshes are compared, too.
        """
        joints = torch.from_numpy(motion.joints3d).double()
        coco = torch.from_numpy(motion.steady_landmarks[:, BODY_LANDMARKS]).double()
        shoulders, face = coco[:, 5:7], coco[:, COCO_FACE]
        neck = torch.cat([shoulders[..., :2].mean(1), shoulders[..., 2:].amin(1)], -1)
        head = torch.cat([face[..., :2].mean(1), face[..., 2:].amin(1)], -1)
        keypoints = torch.cat([coco[:, COCO_LIMBS], neck[:, None], head[:, None]], 1)
        vertices = None
        if body is not None:

            def vertices(rows: Tensor) -> Tensor:
                return skinned(motion, body, rows.numpy()).double()

        frame_ids = torch.from_numpy(np.asarray(motion.frame_ids, np.int64))
        camera = torch.from_numpy(motion.camera_matrix).double()
        identity, times = f"{motion.body} {motion.body_hash}", torch.from_numpy(np.asarray(motion.timestamps, np.float64))
        return cls(joints, frame_ids, motion.frame_rate, camera, keypoints, vertices, identity, times)

    def __len__(self) -> int:
        return len(self.frame_ids)

    @property
    def seconds(self) -> Tensor:
        """(T,) when each frame was taken."""
        return self.frame_ids.double() / self.frame_rate if self.timestamps is None else self.timestamps

    def boxes(self) -> Tensor:
        """(T, 4) x1 y1 x2 y2 around the projected joints."""
        pixels = project(self.joints, self.camera_matrix)
        low, high = torch.nan_to_num(pixels, nan=torch.inf), torch.nan_to_num(pixels, nan=-torch.inf)
        return torch.cat([low.amin(1), high.amax(1)], -1)


def compare(predicted: Sequence, true: Sequence, protocol: Protocol = Protocol.DEFAULT) -> Scores:
    """All metrics of one person over the moments that prediction and truth, of one video, share; their frame rates may differ.

    ``protocol``: which points and frames count. The values are in the units of ``UNITS``; ``pve`` is there only where both have
    meshes of the same body. Raises InputError when they share no moment, or the paper's protocol lacks the truth's keypoints.
    """
    rows, true_rows = same_moments(predicted, true)
    if len(rows) == 0:
        raise InputError("Prediction and truth have no frame in common.", "Compare results of the same video.")
    joints, truth = predicted.joints[rows], true.joints[true_rows]
    scores = {"coverage": len(rows) / _comparable(predicted, true)}
    if protocol == Protocol.PAPER:
        return scores | _paper(joints, truth, true.keypoints[true_rows], min(predicted.frame_rate, true.frame_rate))
    chosen, wanted = (metrics.at_hips(points, points)[:, LIMB_JOINTS] for points in (joints, truth))
    rate = min(predicted.frame_rate, true.frame_rate)
    scores |= {
        "mpjpe": _mean(metrics.joint_error(chosen, wanted)),
        "pa_mpjpe": _mean(metrics.aligned_error(chosen, wanted)),
        "acceleration_error": _mean(metrics.acceleration_error(chosen, wanted, rate)),
        "acceleration": _mean(metrics.acceleration_level(chosen, rate)),
        "true_acceleration": _mean(metrics.acceleration_level(wanted, rate)),
        "pck": _mean(_pck(predicted, rows, true, true_rows)),
        "shape_drift": metrics.bone_length_range(joints, PARENTS).max().item(),
        "foot_skating": _mean(metrics.foot_skating(joints, truth, rate)),
        "jitter": _mean(metrics.jitter(chosen, rate)),
        "true_jitter": _mean(metrics.jitter(wanted, rate)),
    }
    if predicted.vertices is not None and true.vertices is not None and predicted.body == true.body:
        errors = []
        for part in torch.arange(len(rows)).split(_CHUNK):
            mesh = metrics.at_hips(predicted.vertices(rows[part]), joints[part])
            true_mesh = metrics.at_hips(true.vertices(true_rows[part]), truth[part])
            errors.append(metrics.joint_error(mesh, true_mesh))
        scores["pve"] = _mean(torch.cat(errors))
    return scores


def same_moments(one: Sequence, other: Sequence) -> tuple[Tensor, Tensor]:
    """The rows (N,) of both that show the same moments, whatever numbers and rates their frames have.

    Frames are of one moment that lie no more than half a frame of the faster sequence apart.
    """
    times, others = one.seconds, other.seconds
    after = torch.searchsorted(others, times).clamp(0, len(others) - 1)
    before = (after - 1).clamp_min(0)
    nearest = torch.where((times - others[before]).abs() <= (others[after] - times).abs(), before, after)
    near = (times - others[nearest]).abs() <= 0.5 / max(one.frame_rate, other.frame_rate)
    rows = torch.nonzero(near)[:, 0]
    matched, first = np.unique(nearest[rows].numpy(), return_index=True)
    return rows[first], torch.from_numpy(matched)


def _comparable(predicted: Sequence, true: Sequence) -> float:
    """How many frames of the truth a prediction of this frame rate could have."""
    return max(1.0, len(true) * min(1.0, predicted.frame_rate / true.frame_rate))


def _paper(joints: Tensor, truth: Tensor, keypoints: Tensor, rate: float) -> dict[str, float]:
    """HMMR's protocol on 14 points: errors over frames with more than 6 of them visible, accelerations where all three frames
    are such, PCK where more than 5 are visible. Raises InputError without the truth's keypoints."""
    if keypoints.isnan().all():
        raise InputError("The truth has no 2D keypoints, which the paper's protocol needs.", "Use the default protocol.")
    visible = keypoints[..., 2] > 0
    seen = visible.sum(1) > _FRAME_POINTS
    chosen, wanted = (metrics.at_hips(points, points)[:, PAPER_JOINTS] for points in (joints, truth))
    three = seen[2:] & seen[1:-1] & seen[:-2]
    pck = metrics.paper_pck(chosen, keypoints[..., :2], visible)
    return {
        "mpjpe": _mean(metrics.joint_error(chosen, wanted)[seen]),
        "pa_mpjpe": _mean(metrics.aligned_error(chosen, wanted)[seen]),
        "acceleration_error": _mean(metrics.acceleration_error(chosen, wanted, rate)[three]),
        "pck": _mean(pck[visible.sum(1) > _PCK_FRAME_POINTS]),
    }


def _pck(predicted: Sequence, rows: Tensor, true: Sequence, true_rows: Tensor) -> Tensor:
    """(T,) share of the limb joints whose projection lies within 5 % of the true box's height."""
    pixels = project(predicted.joints[rows][:, LIMB_JOINTS], predicted.camera_matrix)
    wanted = project(true.joints[true_rows][:, LIMB_JOINTS], true.camera_matrix)
    boxes = true.boxes()[true_rows]
    height = (boxes[:, 3] - boxes[:, 1])[:, None]
    return ((pixels - wanted).norm(dim=-1) < PCK_SHARE * height).double().mean(-1)


def evaluate_people(
    predicted: Several[Sequence], true: Several[Sequence], protocol: Protocol = Protocol.DEFAULT
) -> list[tuple[int | None, Scores]]:
    """Of every true person the number of the predicted one, and the scores, see `compare`; (None, no scores) of who was missed.

    People are matched one to one by the mean overlap of the boxes around their projected joints, over all frames of the truth.
    """
    overlap = np.array([[_overlap(one, other) for one in predicted] for other in true]).reshape(len(true), len(predicted))
    rows, columns = linear_sum_assignment(-overlap)
    partner = {
        int(row): int(column) for row, column in zip(rows, columns, strict=True) if overlap[row, column] > _SMALLEST_OVERLAP
    }
    return [
        (partner[number], compare(predicted[partner[number]], truth, protocol)) if number in partner else (None, {})
        for number, truth in enumerate(true)
    ]


def _overlap(predicted: Sequence, true: Sequence) -> float:
    """Mean intersection over union of the boxes, over the moments of the truth; 0 where the prediction has no such frame."""
    rows, true_rows = same_moments(predicted, true)
    if len(rows) == 0:
        return 0.0
    a, b = predicted.boxes()[rows], true.boxes()[true_rows]
    sides = (torch.minimum(a[:, 2:], b[:, 2:]) - torch.maximum(a[:, :2], b[:, :2])).clamp_min(0)
    shared = sides.prod(-1)
    union = (a[:, 2:] - a[:, :2]).prod(-1) + (b[:, 2:] - b[:, :2]).prod(-1) - shared
    return float((shared / union.clamp_min(1e-9)).sum() / _comparable(predicted, true))


def mean_scores(people: Several[Scores]) -> Scores:
    """The mean of per-person means, each metric over the people who have it."""
    names = [name for name in UNITS if any(name in scores for scores in people)]
    values = {name: [scores[name] for scores in people if name in scores and np.isfinite(scores[name])] for name in names}
    return {name: float(np.mean(numbers)) for name, numbers in values.items() if numbers}


def _mean(values: Tensor) -> float:
    """The mean without NaN; NaN of nothing."""
    return values.nanmean().item()
