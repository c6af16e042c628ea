"""Who is in the video, where, and their 2D keypoints: frames in, one `Track` per person out."""

from hmr_video.people.finder import find_people
from hmr_video.people.track.tracks import People, Track

__all__ = ["People", "Track", "find_people"]
