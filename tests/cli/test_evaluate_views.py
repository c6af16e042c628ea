"""`evaluate --views`: one person filmed from three sides."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from hmr_video.cli.main import run
from hmr_video.evaluate.views import CALIBRATION
from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.motion import Motion
from hmr_video.synth.film.filming import Camera, Shot
from hmr_video.video.writer import VideoWriter

SAMPLE = Path(__file__).resolve().parents[2] / "samples" / "one_person.npz"
FRAMES, SIZE, DISTANCE = 16, (480, 480), 4.0
MATRIX = np.array([[700.0, 0, 240], [0, 700, 240], [0, 0, 1]])


@pytest.mark.slow
def test_each_camera_is_compared_with_what_all_show(tmp_path, body, capsys):
    vertices, betas = moving_person(body)
    camera, calibration = Camera(body), ""
    for number, angle in enumerate((0.0, 0.9, -0.9)):
        turn = Rotation.from_rotvec([0, angle, 0]).as_matrix()
        pictures = camera.film(shot(vertices @ turn.T + [0, 0, DISTANCE], betas), np.random.default_rng(number))
        with VideoWriter(tmp_path / f"view{number}.mp4", 30, SIZE) as writer:
            for picture in pictures:
                writer.write(picture)
        calibration += f'[cam_{number}]\nname = "view{number}"\nmatrix = {MATRIX.tolist()}\n'
        calibration += f"rotation = [0.0, {angle}, 0.0]\ntranslation = [0.0, 0.0, {DISTANCE}]\n\n"
    assert run(["evaluate", "--views", str(tmp_path), "--quiet"]) == 3  # not calibrated
    (tmp_path / CALIBRATION).write_text(calibration)
    capsys.readouterr()
    assert run(["evaluate", "--views", str(tmp_path), "--json", "--quiet"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["person"] for row in rows] == ["view0", "view1", "view2"]
    for row in rows:
        assert row["coverage"] == 1
        assert 10 < row["pa_mpjpe"] < 110
        assert row["pck"] > 0.6


def moving_person(body):
    """Vertices (T, V, 3) of the sample's dancer about the origin, and the shape (10,)."""
    motion = Motion.load(SAMPLE)
    rotations = axis_angle_to_matrix(torch.from_numpy(motion.poses[:FRAMES]).float().view(-1, 24, 3))
    betas = torch.from_numpy(motion.betas).float()
    with torch.inference_mode():
        vertices, joints = body.vertices(rotations, betas.expand(FRAMES, 10))
    return (vertices - joints[:1, :1]).numpy(), betas


def shot(vertices: np.ndarray, betas: torch.Tensor) -> Shot:
    nothing = np.zeros((FRAMES, 17, 3))
    return Shot(
        points=nothing,
        joints=nothing,
        turned=nothing,
        vertices=vertices,
        betas=betas,
        camera_matrix=MATRIX,
        size=SIZE,
        occluder=np.full((FRAMES, 4), np.nan),
        height=300.0,
        shutter=0.0,
    )
