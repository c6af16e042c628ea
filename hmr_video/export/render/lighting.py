"""Light: one studio set-up for every renderer, worked out per vertex."""

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

from hmr_video.export.render.base import Mesh
from hmr_video.geometry import Array

Function = TypeVar("Function", bound=Callable[..., Any])

KEY_LIGHT = np.array([-0.45, -0.65, -0.61])  # towards the lamp, in camera space: up, left, behind the camera
KEY_LIGHT /= np.linalg.norm(KEY_LIGHT)
AMBIENT, SKY, KEY, FILL = 0.26, 0.16, 0.56, 0.14  # shares of the light; they sum to a little over 1 where all meet


def compiled(function: Function) -> Function:
    """Numba's ``njit``, kept on disk between runs where some folder can be written, without the global lock."""
    try:
        return cast(Function, numba.njit(cache=True, nogil=True)(function))
    except RuntimeError:  # no folder for the cache: neither beside the module nor the user's
        return cast(Function, numba.njit(nogil=True)(function))


@compiled
def vertex_normals(vertices: Array, faces: Array) -> Array:
    """Unit normals (V, 3) of a surface, each the mean of its faces' normals weighted by their areas.

    vertices (V, 3), faces (F, 3). With anticlockwise faces they point outwards; y down and z forward do not change that.
    """
    normals = np.zeros((len(vertices), 3))
    for face in faces:
        (ax, ay, az), (bx, by, bz), (cx, cy, cz) = vertices[face[0]], vertices[face[1]], vertices[face[2]]
        x = (by - ay) * (cz - az) - (bz - az) * (cy - ay)
        y = (bz - az) * (cx - ax) - (bx - ax) * (cz - az)
        z = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        for vertex in face:
            normals[vertex, 0] += x
            normals[vertex, 1] += y
            normals[vertex, 2] += z
    for vertex in range(len(normals)):
        x, y, z = normals[vertex]
        length = math.sqrt(x * x + y * y + z * z)
        if length > 0:
            normals[vertex] /= length
    return normals


@compiled
def _light(vertices: Array, normals: Array, colours: Array, key_light: Array) -> Array:
    lit = np.empty((len(vertices), 3), np.float32)
    for vertex in range(len(vertices)):
        nx, ny, nz = normals[vertex]
        x, y, z = vertices[vertex]
        distance = max(math.sqrt(x * x + y * y + z * z), 1e-9)
        facing = max(0.0, -(nx * x + ny * y + nz * z) / distance)
        lamp = max(0.0, nx * key_light[0] + ny * key_light[1] + nz * key_light[2])
        light = AMBIENT + SKY * (0.5 - 0.5 * ny) + KEY * lamp + FILL * facing
        rim = 0.12 * (1.0 - facing) ** 3
        for channel in range(3):
            lit[vertex, channel] = min(1.0, colours[vertex, channel] * light + rim)
    return lit


def light(mesh: Mesh) -> Array:
    """The colours (V, 3) float32 in 0..1 of a mesh's vertices under a lamp above the viewer's left shoulder, a sky, a soft fill
    light from the camera, and a rim that sets the silhouette off from the picture."""
    vertices = np.ascontiguousarray(mesh.vertices, np.float64)
    colours = np.broadcast_to(np.asarray(mesh.colour, np.float32), vertices.shape)
    normals = vertex_normals(vertices, np.ascontiguousarray(mesh.faces, np.int64))
    return _light(vertices, normals, np.ascontiguousarray(colours), KEY_LIGHT)
