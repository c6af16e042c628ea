"""Fewer keys: of each bone only those without which something would be farther off than a bound."""

import numpy as np
from scipy.spatial.transform import Rotation

from hmr_video.export.actors import continuous_quaternions
from hmr_video.export.rigs.rigging import Rigged
from hmr_video.motion import Array

_REACH = 0.1  # metres from a bone's head at which the bound is kept, too, to all sides: about the flesh there
_TIGHTER = 0.8  # times the leeway of each bone, as long as all together are off by more than the bound


def key_frames(bones: Rigged, millimetres: float) -> dict[tuple[int, str], Array]:
    """The frames (K,) to keep of each bone's ``rotation`` and, where it moves, ``translation``.

    Played linearly between them, nothing about the bones is farther than ``millimetres`` from where it was in any frame. Each
    bone is thinned by itself, by how far it moves what hangs on it; then all are played, and thinned less until they keep the
    bound.
    """
    bound = millimetres / 1000
    reaches = _reaches(bones)
    curves = {(bone, "rotation"): turns for bone, turns in enumerate(continuous_quaternions(bones.rotations).swapaxes(0, 1))}
    curves |= {(bone, "translation"): path for bone, path in bones.moves.items()}
    truth = _points(bones, bones.rotations, bones.translations())
    leeway = bound
    while True:
        kept, rotations, translations = {}, bones.rotations.copy(), bones.translations()
        for (bone, path), values in curves.items():
            turns = path == "rotation"
            kept[bone, path], played = _thinned(bones.times, values, leeway / (2 * reaches[bone]) if turns else leeway)
            if turns:
                rotations[:, bone] = Rotation.from_quat(played).as_matrix()
            else:
                translations[:, bone] = played
        if np.linalg.norm(_points(bones, rotations, translations) - truth, axis=-1).max() <= bound:
            return kept
        leeway *= _TIGHTER


def _thinned(times: Array, values: Array, bound: float) -> tuple[Array, Array]:
    """The frames (K,) to keep of a curve (T, C), and the curve played from them (Ramer, 1972; Douglas and Peucker, 1973)."""
    kept, played, spans = {0, len(times) - 1}, values.copy(), [(0, len(times) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        part = ((times[first + 1 : last] - times[first]) / (times[last] - times[first]))[:, None]
        between = values[first] + part * (values[last] - values[first])
        off = np.linalg.norm(between - values[first + 1 : last], axis=1)
        if off.max() > bound:
            middle = first + 1 + int(off.argmax())
            kept.add(middle)
            spans += [(first, middle), (middle, last)]
        else:
            played[first + 1 : last] = between
    return np.array(sorted(kept)), played


def _reaches(bones: Rigged) -> Array:
    """(B,) metres from each bone's head to the farthest that it turns."""
    reaches = np.full(len(bones.names), _REACH)
    for bone in range(len(bones.names)):
        above = bones.parents[bone]
        while above >= 0:
            reaches[above] = max(reaches[above], np.linalg.norm(bones.heads[bone] - bones.heads[above]) + _REACH)
            above = bones.parents[above]
    return reaches


def _points(bones: Rigged, rotations: Array, translations: Array) -> Array:
    """Where each bone's head is and what lies beside it, (T, 4 B, 3)."""
    turned, heads = np.empty_like(rotations), np.empty_like(translations)
    for bone, parent in enumerate(bones.parents):
        if parent < 0:
            turned[:, bone], heads[:, bone] = rotations[:, bone], translations[:, bone]
        else:
            turned[:, bone] = turned[:, parent] @ rotations[:, bone]
            heads[:, bone] = heads[:, parent] + (turned[:, parent] @ translations[:, bone, :, None])[..., 0]
    beside = heads[:, :, None] + _REACH * np.swapaxes(turned, -1, -2)  # (T, B, 3 axes, 3)
    return np.concatenate([heads, beside.reshape(len(heads), -1, 3)], axis=1)
