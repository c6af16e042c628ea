"""The metrics of motion in the world, as WHAM (Shin et al., CVPR 2024) and GVHMR (Shen et al., SIGGRAPH Asia 2024) define them.

Points come in metres, (T, J, 3), in worlds that may differ by a rigid transform. Errors go out in millimetres where nothing else
is said.
"""

import numpy as np
import torch

from hmr_video.geometry import Array
from hmr_video.geometry.procrustes import similarity

CHUNK = 100  # frames that are aligned at a time
CONTACT = 0.01  # metres a frame; a point of the true foot that moves less touches the floor
DRIFT_SECONDS = 10.0


def laid_over(points: Array, targets: Array, guide: slice, scaled: bool = True) -> Array:
    """Points (T, ..., 3), moved by what lays those of the frames ``guide`` nearest to the targets', see `similarity`."""
    own, wanted = (torch.from_numpy(np.asarray(values[guide], np.float64).reshape(-1, 3)) for values in (points, targets))
    scale, rotation, shift = (value.numpy() for value in similarity(own, wanted, scaled))
    return np.asarray(scale * points @ rotation.T + shift)


def chunks(frames: int) -> list[slice]:
    """Parts of ``CHUNK`` frames; the last takes what is left over."""
    starts = list(range(0, max(frames - CHUNK, 0) + 1, CHUNK))
    return [slice(start, stop) for start, stop in zip(starts, [*starts[1:], frames], strict=True)]


def world_error(points: Array, truth: Array, first_two: bool) -> Array:
    """W-MPJPE100 with ``first_two``, else WA-MPJPE100: the distance of joints, (T,) mm.

    Parts of 100 frames are aligned by a similarity transform, of their first two frames or of all.
    """
    errors = np.zeros(len(points))
    for part in chunks(len(points)):
        guide = slice(2) if first_two else slice(None)
        moved = laid_over(points[part], truth[part], guide)
        errors[part] = np.linalg.norm(moved - truth[part], axis=-1).mean(-1)
    return errors * 1000


def root_translation_error(roots: Array, truth: Array) -> Array:
    """RTE (T,) in %: the distance of roots (T, 3) after a rigid alignment of the whole, in lengths of the true path."""
    length = np.linalg.norm(np.diff(truth, axis=0), axis=-1).sum()
    away = laid_over(roots, truth, slice(None), scaled=False) - truth
    return np.asarray(np.linalg.norm(away, axis=-1) / max(length, 1e-9) * 100)


def jitter(points: Array, frame_rate: float) -> Array:
    """Mean length of the third derivative of joints (T, J, 3), (T - 3,) in 10 m/s^3."""
    return np.asarray(np.linalg.norm(np.diff(points, n=3, axis=0), axis=-1).mean(-1) * frame_rate**3 / 10)


def foot_sliding(soles: Array, truth: Array) -> Array:
    """How far points of the feet (T, K, 3) move in a frame in which those of the truth hardly do: (N,) mm."""
    moved = np.linalg.norm(np.diff(soles, axis=0), axis=-1)
    touching = np.linalg.norm(np.diff(truth, axis=0), axis=-1) < CONTACT
    return np.asarray(moved[touching] * 1000)


def rotation_error(rotations: Array, truth: Array) -> Array:
    """Angles (T,) in degrees between rotations (T, 3, 3), world from camera, and true ones, whose worlds are laid over each other
    by their mean difference."""
    u, _, vt = np.linalg.svd((rotations @ np.swapaxes(truth, -1, -2)).mean(0))
    between = (u * [1.0, 1.0, np.linalg.det(u @ vt)]) @ vt
    return angles(between.T @ rotations, truth)


def rotation_drift(rotations: Array, truth: Array, frame_rate: float) -> float:
    """By how many degrees the turn of the camera over ten seconds is wrong, or over a shorter clip. Root mean square."""
    apart = min(len(truth) - 1, round(DRIFT_SECONDS * frame_rate))
    turned, wanted = (np.swapaxes(one[:-apart], -1, -2) @ one[apart:] for one in (rotations, truth))
    return float(np.sqrt(np.square(angles(turned, wanted)).mean()))


def angles(first: Array, second: Array) -> Array:
    """Degrees (...) between rotations (..., 3, 3)."""
    chord = np.linalg.norm(first - second, axis=(-2, -1)) / np.sqrt(8)
    return np.asarray(np.degrees(2 * np.arcsin(chord.clip(0, 1))))
