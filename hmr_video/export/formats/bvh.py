"""BVH: `person_01.bvh`, a skeleton in centimetres, y up, with the hips' translation and ZXY rotations in degrees."""

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.transform import Rotation

from hmr_video.export.actors import Actor, place
from hmr_video.export.registry import ExportOptions, person_name
from hmr_video.export.resample import evenly
from hmr_video.files import replacing
from hmr_video.geometry.skeleton import JOINT_NAMES, PARENTS
from hmr_video.motion import Array, Motion

if TYPE_CHECKING:
    from hmr_video.body import Body

_CENTIMETRES = 100.0
_CHANNELS = "Zrotation Xrotation Yrotation"


def write(motions: list[Motion], body: "Body", folder: Path, options: ExportOptions) -> list[Path]:
    """One file per person. The rest pose is the body's T-pose with the person's own bone lengths; all rotations are against it.

    The root's OFFSET is zero and its translation absolute, so readers that add the two and readers that do not agree.
    A BVH has one frame time: frames that are not evenly spaced are resampled, as with ``options.frame_rate`` all are.
    """
    written = []
    for index, motion in enumerate(motions):
        target = folder / f"{person_name(index)}.bvh"
        actor, rate = evenly(place(motion, body), options)
        with replacing(target, options.overwrite) as temporary:
            temporary.write_text("\n".join([*hierarchy(actor), *_motion_lines(actor, rate), ""]), encoding="ascii")
        written.append(target)
    return written


def hierarchy(actor: Actor) -> list[str]:
    """The HIERARCHY section. Depth first; a chain ends in an End Site at the tip of the flesh."""
    lines = ["HIERARCHY"]

    def add(joint: int, depth: int) -> None:
        indent, inner = "\t" * depth, "\t" * (depth + 1)
        parent = PARENTS[joint]
        offset = np.zeros(3) if parent < 0 else actor.rest_joints[joint] - actor.rest_joints[parent]
        channels = f"3 {_CHANNELS}" if parent >= 0 else f"6 Xposition Yposition Zposition {_CHANNELS}"
        lines.extend([f"{indent}{'JOINT' if parent >= 0 else 'ROOT'} {JOINT_NAMES[joint]}", f"{indent}{{"])
        lines.extend([f"{inner}OFFSET {_triple(offset)}", f"{inner}CHANNELS {channels}"])
        children = [child for child, its_parent in enumerate(PARENTS) if its_parent == joint]
        for child in children:
            add(child, depth + 1)
        if not children:
            tip = _tip(actor, joint) - actor.rest_joints[joint]
            lines.extend([f"{inner}End Site", f"{inner}{{", f"{inner}\tOFFSET {_triple(tip)}", f"{inner}}}"])
        lines.append(f"{indent}}}")

    add(0, 0)
    return lines


def depth_first(joint: int = 0) -> list[int]:
    """The joints in the order of the file's channels."""
    return [joint] + [below for child, parent in enumerate(PARENTS) if parent == joint for below in depth_first(child)]


def _motion_lines(actor: Actor, frame_rate: float) -> list[str]:
    """The MOTION section: one line per frame."""
    angles = np.degrees(_steady_euler(actor.rotations))[:, depth_first()]
    rows = np.concatenate([actor.pelvis * _CENTIMETRES, angles.reshape(len(actor), -1)], axis=1)
    head = ["MOTION", f"Frames: {len(actor)}", f"Frame Time: {1 / frame_rate:.9f}"]
    return head + [" ".join(f"{value:.5f}" for value in row) for row in rows]


def _steady_euler(rotations: Array) -> Array:
    """Intrinsic z, x, y angles (T, J, 3) in radians of (T, J, 3, 3), without jumps that the rotations do not make.

    Each rotation has two triples, (z, x, y) and (z + pi, pi - x, y + pi), and whole turns: the one nearest to the frame before.
    """
    angles = Rotation.from_matrix(rotations.reshape(-1, 3, 3)).as_euler("ZXY").reshape(*rotations.shape[:2], 3)
    for before, now in pairwise(angles):
        other = np.stack([now[:, 0] + np.pi, np.pi - now[:, 1], now[:, 2] + np.pi], axis=1)
        first, second = (each + 2 * np.pi * np.round((before - each) / (2 * np.pi)) for each in (now, other))
        nearer = np.abs(first - before).sum(1) <= np.abs(second - before).sum(1)
        now[:] = np.where(nearer[:, None], first, second)
    return angles


def _tip(actor: Actor, joint: int) -> Array:
    """(3,) the point of a last joint's flesh that lies farthest along its bone: fingertip, toe, crown."""
    owners = actor.body.weights.argmax(-1).numpy()
    flesh = actor.rest_vertices[owners == joint]
    along = actor.rest_joints[joint] - actor.rest_joints[PARENTS[joint]]
    return flesh[np.argmax(flesh @ along)]


def _triple(vector: Array) -> str:
    return " ".join(f"{value:.6f}" for value in vector * _CENTIMETRES)
