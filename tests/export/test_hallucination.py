"""The pictures of a photograph's past, present and future."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from hmr_video.errors import OutputError
from hmr_video.export.hallucination import LONGEST_SIDE, between, write_hallucination
from hmr_video.export.render.software import SoftwareRenderer
from hmr_video.geometry.rotations import pose_matrices
from hmr_video.motion import Motion

if TYPE_CHECKING:
    from hmr_video.body import Body


@pytest.fixture
def still(motion: Motion) -> Motion:
    """The walker's tenth frame as the result of a photograph."""
    return motion.rows(slice(10, 11))


def test_phases_pass_through_past_present_and_future(still: Motion) -> None:
    poses = between(still, np.array([-1.0, 0.0, 1.0, 0.5]))
    expected = np.concatenate([still.poses_past, still.poses, still.poses_future])
    np.testing.assert_allclose(pose_matrices(poses[:3]), pose_matrices(expected), atol=1e-5)
    knee = 3 * 4  # bends about one axis, so half the way is half the angle
    assert poses[3, knee] == pytest.approx((still.poses[0, knee] + still.poses_future[0, knee]) / 2, abs=1e-4)


def test_the_picture_shows_three_bodies_and_the_loop_loops(still: Motion, body: "Body", tmp_path: Path) -> None:
    photo = np.full((480, 640, 3), 200, np.uint8)
    picture, loop = write_hallucination([still], body, photo, tmp_path, SoftwareRenderer())
    panels = np.asarray(Image.open(picture)).astype(int)
    assert max(panels.shape[0], panels.shape[1] / 3) < LONGEST_SIDE + 60
    blue = panels[..., 2] - panels[..., 0] > 30  # the first person's colour
    thirds = np.array_split(blue, 3, axis=1)
    assert all(third.sum() > 500 for third in thirds)
    assert (thirds[0][:, :500] != thirds[2][:, :500]).any()
    with Image.open(loop) as animation:
        assert animation.n_frames == 30  # type: ignore[attr-defined]
        assert animation.info["loop"] == 0
    with pytest.raises(OutputError, match="exists"):
        write_hallucination([still], body, photo, tmp_path, SoftwareRenderer())
