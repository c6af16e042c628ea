"""Motion to train on, made up."""

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def mocap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six clips of bodies that bend hips, knees, shoulders and elbows on sines."""
    folder = tmp_path_factory.mktemp("mocap")
    random = np.random.default_rng(0)
    for number in range(6):
        time = np.arange(90)[:, None] / 30
        poses = np.zeros((90, 72))
        for joint, axis in ((1, 0), (2, 0), (4, 0), (5, 0), (16, 2), (17, 2), (18, 1), (19, 1)):
            poses[:, joint * 3 + axis] = 0.8 * np.sin(2 * np.pi * (random.random() + random.random() * time[:, 0]))
        poses[:, 1] = random.uniform(-3, 3)
        np.savez(folder / f"{number}.npz", poses=poses, trans=np.zeros((90, 3)), mocap_frame_rate=30.0)
    return folder
