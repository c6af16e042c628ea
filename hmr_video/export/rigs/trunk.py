"""Arms beside a trunk that is wider than the person's: kept out of it as far as the person's own arms are out of theirs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from hmr_video.motion import Array
from hmr_video.world.leg_ik import aside, bend, between

_SLICE = 0.04  # metres, of somebody of usual size
_FEWEST = 6  # vertices that tell how wide a slice is
_DIRECTIONS = 16  # of a slice, in which its radius is known
_SMOOTH = 0.04  # seconds: the deviation of the Gaussian that pushes are smoothed by
_ROUNDS = 12  # of pushing, at most
# Where an arm is held against the trunk: along the forearm, from the elbow; then at the hand and at the fingers' ends.
_ALONG = np.array([0.0, 0.25, 0.5, 0.75, 1.0])
_HANDS = np.array([0.5, 0.25])  # thickness of those two, in wrists
_THICK = 0.9  # quantile of the distances of the skin from the bone: where a forearm is broad


@dataclass(frozen=True)
class Trunk:
    """A trunk as slices, each carried by a bone; in that bone's frame at rest, x to the left, y up, z ahead.

    Attributes:
        bones: (K,) which of the trunk's bones carries each slice.
        heights: (K,) y; middles: (K, 2) x and z; radii: (K, A) from there to the surface, in directions evenly spaced from x
            towards z. Metres, from the bone's head.
        thickness: (P,) metres from the bones of a forearm and hand to its skin, at :meth:`Arms.points`.
        size: how many times as large as a person's body it is.
    """

    bones: Array
    heights: Array
    middles: Array
    radii: Array
    thickness: Array
    size: float

    @classmethod
    def of(cls, heads: Array, vertices: Array, forearms: Sequence[tuple[Array, Array, Array]], size: float) -> "Trunk":
        """heads: (B, 3) of its bones, upright, from below; vertices: (V, 3) its surface; forearms: elbow (3,), wrist (3,) and the
        (V, 3) between."""
        found: list[tuple[int, float, Array, Array]] = []
        lowest, highest = (vertices[:, 1].min(), vertices[:, 1].max()) if len(vertices) else (0.0, 0.0)
        count = round((highest - lowest) / (_SLICE * size))
        for height in lowest + (np.arange(count) + 0.5) * (highest - lowest) / max(count, 1):
            chosen = vertices[np.abs(vertices[:, 1] - height) <= (highest - lowest) / count][:, [0, 2]]
            if len(chosen) >= _FEWEST:
                bone = max(0, int((heads[:, 1] <= height).sum()) - 1)
                middle = (chosen.min(0) + chosen.max(0)) / 2
                found.append((bone, height - heads[bone, 1], middle - heads[bone, [0, 2]], _radii(chosen - middle)))
        return cls(
            bones=np.array([bone for bone, *_ in found], int),
            heights=np.array([height for _, height, _, _ in found]),
            middles=np.array([middle for _, _, middle, _ in found]).reshape(-1, 2),
            radii=np.array([radii for *_, radii in found]).reshape(-1, _DIRECTIONS),
            thickness=_thickness(forearms),
            size=size,
        )

    def depths(self, points: Array, heads: Array, turned: Array) -> tuple[Array, Array]:
        """How deep points (T, P, 3) lie under the surface (T, P), less than 0 outside, and the way out (T, P, 3): for bones at
        (T, B, 3), turned (T, B, 3, 3) from rest."""
        if not len(self.bones):
            return np.zeros(points.shape[:2]), np.zeros(points.shape)
        frames = turned[:, self.bones]
        local = np.einsum("tkba,tpkb->tpka", frames, points[:, :, None] - heads[:, None, self.bones])
        away = np.abs(local[..., 1] - self.heights)
        nearest = away.argmin(-1)
        chosen = np.take_along_axis(local[..., [0, 2]], nearest[..., None, None], 2)[:, :, 0]
        across = chosen - self.middles[nearest]
        reach = np.linalg.norm(across, axis=-1)
        turn = np.arctan2(across[..., 1], across[..., 0]) % (2 * np.pi) / (2 * np.pi) * _DIRECTIONS
        before, part = turn.astype(int) % _DIRECTIONS, turn % 1
        radius = (1 - part) * self.radii[nearest, before] + part * self.radii[nearest, (before + 1) % _DIRECTIONS]
        over = (np.take_along_axis(away, nearest[..., None], 2)[..., 0] / (_SLICE * self.size) - 0.5).clip(0)
        out = np.zeros((*across.shape[:-1], 3))
        out[..., [0, 2]] = across / np.maximum(reach, 1e-9)[..., None]
        own = frames[np.arange(len(frames))[:, None], nearest]
        return np.where(over < 1, radius - reach - over * radius, -np.inf), (own @ out[..., None])[..., 0]


@dataclass(frozen=True)
class Arms:
    """Shoulders, elbows, wrists and hands (T, 2, 3), left and right."""

    shoulders: Array
    elbows: Array
    wrists: Array
    hands: Array

    def points(self) -> Array:
        """(T, 2, P, 3) what is held against the trunk."""
        forearm = self.elbows[:, :, None] + _ALONG[:, None] * (self.wrists - self.elbows)[:, :, None]
        fingers = self.hands + (self.hands - self.wrists)
        return np.concatenate([forearm, self.hands[:, :, None], fingers[:, :, None]], axis=2)


def sunk(arms: Arms, trunk: Trunk, heads: Array, turned: Array) -> tuple[Array, Array]:
    """How deep each point of :meth:`Arms.points` is sunk in (T, 2, P), with the flesh about it, and the way out (T, 2, P, 3)."""
    points = arms.points()
    depth, out = trunk.depths(points.reshape(len(points), -1, 3), heads, turned)
    return (depth.reshape(points.shape[:3]) + trunk.thickness).clip(0), out.reshape(points.shape)


def kept_out(arms: Arms, allowed: Array, trunk: Trunk, heads: Array, turned: Array, rate: float) -> Arms:
    """The arms, moved until nothing of them is sunk in deeper than ``allowed`` (T, 2, P). Bones keep their lengths."""
    upper = np.linalg.norm(arms.elbows - arms.shoulders, axis=-1, keepdims=True)
    lower = np.linalg.norm(arms.wrists - arms.elbows, axis=-1, keepdims=True)
    share = np.append(_ALONG, np.ones(len(_HANDS)))[:, None]
    for _ in range(_ROUNDS):
        depth, out = sunk(arms, trunk, heads, turned)
        excess = (depth - allowed).clip(0)
        if not (excess > 0).any():
            break
        push = excess[..., None] * out
        deepest = np.take_along_axis(push, excess.argmax(-1)[..., None, None], 2)[:, :, 0]
        far = np.take_along_axis(np.broadcast_to(share, push.shape)[..., :1], excess.argmax(-1)[..., None, None], 2)[:, :, 0]
        elbow, wrist = (
            gaussian_filter1d(moved, _SMOOTH * rate, axis=0, mode="nearest") for moved in ((1 - far) * deepest, far * deepest)
        )
        arms = _bent(arms, arms.elbows + elbow, arms.wrists + wrist + elbow, upper, lower)
    return arms


def _bent(arms: Arms, elbows: Array, wrists: Array, upper: Array, lower: Array) -> Arms:
    """The arms with their wrists at a place and their elbows towards one."""
    way = wrists - arms.shoulders
    distance = np.linalg.norm(way, axis=-1, keepdims=True)
    ray = way / np.maximum(distance, 1e-9)
    distance = distance.clip(np.abs(upper - lower) + 1e-4, 0.9995 * (upper + lower))
    pole = aside(elbows - arms.shoulders, ray)
    pole /= np.maximum(np.linalg.norm(pole, axis=-1, keepdims=True), 1e-9)
    bent = arms.shoulders + bend(ray, pole, *(length[..., 0] for length in (distance, upper, lower)))
    placed = arms.shoulders + distance * ray
    return Arms(arms.shoulders, bent, placed, arms.hands + placed - arms.wrists)


def turned_with(before: Arms, after: Arms, shoulders: Array, elbows: Array) -> tuple[Array, Array]:
    """Rotations (T, 2, 3, 3) of upper arms and forearms, turned the shortest way from one posture of the arms to the other."""
    return (
        between(before.elbows - before.shoulders, after.elbows - after.shoulders) @ shoulders,
        between(before.wrists - before.elbows, after.wrists - after.elbows) @ elbows,
    )


def _radii(points: Array) -> Array:
    """(A,) how far points (N, 2) about a middle reach in each direction; where there are none, as far as beside it."""
    turn = np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi) * _DIRECTIONS
    reach = np.zeros(_DIRECTIONS)
    np.maximum.at(reach, np.round(turn).astype(int) % _DIRECTIONS, np.linalg.norm(points, axis=1))
    known = np.flatnonzero(reach)
    return np.asarray(np.interp(np.arange(_DIRECTIONS), known, reach[known], period=_DIRECTIONS))


def _thickness(forearms: Sequence[tuple[Array, Array, Array]]) -> Array:
    """(P,) metres from bone to skin, of forearms as :meth:`Trunk.of` takes them; 0 where nothing is known."""
    places, radii = [np.zeros(0)], [np.zeros(0)]
    for elbow, wrist, skin in forearms:
        along = (skin - elbow) @ (wrist - elbow) / ((wrist - elbow) @ (wrist - elbow))
        places.append(along)
        radii.append(np.linalg.norm(skin - elbow - along[:, None] * (wrist - elbow), axis=1))
    place, radius = np.concatenate(places), np.concatenate(radii)
    about = [radius[np.abs(place - station) < (_ALONG[1] - _ALONG[0]) / 2] for station in _ALONG]
    thick = np.array([np.quantile(skin, _THICK) if len(skin) else 0.0 for skin in about])
    return np.append(thick, _HANDS * thick[-1])
