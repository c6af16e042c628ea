"""Where a plain per-frame network is weak, as numbers of each stage of the tool: occlusion, speed, shape, spine, rest, feet."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Generator, Tensor

from hmr_video.body import Body
from hmr_video.console import Reporter
from hmr_video.evaluate.assess import estimates, frame_by_frame, speed
from hmr_video.evaluate.trials import EVALUATION_DETECTOR, Poses, Trial, TrialConfig, draw_trials, simulated
from hmr_video.features.keypoints import MODEL_FRAME_RATE
from hmr_video.geometry import metrics
from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.geometry.skeleton import COCO_LIMBS, LIMB_JOINTS, PARENTS
from hmr_video.reconstruction.loading import Models
from hmr_video.synth.random_cameras import CameraConfig
from hmr_video.synth.simulated_detector import DetectorConfig

HIDDEN_SHARE, HIDDEN_FRAMES = 0.3, 10
FAST_SHARE = 0.1
DISTANCES = (2.5, 4.0, 6.5, 10.0)  # metres
BENDS = (0.15, 0.25, -0.15, -0.25)  # radians at each of three joints of the spine; positive is hunched
_SPINE = (3, 6, 9)
_STILL_FRAMES, _BENT_FRAMES = 60, 30
_FACING = torch.diag(torch.tensor([1.0, -1.0, -1.0]))  # upright before the camera, towards it


@dataclass(frozen=True)
class WeakPoint:
    """One measure. ``values``: of each way of estimating, by name; ``best``: what a perfect estimate would have."""

    name: str
    unit: str
    values: dict[str, float]
    best: float = 0.0


def weak_points(
    models: Models, folder: Path, names: list[str], count: int, seed: int, reporter: Reporter, up: str = "auto"
) -> list[WeakPoint]:
    """All measures on ``count`` windows of the clips ``names`` of ``folder`` before cameras that stand still, and on bodies made
    up from their people. Raises InputError."""
    config = TrialConfig(camera=replace(CameraConfig(), following_share=0.0))
    trials = draw_trials(folder, names, models.body, count, seed, config, up=up, reporter=reporter)
    bench = _Bench(models, trials, Generator().manual_seed(seed))
    found: list[WeakPoint] = []
    parts = (_moving, _occluded, _at_rest, _shape_with_distance, _spine)
    with reporter.progress("Looking for weak points", len(parts), "parts") as advance:
        for part in parts:
            found += part(bench)
            advance(1)
    return found


@dataclass
class _Bench:
    models: Models
    trials: list[Trial]
    generator: Generator

    @property
    def body(self) -> Body:
        return self.models.body

    @cached_property
    def usual(self) -> dict[str, list[Poses]]:
        """The estimates of all trials."""
        return self.estimates(self.trials)

    def estimates(self, trials: list[Trial]) -> dict[str, list[Poses]]:
        return estimates(self.models, trials)

    def joints(self, poses: Poses) -> Tensor:
        """(T, 24, 3) metres."""
        return self.body.joints(poses.rotations, poses.betas)[0].double() + poses.trans[:, None]

    def observed(self, poses: Poses, detector: DetectorConfig | None = None) -> Trial:
        config = TrialConfig(CameraConfig(focal_error=0.0), detector or EVALUATION_DETECTOR)
        return simulated(self.body, config)("made up", poses, self.generator)

    @property
    def some_people(self) -> list[Poses]:
        """A quarter of them, for measures that take many windows of each."""
        return [trial.poses for trial in self.trials[: max(2, len(self.trials) // 4)]]


def _moving(bench: _Bench) -> Iterator[WeakPoint]:
    """The tenth of all frames with the fastest limbs, feet that ought to stand, and bones whose lengths change over the clip."""
    truths = [bench.joints(trial.poses) for trial in bench.trials]
    speeds = [torch.from_numpy(speed(joints)) for joints in truths]
    limit = torch.cat(speeds).quantile(1 - FAST_SHARE)
    own_shapes = [frame_by_frame(bench.models.model, bench.body, trial, context=True) for trial in bench.trials]
    errors, skating, drift = _Means(), _Means(), _Means()
    for name, every in bench.usual.items():
        for poses, truth, fast in zip(every, truths, [one >= limit for one in speeds], strict=True):
            joints = bench.joints(poses)
            errors.add(name, metrics.aligned_error(_limbs(joints), _limbs(truth))[fast])
            skating.add(name, metrics.foot_skating(joints, truth, MODEL_FRAME_RATE))
        for poses in own_shapes if name == "temporal" else every:  # the plain model has a shape for every frame
            drift.add(name, metrics.bone_length_range(bench.joints(poses), PARENTS).amax()[None])
    yield WeakPoint("fast motion (top tenth by speed): PA-MPJPE", "mm", errors.means)
    yield WeakPoint("foot skating while the true foot stands", "mm/s", skating.means)
    yield WeakPoint("shape drift over a clip: range of a bone's length", "mm", drift.means)


def _occluded(bench: _Bench) -> Iterator[WeakPoint]:
    """The error of limb joints that are hidden for a while, and of the same joints and frames when they are not."""
    hidden, places = [], []
    for trial in bench.trials:
        chosen = torch.randperm(len(COCO_LIMBS), generator=bench.generator)[: round(HIDDEN_SHARE * len(COCO_LIMBS))]
        first = len(trial) // 2 - HIDDEN_FRAMES // 2
        keypoints = trial.keypoints.clone()
        keypoints[first : first + HIDDEN_FRAMES, [COCO_LIMBS[index] for index in chosen]] = 0.0
        hidden.append(replace(trial, keypoints=keypoints))
        places.append((slice(first, first + HIDDEN_FRAMES), chosen))
    for what, ways in (("hidden for 10 frames", bench.estimates(hidden)), ("not hidden", bench.usual)):
        error = _Means()
        for name, every in ways.items():
            for poses, trial, (frames, chosen) in zip(every, bench.trials, places, strict=True):
                joints, truth = (_limbs(bench.joints(one))[frames][:, chosen] for one in (poses, trial.poses))
                error.add(name, metrics.joint_error(joints, truth))
        yield WeakPoint(f"30 % of the limb keypoints, {what}: error of those joints", "mm", error.means)


def _at_rest(bench: _Bench) -> Iterator[WeakPoint]:
    """A body that does not move at all, under the detector's noise alone."""
    noise_alone = replace(EVALUATION_DETECTOR, occluder=0.0, truncated=0.0, lost=0.0, swap=0.0, slow_source=0.0)
    still = []
    for trial in bench.trials:
        middle = {name: value[len(trial) // 2] for name, value in vars(trial.poses).items()}
        frozen = Poses(**{name: value.expand(_STILL_FRAMES, *value.shape) for name, value in middle.items()})
        still.append(bench.observed(frozen, noise_alone))
    acceleration, spread = _Means(), _Means()
    for name, every in bench.estimates(still).items():
        for poses in every:
            joints = _limbs(bench.joints(poses))
            acceleration.add(name, metrics.acceleration_level(joints, MODEL_FRAME_RATE))
            spread.add(name, (joints - joints.mean(0)).square().sum(-1).mean(0).sqrt() * metrics.MILLIMETRES)
    yield WeakPoint("jitter at rest: acceleration", "mm/frame^2", acceleration.means)
    yield WeakPoint("jitter at rest: deviation of a joint over time", "mm", spread.means)


def _shape_with_distance(bench: _Bench) -> Iterator[WeakPoint]:
    """The same person and motion at several distances: how the stature that is found depends on them."""
    moved = []
    for person in bench.some_people:
        for distance in DISTANCES:
            place = torch.tensor([0.0, 0.0, distance]) - person.trans.mean(0)
            moved.append(bench.observed(replace(person, trans=person.trans + place)))
    slopes = _Means()
    for name, every in bench.estimates(moved).items():
        statures = torch.stack([stature(bench.body, poses.betas).mean() for poses in every])
        for of_one_person in statures.split(len(DISTANCES)):
            slopes.add(name, slope(torch.tensor(DISTANCES), of_one_person)[None].abs())
    yield WeakPoint("stature that changes with distance", "mm/m", slopes.means)


def _spine(bench: _Bench) -> Iterator[WeakPoint]:
    """People who stand with an arched or a hunched back: how often the spine bends to the right side in the estimate."""
    bends = BENDS * len(bench.some_people)
    for view, turn in (("front", 0.0), ("side", torch.pi / 2)):
        bent = []
        for person in bench.some_people:
            betas = person.betas[:1].expand(_BENT_FRAMES, -1)
            bent += [bench.observed(standing(bend, turn, betas)) for bend in BENDS]
        right = _Means()
        for name, every in bench.estimates(bent).items():
            for poses, bend in zip(every, bends, strict=True):
                right.add(name, (forward_bend(poses.rotations) * bend > 0).double())
        yield WeakPoint(f"arched or hunched back, {view} view: share of right signs", "", right.means, 1.0)


def standing(bend: float, turn: float, betas: Tensor) -> Poses:
    """Somebody of betas (T, 10) who stands 4 m away with hanging arms, ``turn`` radians from facing the camera, each joint of the
    spine bent forward by ``bend`` radians, neck and head together back by half of that."""
    pose = torch.zeros(24, 3)
    for joint in _SPINE:
        pose[joint, 0] = bend
    pose[12, 0] = pose[15, 0] = -0.75 * bend
    pose[16, 2], pose[17, 2] = -1.2, 1.2
    rotations = axis_angle_to_matrix(pose)
    rotations[0] = _FACING @ axis_angle_to_matrix(torch.tensor([0.0, turn, 0.0]))
    return Poses(rotations.expand(len(betas), -1, -1, -1), betas, torch.tensor([0.0, 0.0, 4.0]).expand(len(betas), 3))


def forward_bend(rotations: Tensor) -> Tensor:
    """(T,) how far forward the chest's upright leans against the pelvis', as a sine; local rotations (T, 24, 3, 3)."""
    chest = rotations[:, 3] @ rotations[:, 6] @ rotations[:, 9]
    return chest[:, 2, 1]


def stature(body: Body, betas: Tensor) -> Tensor:
    """Millimetres from the ankles to the head joint at rest; betas (..., 10) -> (...)."""
    joints = body.rest_joints(betas)
    return (joints[..., 15, 1] - joints[..., [7, 8], 1].mean(-1)) * metrics.MILLIMETRES


def slope(x: Tensor, y: Tensor) -> Tensor:
    """Of the least-squares line through the points (N,), (N,)."""
    x, y = x - x.mean(), y - y.mean()
    return (x * y).sum() / x.square().sum()


def _limbs(joints: Tensor) -> Tensor:
    return metrics.at_hips(joints, joints)[:, LIMB_JOINTS]


class _Means:
    """Collects values by name and has their means."""

    def __init__(self) -> None:
        self.values: dict[str, list[Tensor]] = {}

    def add(self, name: str, values: Tensor) -> None:
        self.values.setdefault(name, []).append(values.double().flatten())

    @property
    def means(self) -> dict[str, float]:
        return {name: torch.cat(values).nanmean().item() for name, values in self.values.items()}
