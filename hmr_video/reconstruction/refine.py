"""Fits whole tracks to their 2D evidence: one shape per person, translation in metres, smooth joints, near the model's prior.

An energy over all frames of all people is minimised with L-BFGS. Each term is a negative log-likelihood with a standard
deviation in physical units, so that every number below can be argued about. Only joints are computed, never a mesh.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from threadpoolctl import threadpool_limits
from torch import Tensor

from hmr_video.body import Body
from hmr_video.geometry import Array
from hmr_video.geometry.cameras import project
from hmr_video.geometry.rotations import axis_angle_to_matrix, matrix_to_six_d, six_d_to_matrix
from hmr_video.geometry.skeleton import BODY_LANDMARKS, COCO_FACE, COCO_LIMBS, FOOT_LANDMARKS, HAND_LANDMARKS, LANDMARKS
from hmr_video.reconstruction.likelihood import heavy_tailed, robust, trust
from hmr_video.reconstruction.person import Estimate, Evidence
from hmr_video.reconstruction.standing import FEET, standing
from hmr_video.reconstruction.temporal import cosine_basis, smoothed, usual_amplitudes

STATURE = 1.7  # metres; turns image errors into fractions of a person's height


@dataclass(frozen=True)
class RefineConfig:
    """Standard deviations of the terms, and how long to search."""

    keypoint: float = 0.015  # of a fully trusted keypoint, as a fraction of the person's height on the image
    outlier: float = 4.0  # deviations from which a keypoint loses its pull
    face_trust: float = 0.4
    foot_trust: float = 0.4  # of toes and heels, whose places differ between shoes
    hand_trust: float = 0.15  # of thumbs and knuckles, which are small
    pose: float = 0.15  # radians between the model's and the refined rotation of a limb joint
    root: float = 0.1  # the same of the whole body's direction
    stiff_pose: float = 0.06  # the same of joints that no keypoint shows: spine, collars, neck, head, feet, hands
    end_pose: float = 0.3  # the same of ankles and wrists in frames that show toes and heels, or thumbs and knuckles
    drift: float = 2.5  # radians/s of change in that difference, at a tempo of at most 1
    acceleration: float = 75.0  # m/s^2 of joints at a tempo of 1, see `tempo`; the tails are heavy, fast strokes are allowed
    acceleration_in_depth: float = 33.0  # the same along the view, where more of what one sees is noise
    trans_acceleration: float = 3.0  # m/s^2 of the whole body in depth
    across_acceleration: float = 3.0  # m/s^2 of the whole body across the view
    joints_against_body: bool = False  # whether `acceleration` leaves out how the body moves across the view
    depth: float = 0.15  # relative, against the model's distance where keypoints say little
    shape: float = 0.25  # betas; far below their spread, because keypoints err alike in all frames and bend bones at will
    standing: float = 0.2  # m/s of feet that stand on the image, see `standing`
    steps: tuple[int, int] = (6, 30)  # search steps before and after outliers lose their pull


# A moving camera moves everybody across the view, as fast as a pan swings.
MOVING_CAMERA = RefineConfig(across_acceleration=60.0, joints_against_body=True)

POSE_SMOOTHING = 0.04  # seconds: the deviation of the Gaussian that the search's first guess is smoothed by
BRISK_SMOOTHING = 0.3  # power of the tempo, if above 1, that this is divided by
DISTANCE_SMOOTHING = 0.2  # seconds, likewise, of its distance: who stands far away looks alike at many, and the model's wavers
TEMPO_ACCELERATION = 2.0  # m/s^2: joints that accelerate so much have the tempo 1
TEMPO_POWER = 2.5  # power of the tempo: what trembles slightly is nearly all noise, what swings hardly any
LOWEST_TEMPO, HIGHEST_TEMPO = 0.12, 8.0  # tempo
WELL_SEEN = 0.8  # mean trust of the limbs, from which a tempo is believed
LOOSEST = 2.0  # how much further than `pose` brisk bodies may turn from the model, which swings their limbs too little
TOLERANCES = (10.0, 1.0)  # of the two searches, see `_Problem.energy`
BLOCK, OVERLAP = 480, 60  # frames of a long track that are solved at once, and how many of them the next block shares
GROUP = 4000  # frames of all people that are solved at once
_HISTORY = 20  # pairs of step and change of gradient that stand for the curvature of the energy

# Stature, the first shape number, is left as the model has it: one view cannot tell it from distance, and every term in metres
# would be the smaller, the smaller the body.
_PROPORTIONS = torch.tensor([0.0] + [1.0] * 9)

# Joints whose place a COCO keypoint shows directly (or whose child's place does).
_SHOWN = (1, 2, 4, 5, 16, 17, 18, 19)
COCO = BODY_LANDMARKS.stop  # points of the body alone
# Ankles and wrists, and the landmarks beyond them, which show how they are turned.
_ENDS = {7: [17, 18, 19], 8: [20, 21, 22], 20: [23, 24, 25], 21: [26, 27, 28]}
ENDS_SEEN = 0.5  # confidence of two of these, from which they do


def refine(
    estimates: Sequence[Estimate],
    keypoints: Sequence[Tensor],
    timestamps: Sequence[Tensor],
    camera_matrix: Tensor,
    body: Body,
    config: RefineConfig | None = None,
    fixed_shape: bool = False,
    stages: Sequence[Tensor] | None = None,
) -> list[Estimate]:
    """Improves the estimates of P people, all at once.

    keypoints: (T, 17 or 29, 3) pixels and confidence per person, COCO's or all `LANDMARKS`; timestamps: (T,) seconds per person,
    increasing; camera_matrix: (3, 3). ``config``: ``MOVING_CAMERA`` for a camera that moves, nobody knows how.
    ``fixed_shape`` keeps the betas. ``stages``: the camera's known path, (T, 4, 4) per person, in whose space motion is smooth.
    Returns estimates of the same lengths.
    """
    config = config or RefineConfig()

    def solve(chosen: list[Evidence], fixed: bool) -> list[Estimate]:
        return _Problem(chosen, camera_matrix, body, config, fixed).solve()

    paths: Sequence[Tensor | None] = stages or [None] * len(estimates)
    tracks = [Evidence(*parts) for parts in zip(estimates, keypoints, timestamps, paths, strict=True)]
    refined: dict[int, Estimate] = {}
    with _one_thread():
        short = [index for index, track in enumerate(tracks) if len(track) <= BLOCK + OVERLAP]
        for group in _groups(short, [len(track) for track in tracks]):
            refined |= zip(group, solve([tracks[index] for index in group], fixed_shape), strict=True)
        for index in set(range(len(tracks))) - set(short):
            from hmr_video.reconstruction.blocks import refine_long

            refined[index] = refine_long(tracks[index], solve, fixed_shape, BLOCK, OVERLAP)
    return [refined[index] for index in range(len(tracks))]


def _groups(indices: list[int], lengths: list[int]) -> list[list[int]]:
    """The tracks of so many people as are solved at once: up to ``GROUP`` frames in all."""
    groups: list[list[int]] = []
    for index in indices:
        if groups and sum(lengths[other] for other in (*groups[-1], index)) <= GROUP:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups


@contextmanager
def _one_thread() -> Iterator[None]:
    """The work is thousands of small operations, each over before a second thread has woken up."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1, "blas"):
            yield
    finally:
        torch.set_num_threads(threads)


def _point_weights(config: RefineConfig) -> Tensor:
    """(29,) how much each landmark counts."""
    weights = torch.ones(len(LANDMARKS))
    for points, weight in (
        (list(COCO_FACE), config.face_trust),
        (FOOT_LANDMARKS, config.foot_trust),
        (HAND_LANDMARKS, config.hand_trust),
    ):
        weights[points] = weight
    return weights


def calmed(estimate: Estimate, timestamps: Tensor, brisk: Tensor) -> Estimate:
    """The estimate without the jitter of single frames, which a search would need many steps to remove: each frame becomes the
    Gaussian mean of its neighbours, rotations by their first two columns, the place by its ray and its distance. Of fewer
    neighbours where the tempo ``brisk`` (T,) is high."""
    deviation = POSE_SMOOTHING / brisk.clamp_min(1.0)[:, None] ** BRISK_SMOOTHING
    columns = smoothed(matrix_to_six_d(estimate.rotations).flatten(1), timestamps, deviation).view(-1, 24, 6)
    ray = smoothed(estimate.trans[:, :2] / estimate.trans[:, 2:], timestamps, deviation)
    depth = smoothed(estimate.trans[:, 2:].log(), timestamps, DISTANCE_SMOOTHING).exp()
    return Estimate(six_d_to_matrix(columns), estimate.betas, torch.cat([ray * depth, depth], -1))


def tempo(estimate: Estimate, timestamps: Tensor, body: Body) -> Tensor:
    """How briskly a body moves about each frame (T,): its joints' mean acceleration against the pelvis over `TEMPO_ACCELERATION`,
    to the power `TEMPO_POWER`.

    What trembles while the body hardly moves is noise; in a kick the same is motion.
    """
    if len(timestamps) < 3:
        return torch.ones(len(timestamps))
    joints, _ = body.joints(estimate.rotations, estimate.betas.expand(len(timestamps), -1))
    places = smoothed((joints - joints[:, :1]).flatten(1), timestamps, 0.1).view_as(joints)
    step = timestamps.diff().float().clamp_min(1e-3)[:, None, None]
    acceleration = (places.diff(dim=0) / step).diff(dim=0) / ((step[1:] + step[:-1]) / 2)
    strength = acceleration.norm(dim=-1).mean(-1, keepdim=True)
    strength = smoothed(torch.cat([strength[:1], strength, strength[-1:]]), timestamps, 0.3)
    return ((strength.squeeze(-1) / TEMPO_ACCELERATION) ** TEMPO_POWER).clamp(LOWEST_TEMPO, HIGHEST_TEMPO)


def evident(brisk: Tensor, track: Evidence) -> Tensor:
    """A track's tempo (T,), of which what exceeds 1 counts as far as limbs are seen: the model's guesses at others jump."""
    seen = trust(track.keypoints[..., 2])[:, list(COCO_LIMBS)].mean(1, keepdim=True)
    share = (smoothed(seen, track.timestamps, 0.2).squeeze(-1) / WELL_SEEN).clamp_max(1.0)
    return torch.where(brisk > 1, torch.lerp(torch.ones_like(brisk), brisk, share), brisk)


class _Problem:
    """All people's frames one after the other (N = sum of T), as one energy of one parameter vector."""

    def __init__(
        self, tracks: list[Evidence], camera_matrix: Tensor, body: Body, config: RefineConfig, fixed_shape: bool
    ) -> None:
        timestamps = [track.timestamps for track in tracks]
        tempos = [evident(tempo(track.estimate, track.timestamps, body), track) for track in tracks]
        estimates = [calmed(track.estimate, *parts) for track, *parts in zip(tracks, timestamps, tempos, strict=True)]
        self.body, self.config, self.camera_matrix, self.fixed_shape = body, config, camera_matrix, fixed_shape
        self.lengths = [len(estimate.trans) for estimate in estimates]
        self.points = tracks[0].keypoints.shape[1]
        person = torch.repeat_interleave(torch.arange(len(estimates)), torch.tensor(self.lengths))
        self.person = person
        self.rotations = torch.cat([estimate.rotations for estimate in estimates])
        self.betas = torch.stack([estimate.betas for estimate in estimates])
        self.trans = torch.cat([estimate.trans for estimate in estimates])
        brisk = torch.cat(tempos)
        self.distance = self.trans[:, 2:]  # at which movement across the view is measured: nearness may not pay
        self.keypoints = torch.cat([track.keypoints for track in tracks])
        paths = [track.stage.float() for track in tracks if track.stage is not None]
        self.stage = torch.cat(paths) if paths else None
        self.trust = torch.cat([trust(track.keypoints[..., 2]) for track in tracks]) * _point_weights(config)[: self.points]
        self.pixels_per_height = camera_matrix[1, 1] * STATURE / self.trans[:, 2].clamp_min(0.3)

        steps = torch.cat([torch.cat([times.diff(), times.new_ones(1)]) for times in timestamps]).float().clamp_min(1e-3)
        same = person[1:] == person[:-1]
        self.pairs = torch.nonzero(same).squeeze(-1)  # frames with a successor
        self.triples = torch.nonzero(same[1:] & same[:-1]).squeeze(-1)  # frames with two
        self.step = steps[self.pairs, None, None]
        self.first_step = steps[self.triples, None, None]
        self.second_step = steps[self.triples + 1, None, None]

        shown = torch.zeros(24, dtype=torch.bool)
        shown[list(_SHOWN)] = True
        deviation = torch.where(shown, config.pose, config.stiff_pose)
        deviation[0] = config.root
        deviation = self._with_ends(deviation.repeat(len(person), 1))[..., None]
        self.pose_deviation = deviation * brisk.sqrt().clamp(1.0, LOOSEST)[:, None, None]
        self.usual_drift = self.step * config.drift * brisk[self.pairs, None, None].clamp_min(1.0)
        usual = torch.tensor([config.acceleration, config.acceleration, config.acceleration_in_depth])
        self.usual_acceleration = usual * brisk[self.triples + 1, None, None]
        self.usual_sway = torch.tensor([config.across_acceleration, config.across_acceleration, config.trans_acceleration])
        self.still = self._still(timestamps)
        self.bases = [cosine_basis(length) for length in self.lengths]
        self.scales = [
            usual_amplitudes(times, float(one.log().mean().exp())) for times, one in zip(timestamps, tempos, strict=True)
        ]
        self.parameters = torch.zeros(len(person) * 75 + self.betas.numel(), requires_grad=True)

    def _with_ends(self, deviation: Tensor) -> Tensor:
        """Deviations (N, 24) of joints, looser for ankles and wrists in frames in which the points beyond them are seen."""
        for joint, points in _ENDS.items():
            if points[-1] < self.points:
                seen = (self.keypoints[:, points, 2] > ENDS_SEEN).sum(-1) >= 2
                deviation[seen, joint] = self.config.end_pose
        return deviation

    def _still(self, timestamps: list[Tensor]) -> Tensor:
        """(pairs, 4) how surely each of `FEET` stands from a frame to the next; 0 before a camera that moves nobody knows how."""
        if self.config.joints_against_body:
            return torch.zeros(len(self.pairs), len(FEET))
        points = self.keypoints[..., :2]
        if self.stage is not None:
            from hmr_video.reconstruction.moving import as_from_one_place

            pieces = [values.split(self.lengths) for values in (points, self.trans[:, 2], self.stage)]
            points = torch.cat(
                [as_from_one_place(shown, depth, stage, self.camera_matrix) for shown, depth, stage in zip(*pieces, strict=True)]
            )
        evidence = (points, self.trust, self.pixels_per_height / STATURE)
        parts = (values.split(self.lengths) for values in evidence)
        return torch.cat([standing(*one) for one in zip(*parts, timestamps, strict=True)])

    def unpack(self) -> tuple[Tensor, Tensor, Tensor]:
        """Turns (N, 24, 3), trans (N, 3) and betas (P, 10) from the parameter vector.

        It holds amplitudes over temporal frequencies, each scaled by how stiff the energy is there: so the search takes tens of
        steps where amplitudes over frames, tied to their neighbours by acceleration, take thousands.
        """
        count = len(self.person)
        amplitudes, shape = self.parameters.split([count * 75, self.betas.numel()])
        parts = amplitudes.view(count, 75).split(self.lengths)
        changes = torch.cat([base @ (scale * part) for base, scale, part in zip(self.bases, self.scales, parts, strict=True)])
        turns, moves = changes[:, :72].view(count, 24, 3), changes[:, 72:]
        depth = self.trans[:, 2:] * moves[:, 2:].exp()
        trans = torch.cat([self.trans[:, :2] / self.trans[:, 2:] * depth + moves[:, :2], depth], -1)
        betas = self.betas if self.fixed_shape else self.betas + shape.view_as(self.betas) * 0.3 * _PROPORTIONS
        return turns, trans, betas

    def energy(self, tolerance: float) -> Tensor:
        """The negative log-likelihood, up to a constant. Robust losses turn flat ``tolerance`` times later than configured."""
        config = self.config
        turns, trans, betas = self.unpack()
        shape = betas[self.person]
        joints, turned = self.body.joints(self.rotations @ axis_angle_to_matrix(turns), shape)
        show = self.body.coco_from_joints if self.points == COCO else self.body.landmarks_from_joints
        points = project(show(joints, turned, shape) + trans[:, None], self.camera_matrix)
        error = (points - self.keypoints[..., :2]) / (self.pixels_per_height[:, None, None] * config.keypoint)
        evidence = (self.trust * robust(error.square().sum(-1), config.outlier * tolerance)).sum()
        prior = (turns / self.pose_deviation).square().sum()
        drift = (turns[self.pairs + 1] - turns[self.pairs]) / self.usual_drift
        across, depth = trans[:, :2] / trans[:, 2:] * self.distance, trans[:, 2:]
        carried = torch.zeros_like(across) if config.joints_against_body else across
        placed = joints + torch.cat([carried, depth], -1)[:, None]
        acceleration = self.acceleration(placed) / self.usual_acceleration
        sway = self.acceleration(torch.cat([across, depth], -1)[:, None]) / self.usual_sway
        smoothness = heavy_tailed(acceleration.square().sum(-1), tolerance).sum()
        smoothness = smoothness + heavy_tailed(sway.square().sum(-1), tolerance).sum()
        feet = self.in_stage(placed[:, FEET])
        slide = (feet[self.pairs + 1] - feet[self.pairs]) / (self.step * config.standing)
        contact = (self.still * robust(slide.square().sum(-1), config.outlier * tolerance)).sum()
        distance = ((trans[:, 2] / self.trans[:, 2]).log() / config.depth).square().sum()
        size = (shape / config.shape).square().sum()
        return evidence + prior + drift.square().sum() + smoothness + contact + distance + size

    def acceleration(self, points: Tensor) -> Tensor:
        """m/s^2 of points (N, J, 3) by differences over uneven time steps; (M, J, 3) at frames inside each person's track.

        Along the axes of the camera of the moment, against the world where the camera's path is known.
        """
        points = self.in_stage(points)
        speed_in = (points[self.triples + 1] - points[self.triples]) / self.first_step
        speed_out = (points[self.triples + 2] - points[self.triples + 1]) / self.second_step
        found = 2 * (speed_out - speed_in) / (self.first_step + self.second_step)
        return found if self.stage is None else found @ self.stage[self.triples + 1, :3, :3]

    def in_stage(self, points: Tensor) -> Tensor:
        """Points (N, J, 3) of the cameras' spaces in the one that their path leads through, where it is known."""
        if self.stage is None:
            return points
        return points @ self.stage[:, :3, :3].mT + self.stage[:, None, :3, 3]

    def solve(self) -> list[Estimate]:
        """Two searches: first all keypoints pull and all jerks count, then outliers of both no more. An estimate per person."""
        for steps, tolerance in zip(self.config.steps, TOLERANCES, strict=True):
            minimise(partial(self.energy, tolerance), self.parameters, steps)
        with torch.no_grad():
            turns, trans, betas = self.unpack()
            rotations = self.rotations @ axis_angle_to_matrix(turns)
        parts = zip(rotations.split(self.lengths), betas, trans.split(self.lengths), strict=True)
        return [Estimate(*part) for part in parts]


def minimise(energy: Callable[[], Tensor], parameters: Tensor, steps: int) -> None:
    """Changes ``parameters`` (N,), a leaf, so that ``energy()`` falls: up to ``steps`` times, until it falls no longer.

    Scipy's L-BFGS down a torch energy. Parameters are best scaled so that each is expected to change by about 1.
    """
    from scipy.optimize import minimize  # a quarter of a second, which who only imports need not wait for

    def look(values: Array) -> tuple[float, Array]:
        with torch.no_grad():
            parameters.copy_(torch.from_numpy(values))
        value = energy()
        (gradient,) = torch.autograd.grad(value, parameters)
        return value.item(), gradient.double().numpy()

    limits = {"maxiter": steps, "maxfun": max(steps * 5 // 4, 2), "maxcor": _HISTORY, "ftol": 1e-9, "gtol": 1e-6}
    found = minimize(look, np.asarray(parameters.detach().double()), method="L-BFGS-B", jac=True, options=limits)
    with torch.no_grad():
        parameters.copy_(torch.from_numpy(found.x))
