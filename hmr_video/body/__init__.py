"""Bodies: pose and shape in, joints and vertices out, in smplx's frame (y up, +x the subject's left, facing +z). No cameras."""

from hmr_video.body.base import Body
from hmr_video.body.load import load_body

__all__ = ["Body", "load_body"]
