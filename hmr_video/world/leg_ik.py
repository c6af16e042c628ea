"""Legs and arms that reach for a place: the inverse kinematics of two bones, in closed form."""

from dataclasses import dataclass

import numpy as np
import torch

from hmr_video.geometry import Array
from hmr_video.geometry.rotations import skew

# Hip, knee and ankle of the left and the right leg.
HIPS, KNEES, ANKLES = (1, 2), (4, 5), (7, 8)
SHOULDERS, ELBOWS, WRISTS = (16, 17), (18, 19), (20, 21)
_STRAIGHT = 0.9995  # of its length does a leg reach: the knee of a straight one has no place to bend to
_KNEECAP = 0.1  # of the thigh: a knee that stands out less from the line of hip and ankle bends to where the thigh faces, too


@dataclass(frozen=True)
class Legs:
    """Both legs over time; L = 2, left and right. Or both arms: shoulders, elbows and wrists.

    Attributes:
        hips, knees, ankles: (T, L, 3) metres.
        thighs, shins: (T, L, 3, 3) rotations of hip and knee joint against the space of the points; their z axes face forward.
        bulge: whether the middle joint stands out along the first one's z axis, like knees (1), or against it, like elbows (-1).
    """

    hips: Array
    knees: Array
    ankles: Array
    thighs: Array
    shins: Array
    bulge: float = 1.0

    @classmethod
    def of(cls, joints: Array, turned: Array) -> "Legs":
        """The legs of bodies with joints (T, 24, 3) and their rotations (T, 24, 3, 3) against the same space."""
        return cls(joints[:, HIPS], joints[:, KNEES], joints[:, ANKLES], turned[:, HIPS], turned[:, KNEES])

    @classmethod
    def arms(cls, joints: Array, turned: Array) -> "Legs":
        """The arms of bodies, likewise."""
        return cls(
            joints[:, SHOULDERS], joints[:, ELBOWS], joints[:, WRISTS], turned[:, SHOULDERS], turned[:, ELBOWS], bulge=-1.0
        )

    def reached(self, targets: Array) -> Array:
        """(T, L) metres from the hip at which the ankle ends up on its way to ``targets`` (T, L, 3).

        A leg that has to be straighter than it was gives way the more the straighter it gets: knees that hit their stop jerk.
        """
        upper, lower = _length(self.knees - self.hips), _length(self.ankles - self.knees)
        wanted, had = _length(targets - self.hips), _length(self.ankles - self.hips)
        room = np.maximum(_STRAIGHT * (upper + lower) - had, 1e-4)
        eased = had + room * (1 - np.exp(-np.maximum(wanted - had, 0) / room))
        return np.maximum(np.where(wanted > had, eased, wanted), np.abs(upper - lower) + 1e-3)

    def towards(self, targets: Array) -> "Legs":
        """The legs with their ankles at ``targets`` (T, L, 3), or as near as :meth:`reached` says; bones keep their lengths.

        The knee goes on bending to where it did (a straight one: forward). Both bones turn the shortest way, so that they do not
        roll about their axes.
        """
        upper, lower = _length(self.knees - self.hips), _length(self.ankles - self.knees)
        wanted = targets - self.hips
        distance = self.reached(targets)
        ray = wanted / np.maximum(_length(wanted), 1e-6)[..., None]
        swing = between(self.ankles - self.hips, ray)
        pole = aside((swing @ (self.knees - self.hips)[..., None])[..., 0], ray)
        facing = aside((swing @ (self.bulge * self.thighs[..., :, 2:]))[..., 0], ray)
        pole += facing * np.maximum(_KNEECAP * upper - _length(pole), 0)[..., None]
        pole /= np.maximum(_length(pole), 1e-6)[..., None]
        knees = self.hips + bend(ray, pole, distance, upper, lower)
        ankles = self.hips + distance[..., None] * ray
        thighs = between(self.knees - self.hips, knees - self.hips) @ self.thighs
        shins = between(self.ankles - self.knees, ankles - knees) @ self.shins
        return Legs(self.hips, knees, ankles, thighs, shins, self.bulge)


def bend(ray: Array, pole: Array, distance: Array, upper: Array, lower: Array) -> Array:
    """(..., 3) from the start of two bones to where they meet, whose end is ``distance`` (...) away along the unit vector ``ray``
    (..., 3), on the side of the unit vector ``pole`` across it; ``upper`` and ``lower`` (...) are their lengths."""
    along = (upper**2 - lower**2 + distance**2) / (2 * distance)  # law of cosines
    across = np.sqrt(np.maximum(upper**2 - along**2, 0))
    return np.asarray(along[..., None] * ray + across[..., None] * pole)


def between(first: Array, second: Array) -> Array:
    """The smallest rotation (..., 3, 3) that turns one direction (..., 3) into another, not opposite to it; any lengths but 0."""
    a, b = first / _length(first)[..., None], second / _length(second)[..., None]
    k = skew(torch.from_numpy(np.cross(a, b))).numpy()
    cosine = (a * b).sum(-1)[..., None, None]
    return np.asarray(np.eye(3) + k + k @ k / (1 + cosine))


def aside(vectors: Array, ray: Array) -> Array:
    """What is left of vectors (..., 3) without their part along a unit vector."""
    return np.asarray(vectors - (vectors * ray).sum(-1, keepdims=True) * ray)


def inverse(rotations: Array) -> Array:
    """Of (..., 3, 3)."""
    return np.swapaxes(rotations, -1, -2)


def _length(vectors: Array) -> Array:
    return np.asarray(np.linalg.norm(vectors, axis=-1))
