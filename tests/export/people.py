"""Results made of others: parts of them."""

from hmr_video.motion import Motion

_PER_FRAME = (
    "poses", "trans", "frame_ids", "timestamps", "confidence", "boxes", "landmarks2d", "joints3d", "poses_past", "poses_future",
)  # fmt: skip


def part(motion: Motion, frames: slice) -> Motion:
    """The motion of some frames alone."""
    return motion.replace(**{name: getattr(motion, name)[frames] for name in _PER_FRAME})
