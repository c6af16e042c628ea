"""PLY: `person_01_ply/person_01_000000.ply`, binary, one file per frame, named by the frame's number in the source."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hmr_video.export.actors import place
from hmr_video.export.palette import person_color
from hmr_video.export.registry import ExportOptions, person_name
from hmr_video.files import replacing
from hmr_video.motion import Array, Motion

if TYPE_CHECKING:
    from hmr_video.body import Body

_VERTEX = np.dtype([("position", "<f4", 3), ("color", "u1", 3)])
_FACE = np.dtype([("count", "u1"), ("vertices", "<i4", 3)])
_HEADER = """ply
format binary_little_endian 1.0
comment metres, y up
element vertex {vertices}
property float x
property float y
property float z
property uchar red
property uchar green
property uchar blue
element face {faces}
property list uchar int vertex_indices
end_header
"""


def write(motions: list[Motion], body: "Body", folder: Path, options: ExportOptions) -> list[Path]:
    """One folder per person; metres, y up, the person's colour on every vertex."""
    header = _HEADER.format(vertices=body.num_vertices, faces=len(body.faces)).encode()
    faces = _face_records(body.faces)
    written = []
    for index, motion in enumerate(motions):
        target = folder / f"{person_name(index)}_ply"
        records = np.zeros(body.num_vertices, _VERTEX)
        records["color"] = person_color(index)
        with replacing(target, options.overwrite) as temporary, options.reporter.progress(target.name, len(motion)) as advance:
            temporary.mkdir()
            for frame, vertices in zip(motion.frame_ids, place(motion, body).vertices(), strict=True):
                records["position"] = vertices
                (temporary / f"{person_name(index)}_{frame:06d}.ply").write_bytes(header + records.tobytes() + faces)
                advance(1)
        written.append(target)
    return written


def _face_records(faces: Array) -> bytes:
    """(F, 3) -> the bytes of the face element: each face is led by its number of corners."""
    records = np.zeros(len(faces), _FACE)
    records["count"], records["vertices"] = 3, faces
    return records.tobytes()
