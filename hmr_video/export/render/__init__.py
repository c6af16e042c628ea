"""Two renderers behind one interface: OpenGL through pyrender, and our own rasteriser that needs no system library."""

from hmr_video.export.render.base import RENDERER_NAMES, Mesh, Renderer, choose_renderer

__all__ = ["RENDERER_NAMES", "Mesh", "Renderer", "choose_renderer"]
