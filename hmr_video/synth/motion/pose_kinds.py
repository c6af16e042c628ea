"""Kinds of pose, told from where the joints are: to count what a collection holds, and to draw more of what is rare."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from hmr_video.body import Body
from hmr_video.features.keypoints import MODEL_FRAME_RATE
from hmr_video.geometry.rotations import six_d_to_matrix
from hmr_video.geometry.skeleton import JOINT_NAMES
from hmr_video.mocap.clips import Mocap, folder_of
from hmr_video.synth.motion.invented import InventedConfig, Inventor

KINDS = (
    "sitting", "squatting", "kneeling", "lying", "crawling", "upside down", "straddling", "lunging", "arms crossed",
    "hands behind the back", "arms raised",
)  # fmt: skip
WANTED = 0.04  # share of the frames that each kind should have
MOST = 4.0  # times as often a rare kind is drawn
_CHUNK = 20_000  # frames at once
_MADE_UP = 4000  # poses to count


@dataclass(frozen=True)
class _Frames:
    """Joints (N, 24, 3) metres, y up, with the axes of the person: ``across`` to the left, ``forward``, (N, 3), level."""

    joints: Tensor

    def __getitem__(self, name: str) -> Tensor:
        return self.joints[:, JOINT_NAMES.index(name)]

    def height(self, name: str) -> Tensor:
        """(N,) above the lowest joint."""
        return self[name][:, 1] - self.joints[..., 1].amin(1)

    def upward(self, start: str, end: str) -> Tensor:
        """(N,) how steeply a bone points up: 1 straight up, -1 straight down."""
        return torch.nn.functional.normalize(self[end] - self[start], dim=-1)[:, 1]

    @property
    def across(self) -> Tensor:
        """(N, 3) level, to the person's left."""
        line = self["left_hip"] - self["right_hip"] + self["left_shoulder"] - self["right_shoulder"]
        return torch.nn.functional.normalize(line * torch.tensor([1.0, 0.0, 1.0]), dim=-1)

    @property
    def chest(self) -> tuple[Tensor, Tensor]:
        """Left and forward (N, 3) of the chest, however it lies."""
        left = torch.nn.functional.normalize(self["left_shoulder"] - self["right_shoulder"], dim=-1)
        ahead = torch.linalg.cross(left, self["neck"] - self["pelvis"])
        return left, torch.nn.functional.normalize(ahead, dim=-1)

    def bent(self, upper: str, middle: str, lower: str) -> Tensor:
        """(N,) degrees by which a limb is bent."""
        first, second = self[middle] - self[upper], self[lower] - self[middle]
        return torch.nn.functional.cosine_similarity(first, second, dim=-1).clamp(-1, 1).acos().rad2deg()


def kinds_of(joints: Tensor) -> Tensor:
    """Which of ``KINDS`` poses are, (N, K) booleans, for joints (N, 24, 3) in the world, y up: many none, some several."""
    at = _Frames(joints)
    upright, seat = at.upward("pelvis", "neck"), at.height("pelvis")
    thighs = torch.stack([at.upward(f"{side}_hip", f"{side}_knee") for side in ("left", "right")])
    knees = torch.stack([at.height(f"{side}_knee") for side in ("left", "right")])
    ankles = torch.stack([at.height(f"{side}_ankle") for side in ("left", "right")])
    bends = torch.stack([at.bent(f"{side}_hip", f"{side}_knee", f"{side}_ankle") for side in ("left", "right")])
    wrists = torch.stack([at.height(f"{side}_wrist") for side in ("left", "right")])
    apart = at["left_ankle"] - at["right_ankle"]
    aside = (apart * at.across).sum(-1)
    ahead = (apart * torch.tensor([1.0, 0.0, 1.0]) - aside[:, None] * at.across).norm(dim=-1)
    feet = (at["left_ankle"] + at["right_ankle"]) / 2
    behind_feet = ((at["pelvis"] - feet) * torch.tensor([1.0, 0.0, 1.0])).norm(dim=-1)

    lying = (upright < 0.5) & (seat < 0.35) & (at.height("neck") < 0.55)
    crawling = ~lying & (upright.abs() < 0.8) & (wrists.amax(0) < 0.25) & (seat > 0.3)
    kneeling = ((knees < 0.16) & (ankles < 0.22) & (bends > 45)).any(0) & (upright > 0.5) & (seat > 0.22) & ~crawling
    folded = (thighs > -0.6).all(0) & (upright > 0.5) & ~kneeling & ~crawling & ~lying
    sitting = folded & ((seat < 0.25) | (behind_feet > 0.25))
    standing = (seat > 0.4) & (upright > 0.4) & ~sitting & ~kneeling & ~crawling
    left, forward = at.chest
    middle = (at["neck"] + at["pelvis"]) / 2

    def of_hands(axis: Tensor) -> Tensor:
        return torch.stack([((at[f"{side}_wrist"] - middle) * axis).sum(-1) for side in ("left", "right")])

    sideways, before = of_hands(left), of_hands(forward)
    elbows = torch.stack([at.bent(f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist") for side in ("left", "right")])
    found = {
        "sitting": sitting,
        "squatting": folded & ~sitting,
        "kneeling": kneeling,
        "lying": lying,
        "crawling": crawling,
        "upside down": upright < -0.3,
        "straddling": standing & (aside > 0.65),
        "lunging": standing & (ahead > 0.7) & (bends.amax(0) > 50) & (ankles.amax(0) < 0.35),
        "arms crossed": (sideways[0] < 0) & (sideways[1] > 0) & (before > 0).all(0) & (elbows > 60).all(0),
        "hands behind the back": (before < -0.05).all(0) & (sideways.abs() < 0.22).all(0) & (elbows > 25).all(0),
        "arms raised": (torch.stack([at["left_wrist"], at["right_wrist"]])[..., 1] > at["head"][:, 1]).all(0),
    }
    return torch.stack([found[name] for name in KINDS], -1)


def kinds_of_mocap(mocap: Mocap, body: Body) -> Tensor:
    """(N, K) for every frame of a collection, on the mean shape."""
    found = []
    for some in mocap.rotations.split(_CHUNK):
        joints, _ = body.joints(six_d_to_matrix(some), torch.zeros(len(some), 10))
        found.append(kinds_of(joints))
    return torch.cat(found)


def frame_weights(mocap: Mocap, clip_weights: Tensor, kinds: Tensor | None) -> Tensor:
    """(N,) probabilities of frames, for those of clips (C,): of kinds (N, K), if they are given, the rare more often, by the root
    of what they lack."""
    weights = (clip_weights / mocap.lengths).repeat_interleave(mocap.lengths)
    if kinds is None:
        return weights
    share = (weights[:, None] * kinds).sum(0) / weights.sum()
    boost = (WANTED / share.clamp_min(1e-6)).sqrt().clamp(1.0, MOST)
    weights = weights * torch.where(kinds, boost, 1.0).amax(1)
    return weights / weights.sum()


def table(mocap: Mocap, body: Body, clip_weights: Tensor, invention: InventedConfig) -> Iterator[tuple[str, list[float]]]:
    """Lines of a table, in all and of each kind: seconds of every collection; per cent of all as it lies, as it is drawn for
    clips of ``clip_weights`` (C,), and of poses made up."""
    kinds = kinds_of_mocap(mocap, body)
    names = [folder_of(source) or "." for source in mocap.sources]
    for name in sorted(set(names)):
        member = torch.tensor([other == name for other in names]).repeat_interleave(mocap.lengths)
        seconds = kinds[member].sum(0) / MODEL_FRAME_RATE
        yield name, [int(member.sum()) / MODEL_FRAME_RATE, *seconds.tolist()]
    drawn = frame_weights(mocap, clip_weights, kinds).double()
    yield "all, %", [100.0, *(100 * kinds.double().mean(0)).tolist()]
    yield "drawn, %", [100.0, *(100 * (drawn[:, None] * kinds).sum(0)).tolist()]
    still = torch.eye(3).expand(_MADE_UP, 1, 24, 3, 3)
    rotations, _, _ = Inventor(body, invention).windows(still, Generator().manual_seed(0))
    joints, _ = body.joints(rotations[:, 0], torch.zeros(_MADE_UP, 10))
    yield "made up, %", [100.0, *(100 * kinds_of(joints).double().mean(0)).tolist()]
