"""A mesh a frame: `person_01_obj/person_01_000000.obj`, named by the frame's number in the source; metres, y up."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack

import numpy as np

from hmr_video.body import Body
from hmr_video.export.actors import place
from hmr_video.export.palette import person_color
from hmr_video.export.registry import ExportOptions, NewFiles, person_name
from hmr_video.motion import Array, Motion

_VERTEX = np.dtype([("position", "<f4", 3), ("color", "u1", 3)])
_FACE = np.dtype([("count", "u1"), ("vertices", "<i4", 3)])
_PLY_HEADER = """ply
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


def write(motions: list[Motion], body: Body, files: NewFiles, options: ExportOptions, kinds: Sequence[str]) -> None:
    """A folder per person and format in ``kinds``; each mesh is skinned once for all of them."""
    for index, motion in enumerate(motions):
        name = person_name(index)
        encoders = {kind: ENCODERS[kind](body, index) for kind in kinds}
        with ExitStack() as stack:
            folders = {kind: stack.enter_context(files.new(f"{name}_{kind}")) for kind in kinds}
            advance = stack.enter_context(options.reporter.progress(f"{name} {', '.join(kinds)}", len(motion)))
            for folder in folders.values():
                folder.mkdir()
            for frame, vertices in zip(motion.frame_ids, place(motion, body).vertices(), strict=True):
                for kind, encode in encoders.items():
                    (folders[kind] / f"{name}_{frame:06d}.{kind}").write_bytes(encode(vertices))
                advance(1)


def obj_encoder(body: Body, person: int) -> Callable[[Array], bytes]:
    """What turns the vertices (V, 3) of a frame into Wavefront OBJ, in hundredths of a millimetre.

    A vertex keeps its number, so the meshes of all frames can be morphed into each other.
    """
    line = "v %.5f %.5f %.5f\n" * body.num_vertices  # one formatting call for the whole mesh: numpy's own writers are slower
    faces = (body.faces + 1).ravel().tolist()  # OBJ counts vertices from 1
    tail = ("f %d %d %d\n" * len(body.faces)) % tuple(faces)
    return lambda vertices: (line % tuple(vertices.ravel().tolist()) + tail).encode()


def ply_encoder(body: Body, person: int) -> Callable[[Array], bytes]:
    """What turns the vertices (V, 3) of a frame into binary PLY, with the person's colour on every vertex."""
    header = _PLY_HEADER.format(vertices=body.num_vertices, faces=len(body.faces)).encode()
    faces = np.zeros(len(body.faces), _FACE)  # each is led by its number of corners
    faces["count"], faces["vertices"] = 3, body.faces
    tail = faces.tobytes()
    records = np.zeros(body.num_vertices, _VERTEX)
    records["color"] = person_color(person)

    def encode(vertices: Array) -> bytes:
        records["position"] = vertices
        return header + records.tobytes() + tail

    return encode


ENCODERS = {"obj": obj_encoder, "ply": ply_encoder}
