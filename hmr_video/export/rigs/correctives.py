"""Corrective shapes: what makes the mesh of an A-posed rig the body's own, for formats that bind meshes at the rest pose."""

import numpy as np

from hmr_video.export.rigs.rigging import Rigged
from hmr_video.motion import Array

_BOUND = 3e-4  # metres that vertices are off at most
_NOTHING = 1e-6  # metres
_FEWEST, _MOST = 2, 28  # shapes of a side
_CHOSEN = 64  # frames that shapes are found from, at first; each time the worst are added
_ROUNDS = 8
_DAMPED = 0.1  # singular value below which skinning hardly moves a vertex by its shape


def correctives(actor: Rigged) -> tuple[Array, Array]:
    """Shapes (K, V, 3), metres from the mesh at rest, and their strengths (T, K), between -1 and 1.

    A vertex that joints share rests, for each of them, at a place of its own: where the joint carried it on the way from the
    body's rest pose to the rig's. A mesh has one place for all, and then bends differently, by up to two centimetres at the
    shoulder of a raised arm. Added to the mesh before skinning, the shapes give back what is missing, but for 0.3 mm: a few of
    each side, never more than 28, which minutes of martial arts need (0.4 mm); none where no joint rests differently. They are a
    factorisation of the missing displacements of all frames, by alternating least squares that weigh the worst most.
    """
    carried = actor.carried - actor.vertices[:, None]
    moved = np.einsum("vj,vja->va", actor.weights, np.abs(carried)).max(-1) > _NOTHING
    left = actor.vertices[:, 0] > 0
    found, strengths = [np.zeros((0, *actor.vertices.shape))], [np.zeros((len(actor.rotations), 0))]
    for side in (moved & left, moved & ~left):
        if side.any():
            shapes, values = _factorised(_Clip(actor.turned, actor.weights[side], carried[side]))
            largest = np.abs(values).max(0)
            used = largest * np.abs(shapes).max((1, 2)) > _NOTHING
            whole = np.zeros((used.sum(), *actor.vertices.shape))
            whole[:, side] = (shapes * largest[:, None, None])[used]
            found.append(whole)
            strengths.append(values[:, used] / largest[used])
    return np.concatenate(found), np.concatenate(strengths, axis=1)


def _factorised(clip: "_Clip") -> tuple[Array, Array]:
    """The shapes (K, V, 3) of a side's vertices and their strengths (T, K)."""
    frames, vertices = len(clip.turned), clip.vertices
    shapes, strengths = np.zeros((0, vertices, 3)), np.zeros((frames, 0))
    errors = clip.errors(shapes, strengths)
    chosen = np.unique(np.linspace(0, frames - 1, _CHOSEN).round().astype(int))
    while errors.max() > _BOUND and len(shapes) < min(_MOST, frames):
        more = max(_FEWEST, len(shapes) // 4)
        shapes = _shapes(*clip.equations(chosen), min(len(shapes) + more, _MOST, frames))
        strengths = clip.strengths(shapes)
        errors = clip.errors(shapes, strengths)
        chosen = np.union1d(chosen, np.argsort(errors)[-_CHOSEN // 4 :])
    return shapes, strengths


class _Clip:
    """How bones turn in a clip (T, B, 3, 3), and of vertices the weights (V, B) and what each bone, at rest, misses (V, B, 3)."""

    def __init__(self, turned: Array, weights: Array, missing: Array) -> None:
        bones = weights.max(0) > 0
        self.vertices = len(weights)
        self.turned, self._weights = turned[:, bones], weights[:, bones]
        self._missing = self._weights[..., None] * missing[:, bones]

    def equations(self, frames: Array) -> tuple[Array, Array]:
        """How skinning turns and stretches displacements at rest (T, V, 3, 3), and which ones it should give (T, V, 3)."""
        turned = self.turned[frames]
        skinned = np.einsum("vj,tjab->tvab", self._weights, turned, optimize=True)
        return skinned, np.einsum("tjab,vjb->tva", turned, self._missing, optimize=True)

    def strengths(self, shapes: Array) -> Array:
        """(T, K) of shapes (K, V, 3) in all frames."""
        return np.concatenate([_strengths(*_normal(*self.equations(frames)), shapes) for frames in self._parts()])

    def errors(self, shapes: Array, strengths: Array) -> Array:
        """(T,) metres that the worst vertex of each frame is off."""
        off = [_off(*self.equations(frames), shapes, strengths[frames]).max(-1) for frames in self._parts()]
        return np.concatenate(off)

    def _parts(self) -> list[Array]:
        return np.array_split(np.arange(len(self.turned)), -(-len(self.turned) // _CHOSEN))


def _shapes(skinned: Array, wanted: Array, count: int) -> Array:
    """The shapes (K, V, 3) that, in the frames of these equations, leave the worst vertex least off."""
    frames, vertices = wanted.shape[:2]
    normal, right = _normal(skinned, wanted)
    plain = np.linalg.solve(normal + _DAMPED**2 * np.eye(3), right[..., None]).reshape(frames, -1)
    strengths = np.linalg.eigh(plain @ plain.T)[1][:, -count:]  # as they would be were there no skinning
    weights = np.ones((frames, vertices))
    least, best = np.inf, np.zeros((count, vertices, 3))
    for _ in range(_ROUNDS):
        heavy = weights[..., None, None] * normal, weights[..., None] * right
        pairs = (strengths[:, :, None] * strengths[:, None]).reshape(frames, -1)
        left = np.tensordot(pairs, heavy[0], (0, 0)).reshape(count, count, vertices, 3, 3)
        left = left.transpose(2, 0, 3, 1, 4).reshape(vertices, 3 * count, 3 * count)
        sums = np.tensordot(strengths, heavy[1], (0, 0)).swapaxes(0, 1).reshape(vertices, -1)
        shapes = _solve(left, sums).reshape(vertices, count, 3).swapaxes(0, 1)
        strengths = _strengths(*heavy, shapes)
        off = _off(skinned, wanted, shapes, strengths)
        if off.max() < least:
            least, best = off.max(), shapes
        weights *= np.sqrt(off / off.max() + 1e-2)
        weights /= weights.mean()
    return best


def _normal(skinned: Array, wanted: Array) -> tuple[Array, Array]:
    """The normal equations of each vertex's displacement, (T, V, 3, 3) and (T, V, 3)."""
    back = np.swapaxes(skinned, -1, -2)
    return back @ skinned, (back @ wanted[..., None])[..., 0]


def _strengths(normal: Array, right: Array, shapes: Array) -> Array:
    """(T, K) of shapes in the frames of these normal equations."""
    count = len(shapes)
    pairs = np.einsum("kva,lvb->vabkl", shapes, shapes).reshape(-1, count * count)
    left = (normal.reshape(len(normal), -1) @ pairs).reshape(-1, count, count)
    return _solve(left, np.tensordot(right, shapes, ((1, 2), (1, 2))))


def _off(skinned: Array, wanted: Array, shapes: Array, strengths: Array) -> Array:
    """(T, V) metres that vertices are off."""
    given = np.tensordot(strengths, shapes, 1)
    return np.asarray(np.linalg.norm((skinned @ given[..., None])[..., 0] - wanted, axis=-1))


def _solve(left: Array, right: Array) -> Array:
    ridge = 1e-8 * np.trace(left, axis1=-2, axis2=-1)[..., None, None] + 1e-12
    return np.asarray(np.linalg.solve(left + ridge * np.eye(left.shape[-1]), right[..., None])[..., 0])
