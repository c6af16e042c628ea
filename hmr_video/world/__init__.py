"""A level world: whether the camera stands still, where the floor is, and feet that stay on it."""

from hmr_video.world.camera_motion import Watch
from hmr_video.world.floor import to_world

__all__ = ["Watch", "to_world"]
