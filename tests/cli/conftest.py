import json
from pathlib import Path

import numpy as np
import pytest

from hmr_video.motion import Motion
from hmr_video.video.writer import VideoWriter


@pytest.fixture
def result(tmp_path: Path, motions: list[Motion]) -> Path:
    """A result folder as `convert` leaves it, and the video that it names, `clip.mp4`."""
    folder, video = tmp_path / "out" / "clip", tmp_path / "clip.mp4"
    with VideoWriter(video, 25, (640, 480)) as writer:
        for _ in range(24):
            writer.write(np.full((480, 640, 3), 110, np.uint8))
    for number, motion in enumerate(motions, 1):
        motion.save(folder / f"person_{number:02d}.npz")
    (folder / "summary.json").write_text(json.dumps({"video": str(video)}))
    return folder
