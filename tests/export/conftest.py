import os
import sys
from pathlib import Path

import numpy as np
import pytest

from hmr_video.errors import UsageError
from hmr_video.export.formats.blender import find_blender
from hmr_video.geometry.skeleton import JOINT_NAMES
from hmr_video.motion import Motion

sys.path.insert(0, str(Path(__file__).parent))  # for players and people


@pytest.fixture(scope="session")
def blender() -> None:
    """Blender, where there is one."""
    try:
        find_blender()
    except UsageError:
        assert "HMR_VIDEO_BLENDER" not in os.environ
        pytest.skip("needs Blender")


@pytest.fixture(scope="session")
def raised(motion: Motion) -> Motion:
    """The walk, on which both arms go up beside the head, the left one ahead of the right."""
    poses = motion.poses.reshape(-1, 24, 3).copy()
    for side, sign, late in (("left", 1, 0.0), ("right", -1, 0.2)):
        poses[:, JOINT_NAMES.index(f"{side}_shoulder"), 2] = sign * np.linspace(-1.2 - late, 1.4 - late, len(motion))
    return motion.replace(poses=poses.reshape(-1, 72))
