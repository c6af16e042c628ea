"""Frames in, frames out: videos, photographs and folders of images, upright, with presentation times, in chunks.

>>> reader = open_video(Path("clip.mp4"), Reporter())
>>> for chunk in reader.chunks(): ...                    # chunk.frames (N, H, W, 3) uint8 RGB
"""

from hmr_video.video.reader import Chunk, VideoReader, ahead, is_photograph, open_video
from hmr_video.video.source import VideoInfo

__all__ = ["Chunk", "VideoInfo", "VideoReader", "ahead", "is_photograph", "open_video"]
