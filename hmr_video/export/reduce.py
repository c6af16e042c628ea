"""Fewer keys: of each bone only those without which something would be farther off than a bound."""

import numpy as np
from scipy.spatial.transform import Rotation

from hmr_video.export.actors import continuous_quaternions
from hmr_video.export.rigs.rigging import Rigged, against_world
from hmr_video.geometry.stretches import stretches
from hmr_video.motion import Array

_REACH = 0.1  # metres from a bone's head at which the bound is kept, too, to all sides: about the flesh there
_FIRST = 1.5  # times the bound may each bone alone be off at first: errors of bones in a chain may cancel out


def key_frames(bones: Rigged, millimetres: float) -> dict[tuple[int, str], Array]:
    """The frames (K,) to keep of each bone's ``rotation`` and, where it moves, ``translation``.

    Played linearly between them, nothing about the bones is farther than ``millimetres`` from where it was in any frame. Each
    bone is thinned by itself, by how far it moves what hangs on it. Then all are played, and wherever the bound is broken the
    bone that is most to blame gets a key back, until it is kept.
    """
    bound = millimetres / 1000
    reaches = _reaches(bones)
    curves = {(bone, "rotation"): turns for bone, turns in enumerate(continuous_quaternions(bones.rotations).swapaxes(0, 1))}
    curves |= {(bone, "translation"): path for bone, path in bones.moves.items()}
    truth = _points(bones, bones.rotations, bones.translations())
    first = {(bone, path): _FIRST * bound / (2 * reaches[bone] if path == "rotation" else 1.0) for bone, path in curves}
    kept = {curve: _thinned(bones.times, values, first[curve]) for curve, values in curves.items()}
    rotations, translations = bones.rotations.copy(), bones.translations()
    off = {curve: _play(curve, values, kept[curve], bones.times, rotations, translations) for curve, values in curves.items()}
    while True:
        errors = np.linalg.norm(_points(bones, rotations, translations) - truth, axis=-1)
        broken = _worst_of_runs(errors.max(1), bound)
        if not len(broken):
            return kept
        changed = set()
        for frame in broken:
            bone = int(errors[frame].argmax()) % len(bones.names)
            changed.add(_blamed(bones, bone, off, reaches, int(frame), kept))
        for curve, frame in changed:
            kept[curve] = np.union1d(kept[curve], frame)
        for curve in {curve for curve, _ in changed}:
            off[curve] = _play(curve, curves[curve], kept[curve], bones.times, rotations, translations)


def _worst_of_runs(errors: Array, bound: float) -> Array:
    """Of frames in a row whose errors (T,) break the bound the one that breaks it most."""
    return np.array([start + int(errors[start:end].argmax()) for start, end in stretches(errors > bound)], int)


def _blamed(
    bones: Rigged, bone: int, off: dict[tuple[int, str], Array], reaches: Array, frame: int, kept: dict[tuple[int, str], Array]
) -> tuple[tuple[int, str], int]:
    """The curve of a bone, or of one above it, that is off most in a frame, by what hangs on it; and the frame."""
    chain = [bone]
    while bones.parents[chain[-1]] >= 0:
        chain.append(bones.parents[chain[-1]])
    blame = {}
    for curve, away in off.items():
        if curve[0] in chain and frame not in kept[curve]:
            blame[curve] = away[frame] * (2 * reaches[curve[0]] if curve[1] == "rotation" else 1.0)
    return max(blame, key=lambda curve: blame[curve]), frame


def _play(curve: tuple[int, str], values: Array, kept: Array, times: Array, rotations: Array, translations: Array) -> Array:
    """Puts a curve (T, C) as played from the frames ``kept`` into rotations or translations; how far it then is off (T,)."""
    played = np.stack([np.interp(times, times[kept], column) for column in values[kept].T], axis=1)
    bone, path = curve
    if path == "rotation":
        rotations[:, bone] = Rotation.from_quat(played).as_matrix()
    else:
        translations[:, bone] = played
    return np.asarray(np.linalg.norm(played - values, axis=1))


def _thinned(times: Array, values: Array, bound: float) -> Array:
    """The frames (K,) to keep of a curve (T, C) (Ramer, 1972; Douglas and Peucker, 1973)."""
    kept, spans = {0, len(times) - 1}, [(0, len(times) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        part = ((times[first + 1 : last] - times[first]) / (times[last] - times[first]))[:, None]
        off = np.linalg.norm(values[first] + part * (values[last] - values[first]) - values[first + 1 : last], axis=1)
        if off.max() > bound:
            middle = first + 1 + int(off.argmax())
            kept.add(middle)
            spans += [(first, middle), (middle, last)]
    return np.array(sorted(kept))


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
    """Where the bones' heads are (T, B, 3), then what lies beside them to each side: (T, 4 B, 3)."""
    turned, heads = against_world(rotations, bones.parents), translations.copy()
    for bone, parent in enumerate(bones.parents):
        if parent >= 0:
            heads[:, bone] = heads[:, parent] + (turned[:, parent] @ translations[:, bone, :, None])[..., 0]
    axes = np.moveaxis(turned, -1, 1)  # (T, 3 axes, B, 3)
    return np.concatenate([heads[:, None], heads[:, None] + _REACH * axes], axis=1).reshape(len(heads), -1, 3)
