"""Places recorded motion before a camera and writes the ground truth of the samples: `python samples/stage.py MOTION_FOLDER`.

MOTION_FOLDER holds motion capture as AMASS-layout NPZ at 30 fps (world y up, floor at y = 0), in the collections named in
`CLIPS`. Needed only to make other samples: `render.py` draws the clips from the ground truth that lies beside it.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from hmr_video.body import load_body
from hmr_video.geometry.cameras import project
from hmr_video.geometry.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from hmr_video.motion import Motion

HERE = Path(__file__).parent
SIZE = (960, 540)
FRAME_RATE = 30.0
DELTA = 5  # frames to the past and future poses


@dataclass(frozen=True)
class Part:
    """One person of a clip: which frames of which recording, where (metres; x right, z towards the camera) and turned how far
    (degrees about the vertical, anticlockwise from above) they stand in the middle of the clip, and the body's shape."""

    source: str
    first: int
    place: tuple[float, float]
    turn: float
    betas: tuple[float, ...]


@dataclass(frozen=True)
class Clip:
    """Frames, people, and the camera: focal length in pixels, height in metres, pitch down in degrees."""

    frames: int
    people: dict[str, Part]
    focal: float
    height: float
    pitch: float


CLIPS = {
    "one_person": Clip(
        frames=150,
        people={"one_person": Part("cmu_dance/indian_04_399", 220, (0.0, -4.4), 180.0, (0.6, -0.4, 0.3))},
        focal=1000.0,
        height=1.45,
        pitch=6.0,
    ),
    "two_crossing": Clip(
        frames=120,
        people={
            "two_crossing_01": Part("cmu_actions/walking_2_2", 14, (0.15, -4.4), 100.0, (-0.5, 0.2, 0.2)),
            "two_crossing_02": Part("cmu_locomotion/49_01", 20, (-0.1, -6.0), -97.0, (0.9, 0.2, 0.6)),
        },
        focal=940.0,
        height=1.6,
        pitch=7.0,
    ),
}


def world_from_camera(height: float, pitch: float) -> np.ndarray:
    """(4, 4) of a camera above the origin that looks along -z and down by ``pitch`` degrees."""
    cosine, sine = np.cos(np.radians(pitch)), np.sin(np.radians(pitch))
    transform = np.eye(4)
    transform[:3, :3] = [[1, 0, 0], [0, -cosine, -sine], [0, sine, -cosine]]
    transform[1, 3] = height
    return transform


def stage(clip: Clip, part: Part, folder: Path) -> Motion:
    """The ground truth of one person, in camera space."""
    body = load_body("open")
    with np.load(folder / f"{part.source}.npz") as recording:
        poses, trans = recording["poses"], recording["trans"].astype(np.float64)
    if part.first < DELTA or part.first + clip.frames + DELTA > len(poses):
        raise SystemExit(f"{part.source} has {len(poses)} frames: not enough before or after frame {part.first}.")
    betas = torch.zeros(10)
    betas[: len(part.betas)] = torch.tensor(part.betas)
    rotations = axis_angle_to_matrix(torch.as_tensor(poses).double().reshape(-1, 24, 3))
    pelvis = body.rest(betas)[1][0].double().numpy()
    middle = part.first + clip.frames // 2
    angle = np.radians(part.turn)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    position = (trans - trans[middle]) @ turn.T + [part.place[0], 0, part.place[1]]
    rotations[:, 0] = torch.from_numpy(turn) @ rotations[:, 0]
    chosen = slice(part.first, part.first + clip.frames)
    betas_all = betas.expand(clip.frames, 10)
    vertices, _ = body.vertices(rotations[chosen].float(), betas_all)
    lowest = vertices[..., 1].min(1).values.double().numpy() + position[chosen, 1]
    position[:, 1] -= np.median(lowest)  # shoes on the floor, in the frame of the middle
    print(f"{part.source}: the lowest vertex strays by {np.ptp(lowest) * 1000:.0f} mm over the clip")

    to_camera = np.linalg.inv(world_from_camera(clip.height, clip.pitch))
    rotations[:, 0] = torch.from_numpy(to_camera[:3, :3]) @ rotations[:, 0]
    position = (position + pelvis) @ to_camera[:3, :3].T + to_camera[:3, 3] - pelvis
    vertices, joints = body.vertices(rotations[chosen].float(), betas_all)
    shift = torch.from_numpy(position[chosen]).float()[:, None]
    camera = torch.tensor([[clip.focal, 0, SIZE[0] / 2], [0, clip.focal, SIZE[1] / 2], [0, 0, 1]])
    pixels = project(vertices + shift, camera)
    keypoints = project(body.coco_keypoints(rotations[chosen].float(), betas_all) + shift, camera).numpy()
    axis_angle = matrix_to_axis_angle(rotations).reshape(-1, 72).numpy()
    return Motion(
        poses=axis_angle[chosen],
        trans=position[chosen],
        betas=betas.numpy(),
        frame_ids=np.arange(clip.frames),
        timestamps=np.arange(clip.frames) / FRAME_RATE,
        frame_rate=FRAME_RATE,
        confidence=np.ones(clip.frames),
        camera_matrix=camera.numpy(),
        image_size=np.array(SIZE),
        boxes=torch.cat([pixels.min(1).values, pixels.max(1).values], 1).numpy(),
        landmarks2d=np.concatenate([keypoints, np.ones((clip.frames, 17, 1))], 2),
        joints3d=(joints + shift).numpy(),
        poses_past=axis_angle[part.first - DELTA :][: clip.frames],
        poses_future=axis_angle[part.first + DELTA :][: clip.frames],
        body=body.name,
        body_hash=body.hash,
        weights_hash="ground truth",
        world_from_camera=world_from_camera(clip.height, clip.pitch),
    )


if __name__ == "__main__":
    for scene in CLIPS.values():
        for person, part in scene.people.items():
            stage(scene, part, Path(sys.argv[1])).save(HERE / f"{person}.npz", overwrite=True)
