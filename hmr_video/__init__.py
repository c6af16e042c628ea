"""hmr-video: a video of people in, smooth 3D body meshes out."""

from importlib.metadata import version

__version__ = version("hmr-video")
__all__ = ["Motion", "__version__", "reconstruct"]


def __getattr__(name: str) -> object:  # torch is imported only when a reconstruction is asked for
    if name == "reconstruct":
        from hmr_video.pipeline import reconstruct

        return reconstruct
    if name == "Motion":
        from hmr_video.motion import Motion

        return Motion
    raise AttributeError(name)
