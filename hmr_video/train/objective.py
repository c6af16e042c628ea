"""What training minimises: the paper's losses in the shipped model's units, present, past and future."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hmr_video.body import Body
from hmr_video.geometry.metrics import at_hips
from hmr_video.geometry.skeleton import PARENTS
from hmr_video.model.hmmr import HMMR, Prediction
from hmr_video.model.losses import (
    acceleration_loss,
    adversarial_loss,
    bone_direction_loss,
    hallucination_loss,
    shape_variance_loss,
)
from hmr_video.synth.synthetic import Batch, relative_ends
from hmr_video.train.pseudo_labels import TrackBatch
from hmr_video.train.track_terms import delta_term, in_box, judged_poses, present_terms


@dataclass(frozen=True)
class ObjectiveWeights:
    """The factor of each term, on metres, box units and rotation matrices.

    ``ends`` is of feet's and hands' points, seen from ankles and wrists. ``deltas`` multiplies all terms of past and future,
    which are not even computed where it is 0; no discriminator is trained where ``adversarial`` is 0. The last three are for
    tracks without 3D labels.
    """

    rotations: float = 30.0
    joints: float = 20.0
    ends: float = 20.0
    points2d: float = 6.0
    bone_direction: float = 4.0
    betas: float = 0.05
    velocity: float = 40.0
    acceleration: float = 20.0
    shape_variance: float = 0.2
    deltas: float = 0.3
    hallucination: float = 1.0
    adversarial: float = 0.0
    track_points2d: float = 36.0
    shape_prior: float = 0.05
    constant_shape: float = 0.2


class Objective(nn.Module):
    """The model with its losses: ``forward(batch)`` gives weighted terms by name, whose sum is the loss.

    A module of its own, so that Fabric can run it in mixed precision and on several devices.
    The hallucinator follows the strips of the temporal encoder, which learns nothing from it; ``hallucinate`` trains it alone,
    the rest frozen, on what is made of its strips, too.
    ``judge``: scores (N, 24) of poses (N, 23, 3, 3) for the adversarial prior (see `Adversary`); none without it.
    """

    def __init__(
        self,
        model: HMMR,
        body: Body,
        weights: ObjectiveWeights,
        hallucinate: bool = False,
        judge: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.model, self.weights, self.hallucinate = model, weights, hallucinate
        self.body, self.judge = body, judge

    def forward(self, batch: Batch | None, tracks: TrackBatch | None = None) -> tuple[dict[str, Tensor], Tensor | None]:
        """A batch with 3D labels, tracks without, or both -> their terms, and the poses (N, 23, 3, 3) that ``judge`` saw."""
        batches = [one for one in (batch, tracks) if one is not None]
        looks = [self._look(one.features) for one in batches]
        terms: dict[str, Tensor] = {}
        poses = None
        gaps = [look.hallucination for look in looks if look.hallucination is not None]
        if gaps:
            terms["hallucination"] = self.weights.hallucination * torch.stack(gaps).mean()
        with torch.autocast(batches[0].features.device.type, enabled=False):  # geometry needs all its digits
            if batch:
                terms |= self._captured_terms(looks[0], batch)
            if tracks:
                terms |= self._track_terms(looks[-1], tracks)
            if self.judge:
                poses = judged_poses([prediction for look in looks for prediction in (look.present, *look.deltas)])
                terms["adversarial"] = self.weights.adversarial * adversarial_loss(self.judge(poses))
        return terms, poses

    def _look(self, features: Tensor) -> "_Look":
        phi = self.model.encode(features)
        strip = self.model.temporal(phi)
        hallucination = None
        if features.shape[1] > 1:
            dreamt = self.model.hallucinate(phi.detach())
            hallucination = hallucination_loss(strip.detach(), dreamt)
            strip = dreamt if self.hallucinate else strip
        present = self.model.regress_present(strip)[0]
        frames = delta_frames(features.shape[1], self.model.config.delta_frames)
        if not (len(frames) and self.weights.deltas):
            return _Look(present, frames, (), hallucination)
        chosen = Prediction(*(value[:, frames] for value in vars(present).values()))
        return _Look(present, frames, self.model.regress_deltas(strip[:, frames], chosen), hallucination)

    def _captured_terms(self, look: "_Look", batch: Batch) -> dict[str, Tensor]:
        terms = self._weighted(_present_terms(look.present, batch, self.body))
        for when, delta, targets in self._moments(look):
            joints = pelvis_joints(self.body, delta)
            pose = self._weighted(_pose_terms(delta.rotations, joints, batch.rotations[:, targets], batch.joints[:, targets]))
            terms |= {f"{when}_{name}": self.weights.deltas * value for name, value in pose.items()}
        return terms

    def _weighted(self, terms: dict[str, Tensor]) -> dict[str, Tensor]:
        """Each times the factor of its name."""
        return {name: getattr(self.weights, name) * value for name, value in terms.items()}

    def _track_terms(self, look: "_Look", tracks: TrackBatch) -> dict[str, Tensor]:
        weights = self.weights
        factors = {
            "points2d": weights.track_points2d,
            "shape_prior": weights.shape_prior,
            "constant_shape": weights.constant_shape,
        }
        present = present_terms(look.present, tracks, self.body)
        terms = {f"track_{name}": factors[name] * value for name, value in present.items()}
        for when, delta, targets in self._moments(look):
            factor = weights.deltas * weights.track_points2d
            terms[f"track_{when}_points2d"] = factor * delta_term(delta, targets, tracks, self.body)
        return terms

    def _moments(self, look: "_Look") -> Iterator[tuple[str, Prediction, Tensor]]:
        """Name, prediction and target frames of past and future, where there are any."""
        offset = self.model.config.delta_frames
        return zip(("past", "future"), look.deltas, (look.frames - offset, look.frames + offset), strict=False)


@dataclass(frozen=True)
class _Look:
    """What the model says of a batch: of every frame the present, of ``frames`` (K,) past and future, if it was asked."""

    present: Prediction
    frames: Tensor
    deltas: tuple[Prediction, ...]
    hallucination: Tensor | None


def delta_frames(length: int, offset: int) -> Tensor:
    """Frames whose past and future both lie inside the window, every third: neighbours would say the same at thrice the cost."""
    return torch.arange(offset, max(length - offset, offset), 3)


def _present_terms(present: Prediction, batch: Batch, body: Body) -> dict[str, Tensor]:
    """Unweighted, as all that follow, and named like their factors."""
    betas = present.betas.float()
    placed, turned = body.joints(present.rotations, betas)
    joints = placed - placed[..., :1, :]
    ends = relative_ends(body.landmarks_from_joints(placed, turned, betas), placed)
    terms = _pose_terms(present.rotations, joints, batch.rotations, batch.joints)
    terms["ends"] = (ends - batch.ends).norm(dim=-1).mean()
    points2d = in_box(joints, present.camera, batch.box)
    terms["points2d"] = (points2d - batch.points2d).norm(dim=-1).clamp_max(10).mean()
    terms["betas"] = (present.betas - batch.betas[:, None]).square().mean()
    if joints.shape[1] > 2:
        terms["velocity"] = (joints - batch.joints).diff(dim=1).norm(dim=-1).mean()
        terms["acceleration"] = acceleration_loss(joints, batch.joints)
        terms["shape_variance"] = shape_variance_loss(present.betas)
    return terms


def pelvis_joints(body: Body, prediction: Prediction) -> Tensor:
    """Joints (B, T, 24, 3) in metres relative to the pelvis."""
    joints, _ = body.joints(prediction.rotations, prediction.betas.float())
    return joints - joints[..., :1, :]


def _pose_terms(rotations: Tensor, joints: Tensor, true_rotations: Tensor, true_joints: Tensor) -> dict[str, Tensor]:
    return {
        "rotations": (rotations - true_rotations).square().mean(),
        "joints": (at_hips(joints, joints) - at_hips(true_joints, true_joints)).norm(dim=-1).mean(),
        "bone_direction": bone_direction_loss(joints, true_joints, PARENTS),
    }
