"""Binary PLY, with the person's colour on every vertex."""

from collections.abc import Callable

import numpy as np

from hmr_video.body import Body
from hmr_video.export.palette import person_color
from hmr_video.motion import Array

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


def encoder(body: Body, person: int) -> Callable[[Array], bytes]:
    """What turns the vertices (V, 3) of a frame into a file."""
    header = _HEADER.format(vertices=body.num_vertices, faces=len(body.faces)).encode()
    faces = np.zeros(len(body.faces), _FACE)  # each is led by its number of corners
    faces["count"], faces["vertices"] = 3, body.faces
    tail = faces.tobytes()
    records = np.zeros(body.num_vertices, _VERTEX)
    records["color"] = person_color(person)

    def encode(vertices: Array) -> bytes:
        records["position"] = vertices
        return header + records.tobytes() + tail

    return encode
