"""The points of feet and hands that networks find beside COCO's, on any body: where they are at rest, and what they ride on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hmr_video.geometry.skeleton import JOINT_NAMES

# Tips: big toe, small toe and heel of the left foot, of the right; ends of the left thumb, index and little finger, of the right.
# Vertices of SMPL's mesh, and of no other, as smplx.vertex_ids has them.
SMPL_FACE = (332, 2800, 6260, 583, 4071)  # nose, left eye, right eye, left ear, right ear
SMPL_TIPS = (3216, 3226, 3387, 6617, 6624, 6787, 2746, 2319, 2673, 6191, 5782, 6133)
# From the wrist to a finger's end: where the thumb's second and the fingers' first knuckles lie, as bones of the hand go.
_KNUCKLES = (0.77, 0.51, 0.51)
_FEET = 6


@dataclass(frozen=True)
class LimbEnds:
    """Twelve points: those of the feet lie on the skin, those of the hands inside, and the hands are as one with the wrists.

    Attributes:
        template: (12, 3) metres at rest; shapedirs: (12, 3, 10) how they move with betas.
        weights: (12, 24) how much each joint moves each.
    """

    template: Tensor
    shapedirs: Tensor
    weights: Tensor

    def posed(self, joints: Tensor, turned: Tensor, rest_joints: Tensor, betas: Tensor) -> Tensor:
        """The points (..., 12, 3) for joints and their rotations as `Body.joints` gives them, linearly blended."""
        rest = self.template.to(betas) + torch.einsum("pcb,...b->...pc", self.shapedirs.to(betas), betas)
        return skin(rest, self.weights, joints, turned, rest_joints)


def skin(points: Tensor, weights: Tensor, joints: Tensor, turned: Tensor, rest_joints: Tensor) -> Tensor:
    """Points at rest (..., P, 3) of weights (P, 24), posed: v' = sum_j w_j (G_j (v - J_j) + J'_j) (Loper et al., SMPL, 2015).

    Joints and their rotations as `Body.joints` gives them; rest_joints (..., 24, 3).
    """
    offset = joints - (turned @ rest_joints[..., None]).squeeze(-1)  # (..., 24, 3)
    frames = torch.cat([turned, offset[..., None]], -1).flatten(-2)  # (..., 24, 12)
    blended = (weights.to(points) @ frames).unflatten(-1, (3, 4))  # (..., P, 3, 4)
    return (blended[..., :3] * points[..., None, :]).sum(-1) + blended[..., 3]


def limb_ends(
    tips: Sequence[int], template: Tensor, shapedirs: Tensor, weights: Tensor, joint_template: Tensor, joint_shapedirs: Tensor
) -> LimbEnds:
    """The points of a body from its ``tips``: vertices (V, 3), (V, 3, 10), weights (V, 24), joints (24, 3), (24, 3, 10)."""
    chosen = torch.tensor(tips)
    ends, directions, carried = template[chosen].clone(), shapedirs[chosen].clone(), weights[chosen].clone()
    for side, first in (("left", _FEET), ("right", _FEET + 3)):
        wrist = JOINT_NAMES.index(f"{side}_wrist")
        for point, share in enumerate(_KNUCKLES, first):
            ends[point] = torch.lerp(joint_template[wrist], ends[point], share)
            directions[point] = torch.lerp(joint_shapedirs[wrist], directions[point], share)
            carried[point] = torch.eye(len(JOINT_NAMES))[wrist]
    return LimbEnds(ends, directions, carried)


def find_tips(template: NDArray[np.float32], weights: NDArray[np.float32]) -> list[int]:
    """The tips, in their order, of a body (V, 3) that stands with its arms stretched out, palms down, and weights (V, 24).

    Toes reach forward, the big one innermost; fingers reach outward, the index foremost, and the thumb forward.
    """
    found = {side: _tips_of(template * [sign, 1, 1], weights, side) for side, sign in (("left", 1), ("right", -1))}
    return [tip for part in (slice(0, 3), slice(3, 6)) for side in ("left", "right") for tip in found[side][part]]


def _tips_of(points: NDArray[np.float64], weights: NDArray[np.float32], side: str) -> list[int]:
    outward, up, forward = points.T

    def carried(*names: str) -> NDArray[np.bool_]:
        joints = [JOINT_NAMES.index(f"{side}_{name}") for name in names]
        return np.asarray(weights[:, joints].sum(1) > 0.5)

    def furthest(part: NDArray[np.bool_], direction: NDArray[np.float64]) -> int:
        return int(np.where(part, direction, -np.inf).argmax())

    def within(part: NDArray[np.bool_], direction: NDArray[np.float64], low: float, high: float) -> NDArray[np.bool_]:
        """What of a part lies between two shares of its extent in a direction."""
        least, most = direction[part].min(), direction[part].max()
        return part & (direction >= least + low * (most - least)) & (direction <= least + high * (most - least))

    toes, foot, fingers = carried("foot"), carried("ankle", "foot"), carried("hand")
    return [
        furthest(within(toes, outward, 0, 0.5), forward),
        furthest(within(toes, outward, 0.87, 1), forward),
        furthest(within(foot, up, 0, 0.3), -forward),
        furthest(carried("wrist", "hand"), forward),
        furthest(within(fingers, forward, 0.85, 1), outward),
        furthest(within(fingers, forward, 0, 0.1), outward),
    ]
