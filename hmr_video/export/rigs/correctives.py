"""Corrective shapes: what makes the mesh of an A-posed rig the body's own, for formats that bind meshes at the rest pose."""

import numpy as np

from hmr_video.export.rigs.rigging import Rigged
from hmr_video.motion import Array

_BOUND = 3e-4  # metres that vertices are off at most
_STEP, _MOST = 4, 32  # shapes
_CHOSEN = 64  # frames that shapes are found from, at first; each time the worst are added
_ROUNDS = 8
_DAMPED = 0.1  # singular value below which skinning hardly moves a vertex by its shape


def correctives(actor: Rigged) -> tuple[Array, Array]:
    """Shapes (K, V, 3), metres from the mesh at rest, and their strengths (T, K), between -1 and 1.

    A vertex that joints share rests, for each of them, at a place of its own: where the joint carried it on the way from the
    body's rest pose to the rig's. A mesh has one place for all, and then bends differently, by up to two centimetres at the
    shoulder of a raised arm. Added to the mesh before skinning, the shapes give back what is missing: as few as leave 0.3 mm at
    most (none where no joint rests differently; about ten in usual clips, never more than 32). They are a factorisation of the
    missing displacements of all frames, by alternating least squares that weigh the worst most.
    """
    carried = actor.carried - actor.vertices[:, None]
    moved = np.flatnonzero(np.einsum("vj,vja->va", actor.weights, np.abs(carried)).max(-1) > 1e-6)
    clip = _Clip(actor.turned, actor.weights[moved], carried[moved])
    frames = len(clip.turned)
    shapes, strengths = np.zeros((0, len(moved), 3)), np.zeros((frames, 0))
    errors = clip.errors(shapes, strengths)
    chosen = np.unique(np.linspace(0, frames - 1, _CHOSEN).round().astype(int))
    while errors.max(initial=0) > _BOUND and len(shapes) < min(_MOST, frames):
        shapes = _shapes(*clip.equations(chosen), min(len(shapes) + _STEP, len(chosen)))
        strengths = clip.strengths(shapes)
        errors = clip.errors(shapes, strengths)
        chosen = np.union1d(chosen, np.argsort(errors)[-_CHOSEN // 4 :])
    largest = np.abs(strengths).max(0)
    whole = np.zeros((len(shapes), len(actor.vertices), 3))
    whole[:, moved] = shapes * largest[:, None, None]
    return whole, strengths / largest


class _Clip:
    """The bones' turns (T, B, 3, 3) in a clip, and of V vertices the weights (V, B) and the displacements that they miss (V, B, 3),
    of each bone in its axes at rest."""

    def __init__(self, turned: Array, weights: Array, missing: Array) -> None:
        bones = weights.max(0, initial=0) > 0
        self.turned, self._weights = turned[:, bones], weights[:, bones]
        self._missing = self._weights[..., None] * missing[:, bones]

    def equations(self, frames: Array) -> tuple[Array, Array]:
        """How skinning turns and stretches displacements at rest (T, V, 3, 3), and which ones it should give (T, V, 3)."""
        turned = self.turned[frames]
        skinned = np.einsum("vj,tjab->tvab", self._weights, turned, optimize=True)
        return skinned, np.einsum("tjab,vjb->tva", turned, self._missing, optimize=True)

    def strengths(self, shapes: Array) -> Array:
        """(T, K) of shapes (K, V, 3) in all frames."""
        return np.concatenate([_strengths(*self.equations(frames), shapes) for frames in self._parts()])

    def errors(self, shapes: Array, strengths: Array) -> Array:
        """(T,) metres that the worst vertex of each frame is off."""
        off = [_off(*self.equations(frames), shapes, strengths[frames]).max(-1, initial=0) for frames in self._parts()]
        return np.concatenate(off)

    def _parts(self) -> list[Array]:
        return np.array_split(np.arange(len(self.turned)), -(-len(self.turned) // _CHOSEN))


def _shapes(skinned: Array, wanted: Array, count: int) -> Array:
    """The shapes (K, V, 3) that, in the frames of these equations, leave the worst vertex least off."""
    damped = np.swapaxes(skinned, -1, -2) @ skinned + _DAMPED**2 * np.eye(3)
    plain = np.linalg.solve(damped, np.einsum("tvab,tva->tvb", skinned, wanted)[..., None])[..., 0]
    strengths = np.linalg.svd(plain.reshape(len(plain), -1), full_matrices=False)[0][:, :count]
    weights = np.ones(wanted.shape[:2])
    least, best = np.inf, np.zeros(0)
    for _ in range(_ROUNDS):
        normal, right = _normal(skinned, wanted, weights)
        pairs = strengths[:, :, None] * strengths[:, None]
        left = np.tensordot(pairs, normal, (0, 0)).transpose(2, 0, 3, 1, 4).reshape(wanted.shape[1], 3 * count, 3 * count)
        solved = _solve(left, np.einsum("tk,tva->vka", strengths, right).reshape(wanted.shape[1], -1))
        shapes = solved.reshape(-1, count, 3).swapaxes(0, 1)
        strengths = _strengths(skinned, wanted, shapes, weights)
        off = _off(skinned, wanted, shapes, strengths)
        if off.max() < least:
            least, best = off.max(), shapes
        weights *= np.sqrt(off / off.max() + 1e-2)
        weights /= weights.mean()
    return best


def _strengths(skinned: Array, wanted: Array, shapes: Array, weights: Array | None = None) -> Array:
    """(T, K) of shapes in the frames of these equations."""
    normal, right = _normal(skinned, wanted, np.ones(wanted.shape[:2]) if weights is None else weights)
    left = np.einsum("kva,tvab,lvb->tkl", shapes, normal, shapes, optimize=True)
    return _solve(left, np.einsum("kva,tva->tk", shapes, right))


def _normal(skinned: Array, wanted: Array, weights: Array) -> tuple[Array, Array]:
    weighted = weights[..., None, None] * np.swapaxes(skinned, -1, -2)
    return weighted @ skinned, (weighted @ wanted[..., None])[..., 0]


def _solve(left: Array, right: Array) -> Array:
    ridge = 1e-8 * np.trace(left, axis1=-2, axis2=-1)[..., None, None] + 1e-12
    return np.asarray(np.linalg.solve(left + ridge * np.eye(left.shape[-1]), right[..., None])[..., 0])


def _off(skinned: Array, wanted: Array, shapes: Array, strengths: Array) -> Array:
    """(T, V) metres that vertices are off."""
    given = np.einsum("tk,kva->tva", strengths, shapes)
    return np.asarray(np.linalg.norm((skinned @ given[..., None])[..., 0] - wanted, axis=-1))
