"""How a keypoint detector errs against known bodies, as numbers that can be compared between detectors.

Errors are fractions of the person's size (the longer side of the box around the true keypoints), divided by COCO's sigma of the
keypoint where said so. A keypoint is of one of four kinds: visible, hidden by the person's own body, covered by a thing, outside
the picture.
"""

from dataclasses import dataclass

import torch
from scipy.stats import ks_2samp, spearmanr, wasserstein_distance
from torch import Tensor

from hmr_video.geometry.skeleton import COCO_SIGMAS, MIRRORED_COCO

KINDS = ("visible", "hidden", "covered", "outside")
GROUPS = {
    "face": (0, 1, 2, 3, 4), "shoulders": (5, 6), "elbows": (7, 8), "wrists": (9, 10), "hips": (11, 12), "knees": (13, 14),
    "ankles": (15, 16),
}  # fmt: skip
GROSS = 0.1  # of the person's size: an error that is no imprecision
SURE = 0.5  # confidence of a detector that is not in doubt
_FEWEST = 60  # observations that make a number
_APART = 0.1  # of the person's size: left and right that can be told apart
_LAGS = (1, 3, 10, 25)  # frames
_LEFT = (5, 7, 9, 11, 13, 15)
# The joint in whose frame each keypoint's bias is constant: head, chest, the limb above.
BIAS_FRAMES = (15, 15, 15, 15, 15, 9, 9, 16, 17, 18, 19, 0, 0, 1, 2, 4, 5)


@dataclass(frozen=True)
class Observed:
    """W windows of T frames, all in one unit of the picture (rays or pixels)."""

    truth: Tensor  # (W, T, 17, 2)
    detections: Tensor  # (W, T, 17, 3) with confidence, 0 in frames without a person
    kind: Tensor  # (W, T, 17) index into ``KINDS``
    height: Tensor  # (W,) the person's size in pixels

    @property
    def found(self) -> Tensor:
        """(W, T) where there is a person."""
        return self.detections[..., 2].amax(-1) > 0

    @property
    def size(self) -> Tensor:
        """(W, T, 1)."""
        return (self.truth.amax(2) - self.truth.amin(2)).amax(-1, keepdim=True)

    @property
    def errors(self) -> Tensor:
        """(W, T, 17, 2) fractions of the person's size."""
        return (self.detections[..., :2] - self.truth) / self.size[..., None]

    @property
    def in_sigmas(self) -> Tensor:
        """(W, T, 17) lengths of the errors in COCO's sigmas."""
        return self.errors.norm(dim=-1) / torch.tensor(COCO_SIGMAS)

    def samples(self, kind: str, group: str = "") -> Tensor:
        """(W, T, 17) the found keypoints of a kind and, if named, a group."""
        member = torch.zeros(17, dtype=torch.bool)
        member[list(GROUPS[group]) if group else slice(None)] = True
        return self.found[..., None] & (self.kind == KINDS.index(kind)) & member


def kinds(hidden: Tensor, covered: Tensor, outside: Tensor) -> Tensor:
    """Indices into ``KINDS`` from booleans of one shape; what is outside is nothing else."""
    return torch.where(outside, 3, torch.where(covered, 2, hidden.long()))


def describe(observed: Observed) -> dict[str, float]:
    """Statistic -> value. Statistics with too few observations are left out."""
    found = {"lost frames": (~observed.found).double().mean().item(), "lost run": _mean_run(~observed.found)}
    length, confidence = observed.in_sigmas, observed.detections[..., 2]
    gross = observed.errors.norm(dim=-1) > GROSS
    for kind in KINDS:
        chosen = observed.samples(kind)
        if chosen.sum() < _FEWEST:
            continue
        found[f"gross {kind}"] = gross[chosen].double().mean().item()
        found[f"gross and sure {kind}"] = (gross & (confidence > SURE))[chosen].double().mean().item()
        if min(len(values[chosen].unique()) for values in (length, confidence)) > 1:
            correlation = spearmanr(length[chosen], confidence[chosen]).statistic
            found[f"rank correlation of error and confidence {kind}"] = float(correlation)
        for group in GROUPS:
            chosen = observed.samples(kind, group)
            if chosen.sum() < _FEWEST:
                continue
            for share in (0.5, 0.9):
                found[f"error p{share * 100:.0f} {kind} {group}"] = length[chosen].quantile(share).item()
            for share in (0.1, 0.5, 0.9):
                found[f"confidence p{share * 100:.0f} {kind} {group}"] = confidence[chosen].quantile(share).item()
    return found | _sides(observed) | _time(observed) | _conditions(observed)


def _sides(observed: Observed) -> dict[str, float]:
    """Left and right exchanged, and both reported at one place, as shares of the pairs that can be told apart."""
    left, right = list(_LEFT), [MIRRORED_COCO[k] for k in _LEFT]
    truth, seen = observed.truth, observed.detections[..., :2]
    apart = (truth[:, :, left] - truth[:, :, right]).norm(dim=-1)  # (W, T, 6)

    def near(one: list[int], other: list[int]) -> Tensor:
        return (seen[:, :, one] - truth[:, :, other]).norm(dim=-1) < 0.4 * apart

    inside = (observed.kind[:, :, left] != 3) & (observed.kind[:, :, right] != 3)
    clear = (apart > _APART * observed.size) & observed.found[..., None] & inside
    swapped = near(left, right) & near(right, left) & clear
    copied = ((near(left, right) & near(right, right)) | (near(right, left) & near(left, left))) & clear
    found = {}
    for name, pairs in (("arms", slice(0, 3)), ("legs", slice(3, 6))):
        count = clear[..., pairs].sum().clamp_min(1)
        found[f"swapped {name}"] = (swapped[..., pairs].sum() / count).item()
        found[f"copied {name}"] = (copied[..., pairs].sum() / count).item()
    found["swap run"] = _mean_run(swapped.transpose(1, 2).flatten(0, 1))
    return found


def _time(observed: Observed) -> dict[str, float]:
    """How errors and confidences last: mean squared change over k frames against twice the variance; 1 is white noise."""
    chosen = observed.samples("visible") & (observed.errors.norm(dim=-1) < GROSS)
    errors = observed.errors / torch.tensor(COCO_SIGMAS)[:, None]
    logits = observed.detections[..., 2].clamp(0.01, 0.99).logit()[..., None]
    found = {}
    for name, values in (("error", errors), ("confidence", logits)):
        mean = torch.where(chosen[..., None], values, 0).sum((0, 1)) / chosen.sum((0, 1)).clamp_min(1)[:, None]
        variance = (values - mean).square().sum(-1)[chosen].mean()
        for lag in _LAGS:
            if lag < values.shape[1]:
                both = chosen[:, lag:] & chosen[:, :-lag]
                change = (values[:, lag:] - values[:, :-lag]).square().sum(-1)[both].mean()
                found[f"change of {name} over {lag}"] = (change / (2 * variance)).item()
    return found


def _conditions(observed: Observed) -> dict[str, float]:
    """Median errors in sigmas of visible keypoints by the person's size, by speed, and how they vary between windows."""
    chosen, length = observed.samples("visible"), observed.in_sigmas
    found = {}
    for name, low, high in (("small", 0, 120), ("middle", 120, 280), ("large", 280, 10_000)):
        windows = ((observed.height >= low) & (observed.height < high))[:, None, None]
        if (chosen & windows).sum() >= _FEWEST:
            found[f"error p50 {name} people"] = length[chosen & windows].median().item()
    speed = torch.zeros_like(length)
    speed[:, 1:] = (observed.truth[:, 1:] - observed.truth[:, :-1]).norm(dim=-1) / observed.size[:, 1:]
    for name, moving in (("slow", speed < 0.01), ("fast", speed > 0.03)):
        if (chosen & moving).sum() >= _FEWEST:
            found[f"error p50 {name} points"] = length[chosen & moving].median().item()
    medians = torch.stack([length[w][chosen[w]].median() for w in range(len(length)) if chosen[w].sum() >= _FEWEST])
    return found | {"spread of log error between windows": medians.log().std().item()}


def _mean_run(flags: Tensor) -> float:
    """Mean length in frames of the runs of true in (N, T); 0 without any."""
    starts = flags.clone()
    starts[:, 1:] &= ~flags[:, :-1]
    return (flags.sum() / starts.sum().clamp_min(1)).item()


def distances(real: Observed, other: Observed) -> dict[str, float]:
    """Distances of the distributions by kind and group: Kolmogorov's and Smirnov's of errors, Wasserstein's of confidences."""
    found = {}
    for kind in KINDS:
        for group in GROUPS:
            one, two = real.samples(kind, group), other.samples(kind, group)
            if min(one.sum(), two.sum()) < _FEWEST:
                continue
            apart = ks_2samp(real.in_sigmas[one], other.in_sigmas[two], method="asymp").statistic
            found[f"errors {kind} {group}"] = float(apart)
            sure = wasserstein_distance(real.detections[..., 2][one], other.detections[..., 2][two])
            found[f"confidences {kind} {group}"] = float(sure)
    return found


def definition_bias(observed: Observed, points: Tensor, turned: Tensor) -> Tensor:
    """(17, 3) metres: where a detector of rays sees each keypoint, in the frame of the limb, head or chest that carries it.

    points (W, T, 17, 3) and joint rotations (W, T, 24, 3, 3) in camera space. Least squares over visible keypoints with
    Cauchy weights (3 cm), both sides of the body together; NaN for keypoints with too few observations.
    """
    depth = points[..., 2]
    errors = (observed.detections[..., :2] - observed.truth) * depth[..., None]  # metres across the line of sight
    towards = torch.cat([torch.eye(2).expand(*depth.shape, 2, 2), -observed.truth[..., None]], -1)  # (W, T, 17, 2, 3)
    design = towards @ turned[:, :, list(BIAS_FRAMES)]
    flip = torch.tensor([-1.0, 1.0, 1.0])
    biases = torch.full((17, 3), torch.nan)
    for k in range(17):
        mirrored = MIRRORED_COCO[k]
        use, other = observed.samples("visible")[..., k], observed.samples("visible")[..., mirrored]
        rows = torch.cat([design[..., k, :, :][use], design[..., mirrored, :, :][other] * flip])
        values = torch.cat([errors[..., k, :][use], errors[..., mirrored, :][other]])
        if len(rows) < _FEWEST:
            continue
        biases[k] = 0
        for _ in range(8):
            weight = 1 / (1 + (values - (rows @ biases[k])).square().sum(-1, keepdim=True) / 0.03**2)
            normal = (rows.mT @ (rows * weight[..., None])).sum(0) + 1e-3 * torch.eye(3)
            biases[k] = torch.linalg.solve(normal, (rows.mT @ (values * weight)[..., None]).sum(0).squeeze(-1))
    return biases
