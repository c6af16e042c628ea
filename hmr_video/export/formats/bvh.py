"""BVH: `person_01.bvh`, a skeleton in centimetres, y up, with the hips' translation and ZXY rotations in degrees."""

from itertools import pairwise

import numpy as np
from scipy.spatial.transform import Rotation

from hmr_video.body import Body
from hmr_video.export.actors import place
from hmr_video.export.registry import ExportOptions, NewFiles, person_name
from hmr_video.export.resample import evenly
from hmr_video.export.rigs.names import find_rig
from hmr_video.export.rigs.rigging import Rigged, rigged
from hmr_video.motion import Array, Motion

_CENTIMETRES = 100.0
_CHANNELS = "Zrotation Xrotation Yrotation"


def write(motions: list[Motion], body: Body, files: NewFiles, options: ExportOptions) -> None:
    """One file per person. The rest pose is the rig's with the person's own bone lengths; all rotations are against it.

    The first bone's OFFSET is zero and its translation absolute, as is that of hips below a root bone that takes their way:
    readers that add the two and readers that do not agree.
    A BVH has one frame time: frames that are not evenly spaced are resampled.
    """
    rig = find_rig(options.rig)
    if not options.root_motion:
        rig = rig._replace(root=None)  # many readers let nothing but the first bone move
    for index, motion in enumerate(evenly(motions, options)):
        actor = rigged(place(motion, body), rig, options.root_motion)
        with files.new(f"{person_name(index)}.bvh") as path:
            path.write_text("\n".join([*hierarchy(actor), *_motion_lines(actor, motion.frame_rate), ""]), encoding="ascii")


def hierarchy(actor: Rigged) -> list[str]:
    """The HIERARCHY section. Depth first; a chain ends in an End Site at the tip of the flesh."""
    lines = ["HIERARCHY"]

    def add(bone: int, depth: int) -> None:
        indent, inner = "\t" * depth, "\t" * (depth + 1)
        moves = bone in actor.moves or bone == 0
        offset = np.zeros(3) if moves else actor.offsets[bone]
        lines.extend([f"{indent}{'JOINT' if bone else 'ROOT'} {actor.names[bone]}", f"{indent}{{"])
        channels = f"6 Xposition Yposition Zposition {_CHANNELS}" if moves else f"3 {_CHANNELS}"
        lines.extend([f"{inner}OFFSET {_triple(offset)}", f"{inner}CHANNELS {channels}"])
        for child in actor.children(bone):
            add(child, depth + 1)
        if not actor.children(bone):
            tip = actor.tips[bone] - actor.heads[bone]
            lines.extend([f"{inner}End Site", f"{inner}{{", f"{inner}\tOFFSET {_triple(tip)}", f"{inner}}}"])
        lines.append(f"{indent}}}")

    add(0, 0)
    return lines


def depth_first(actor: Rigged, bone: int = 0) -> list[int]:
    """The bones in the order of the file's channels."""
    return [bone] + [below for child in actor.children(bone) for below in depth_first(actor, child)]


def _motion_lines(actor: Rigged, frame_rate: float) -> list[str]:
    """The MOTION section: one line per frame."""
    angles = np.degrees(_steady_euler(actor.rotations))
    count = len(angles)
    paths = {0: np.zeros((1, 3))} | actor.moves
    columns: list[Array] = []
    for bone in depth_first(actor):
        if bone in paths:
            columns.append(np.broadcast_to(paths[bone] * _CENTIMETRES, (count, 3)))
        columns.append(angles[:, bone])
    head = ["MOTION", f"Frames: {count}", f"Frame Time: {1 / frame_rate:.9f}"]
    return head + [" ".join(f"{value:.5f}" for value in row) for row in np.concatenate(columns, axis=1)]


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


def _triple(vector: Array) -> str:
    return " ".join(f"{value:.6f}" for value in vector * _CENTIMETRES)
