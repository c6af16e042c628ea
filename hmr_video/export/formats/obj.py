"""Wavefront OBJ: a vertex keeps its number, so the meshes of all frames can be morphed into each other."""

from collections.abc import Callable

from hmr_video.body import Body
from hmr_video.motion import Array


def encoder(body: Body, person: int) -> Callable[[Array], bytes]:
    """What turns the vertices (V, 3) of a frame into a file: hundredths of a millimetre."""
    line = "v %.5f %.5f %.5f\n" * body.num_vertices  # one formatting call for the whole mesh: numpy's own writers are slower
    faces = (body.faces + 1).ravel().tolist()  # OBJ counts vertices from 1
    tail = ("f %d %d %d\n" * len(body.faces)) % tuple(faces)
    return lambda vertices: (line % tuple(vertices.ravel().tolist()) + tail).encode()
