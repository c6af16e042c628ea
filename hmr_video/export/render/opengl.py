"""The OpenGL renderer: pyrender, on a graphics card (EGL) or in Mesa's software (OSMesa)."""

import os
from collections.abc import Sequence

import numpy as np

from hmr_video.export.render.base import Mesh
from hmr_video.export.render.lighting import light
from hmr_video.geometry import Array

NEAREST, FARTHEST = 0.05, 1000.0  # metres
FROM_OPENCV = np.diag([1.0, -1.0, -1.0, 1.0])  # OpenGL looks along -z with y up


class PyrenderRenderer:
    """A :class:`~hmr_video.export.render.base.Renderer` on OpenGL. ``platform`` is "egl" or "osmesa".

    The light is the same as our rasteriser's, worked out per vertex; OpenGL fills the triangles, with four samples a pixel.
    """

    name = "pyrender"

    def __init__(self, platform: str) -> None:
        os.environ.setdefault("PYOPENGL_PLATFORM", platform)  # read by PyOpenGL when it is imported, which pyrender does
        import pyrender

        self._pyrender = pyrender
        self._canvas = pyrender.OffscreenRenderer(16, 16)
        self._multisampled = os.environ["PYOPENGL_PLATFORM"] != "osmesa"

    @classmethod
    def probe(cls, platform: str) -> None:
        """Draws a triangle and exits with an error unless it is there. For a process of its own."""
        corners = np.array([[-1.0, 1.0, 2.0], [1.0, 1.0, 2.0], [0.0, -1.0, 2.0]])
        mesh = Mesh(corners, np.array([[0, 1, 2]]), (1.0, 1.0, 1.0))
        camera = np.array([[16.0, 0.0, 8.0], [0.0, 16.0, 8.0], [0.0, 0.0, 1.0]])
        if not cls(platform).draw(np.zeros((16, 16, 3), np.uint8), [mesh], camera)[8, 8].any():
            raise SystemExit(1)

    def draw(self, image: Array, meshes: Sequence[Mesh], camera_matrix: Array) -> Array:
        """See :class:`~hmr_video.export.render.base.Renderer`."""
        pyrender = self._pyrender
        height, width = image.shape[:2]
        scene = pyrender.Scene(bg_color=(0.0, 0.0, 0.0, 0.0))
        for mesh in meshes:
            primitive = pyrender.Primitive(
                positions=np.asarray(mesh.vertices, np.float32),
                indices=np.asarray(mesh.faces, np.uint32),
                color_0=light(mesh),
                material=pyrender.MetallicRoughnessMaterial(baseColorFactor=(1.0, 1.0, 1.0, 1.0)),
            )
            scene.add(pyrender.Mesh([primitive]), pose=FROM_OPENCV)
        # OSMesa has no multisampling (and hands back no alpha): draw it larger and average.
        scale = 1 if self._multisampled else 2
        self._canvas.viewport_width, self._canvas.viewport_height = scale * width, scale * height
        (fx, _, cx), (_, fy, cy) = scale * np.asarray(camera_matrix, float)[:2]
        scene.add(pyrender.IntrinsicsCamera(fx, fy, cx, cy, znear=NEAREST, zfar=FARTHEST))
        drawn, depth = self._canvas.render(scene, flags=pyrender.RenderFlags.FLAT | pyrender.RenderFlags.RGBA)
        if not self._multisampled:
            drawn = np.concatenate([drawn[..., :3], np.where(depth > 0, 255, 0)[..., None]], 2)
            drawn = drawn.reshape(height, scale, width, scale, 4).mean((1, 3)).round()
        # The background is transparent black, so the averaged colours at silhouettes are multiplied by alpha already.
        rest = 255 - drawn[..., 3:].astype(np.uint16)
        return (drawn[..., :3] + (image * rest + 127) // 255).clip(0, 255).astype(np.uint8)
