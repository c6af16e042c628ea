"""Our own rasteriser: a z-buffer in numba, four samples a pixel, no system library."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hmr_video.export.render.base import Mesh
from hmr_video.export.render.lighting import compiled, light
from hmr_video.geometry import Array

NEAREST = 0.05  # metres; nearer parts of a surface are cut off
SAMPLES = 2  # per pixel and axis


class SoftwareRenderer:
    """A :class:`~hmr_video.export.render.base.Renderer` that runs anywhere."""

    name = "software"

    def __init__(self) -> None:
        # Sample buffers, kept from picture to picture: fresh memory costs more than the drawing itself.
        self._nearness = np.empty(0, np.float32)
        self._colours = np.empty((0, 3), np.uint8)

    def draw(self, image: Array, meshes: Sequence[Mesh], camera_matrix: Array) -> Array:
        """See :class:`~hmr_video.export.render.base.Renderer`."""
        drawn: Array = np.array(image, np.uint8)
        self.draw_lit(drawn, [mesh._replace(colour=light(mesh)) for mesh in meshes], camera_matrix)
        return drawn

    def draw_lit(self, image: Array, meshes: Sequence[Mesh], camera_matrix: Array) -> Array:
        """Draws meshes whose colours are already lit into ``image`` (H, W, 3) uint8, in place.

        Returns the share of every pixel that the meshes cover, (H, W) float32 in 0..1.
        """
        height, width = image.shape[:2]
        coverage = np.zeros((height, width), np.float32)
        surfaces = [_project(mesh, camera_matrix) for mesh in meshes]
        visible = [surface for surface in surfaces if len(surface.faces)]
        if not visible:
            return coverage
        corners = np.concatenate([surface.points[:, :2] for surface in visible])
        left, top = np.clip(np.floor(corners.min(0)), 0, (width, height)).astype(int)
        right, bottom = np.clip(np.ceil(corners.max(0)), 0, (width, height)).astype(int)
        if left >= right or top >= bottom:
            return coverage
        nearness, colours = self._buffers(SAMPLES * (bottom - top), SAMPLES * (right - left))
        for surface in visible:
            _fill(surface.points, surface.faces, surface.colours, float(left), float(top), nearness, colours)
        _blend(nearness, colours, image[top:bottom, left:right], coverage[top:bottom, left:right])
        return coverage

    def _buffers(self, height: int, width: int) -> tuple[Array, Array]:
        """An empty buffer of 1 / depth (height, width) and one of colours (height, width, 3), the latter with old contents."""
        count = height * width
        if count > len(self._nearness):
            self._nearness = np.empty(count, np.float32)
            self._colours = np.empty((count, 3), np.uint8)
        nearness = self._nearness[:count].reshape(height, width)
        nearness[:] = 0
        return nearness, self._colours[:count].reshape(height, width, 3)


@dataclass(frozen=True)
class _Surface:
    points: Array  # (V, 3) x and y in pixels, 1 / depth
    faces: Array  # (F, 3) int64
    colours: Array  # (V, 3) float32, 0..255


def clip_near(vertices: Array, faces: Array, colours: Array, nearest: float) -> tuple[Array, Array, Array]:
    """The part of a surface, vertices (V, 3), faces (F, 3), colours (V, 3), that lies beyond the plane z = ``nearest``."""
    from trimesh.intersections import slice_faces_plane  # takes long to import, and few pictures need it

    forward = np.array([0.0, 0.0, 1.0])
    vertices, faces, colours = slice_faces_plane(vertices, faces, forward, nearest * forward, colours)
    vertices[:, 2] = np.maximum(vertices[:, 2], nearest)
    return vertices, faces, colours.astype(np.float32)


def _project(mesh: Mesh, camera_matrix: Array) -> _Surface:
    vertices = np.asarray(mesh.vertices, np.float64)
    faces = np.ascontiguousarray(mesh.faces, np.int64)
    colours = np.ascontiguousarray(np.broadcast_to(np.asarray(mesh.colour, np.float32) * 255, vertices.shape))
    if vertices[:, 2].min() < NEAREST:
        vertices, faces, colours = clip_near(vertices, faces, colours, NEAREST)
    nearness = 1 / vertices[:, 2:]
    focal = np.array([camera_matrix[0, 0], camera_matrix[1, 1]])
    pixels = vertices[:, :2] * nearness * focal + camera_matrix[:2, 2]
    return _Surface(np.concatenate([pixels, nearness], 1), faces, colours)


@compiled
def _fill(points: Array, faces: Array, tints: Array, left: float, top: float, nearness: Array, colours: Array) -> None:
    """Draws the faces that turn towards the viewer into the sample buffers, where they are nearer than what is there.

    points (V, 3) x, y in pixels and 1 / depth; tints (V, 3) 0..255; nearness (h, w) 1 / depth of every sample, 0 where empty;
    colours (h, w, 3) uint8. Sample (row, column) lies at ((column + 0.5) / SAMPLES + left, (row + 0.5) / SAMPLES + top).
    1 / depth is linear over the picture; colours are taken as linear too, which is exact for small faces.
    """
    height, width = nearness.shape
    for f in range(len(faces)):
        a, b, c = faces[f, 0], faces[f, 1], faces[f, 2]
        x0, y0 = (points[a, 0] - left) * SAMPLES - 0.5, (points[a, 1] - top) * SAMPLES - 0.5
        x1, y1 = (points[b, 0] - left) * SAMPLES - 0.5, (points[b, 1] - top) * SAMPLES - 0.5
        x2, y2 = (points[c, 0] - left) * SAMPLES - 0.5, (points[c, 1] - top) * SAMPLES - 0.5
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if area >= 0.0:  # seen from behind or from the side: with y down, anticlockwise faces have a negative area
            continue
        first_column = max(0, math.ceil(min(x0, x1, x2)))
        last_column = min(width - 1, math.floor(max(x0, x1, x2)))
        first_row = max(0, math.ceil(min(y0, y1, y2)))
        last_row = min(height - 1, math.floor(max(y0, y1, y2)))
        inverse = 1.0 / area
        step_a, step_b = (y1 - y2) * inverse, (y2 - y0) * inverse
        for row in range(first_row, last_row + 1):
            # Barycentric weights of the row's first sample; they change by a constant from sample to sample.
            weight_a = ((x1 - first_column) * (y2 - row) - (x2 - first_column) * (y1 - row)) * inverse
            weight_b = ((x2 - first_column) * (y0 - row) - (x0 - first_column) * (y2 - row)) * inverse
            for column in range(first_column, last_column + 1):
                weight_c = 1.0 - weight_a - weight_b
                if weight_a >= -1e-9 and weight_b >= -1e-9 and weight_c >= -1e-9:
                    near = weight_a * points[a, 2] + weight_b * points[b, 2] + weight_c * points[c, 2]
                    if near > nearness[row, column]:
                        nearness[row, column] = near
                        for k in range(3):
                            colours[row, column, k] = np.uint8(
                                weight_a * tints[a, k] + weight_b * tints[b, k] + weight_c * tints[c, k] + 0.5
                            )
                weight_a += step_a
                weight_b += step_b


@compiled
def _blend(nearness: Array, colours: Array, image: Array, coverage: Array) -> None:
    """Averages the samples of every pixel into ``image`` (h, w, 3), and counts them into ``coverage`` (h, w), both in place."""
    height, width = coverage.shape
    total = SAMPLES * SAMPLES
    for y in range(height):
        for x in range(width):
            count = 0
            red, green, blue = 0, 0, 0
            for row in range(SAMPLES * y, SAMPLES * y + SAMPLES):
                for column in range(SAMPLES * x, SAMPLES * x + SAMPLES):
                    if nearness[row, column] > 0:
                        count += 1
                        red += colours[row, column, 0]
                        green += colours[row, column, 1]
                        blue += colours[row, column, 2]
            if count:
                rest = total - count
                image[y, x, 0] = (red + rest * image[y, x, 0] + total // 2) // total
                image[y, x, 1] = (green + rest * image[y, x, 1] + total // 2) // total
                image[y, x, 2] = (blue + rest * image[y, x, 2] + total // 2) // total
                coverage[y, x] = count / total
