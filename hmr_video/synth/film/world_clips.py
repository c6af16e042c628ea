"""Clips of people in the world before a camera that stands, turns or moves, with the truth of both."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from scipy.spatial.transform import Rotation, Slerp

from hmr_video.body import Body
from hmr_video.export.render.base import Mesh
from hmr_video.export.render.lighting import light
from hmr_video.export.render.software import SoftwareRenderer
from hmr_video.geometry import Array
from hmr_video.synth.film.clothes import FineSurface, random_clothes
from hmr_video.synth.film.scenery import Place, panorama_place, random_place
from hmr_video.video.writer import VideoWriter

STILL, TURNING, MOVING = ("still",), ("pan", "zoom", "turn by hand"), ("dolly", "orbit", "walk along")
CAMERAS = (*STILL, *TURNING, *MOVING)
SIZE, FRAME_RATE = (640, 360), 30.0
_BLUR_STEPS = 3


@dataclass(frozen=True)
class WorldClip:
    """One person of T frames in the world (y up, floor at y = 0) and a camera.

    Attributes:
        camera: one of ``CAMERAS``.
        rotations, trans: (T, 24, 3, 3), (T, 3) in the world; betas: (10,).
        world_from_camera: (T, 4, 4); camera_matrices: (T, 3, 3) pixels.
        place: what is seen behind; shutter: share of a frame's time during which light falls in; size: width, height, pixels.
    """

    camera: str
    rotations: torch.Tensor
    trans: torch.Tensor
    betas: torch.Tensor
    world_from_camera: Array
    camera_matrices: Array
    place: Place
    shutter: float
    seed: tuple[int, ...]
    size: tuple[int, int] = SIZE

    def __len__(self) -> int:
        return len(self.trans)

    def film(self, body: Body) -> Iterator[Array]:
        """The pictures (H, W, 3) uint8, with motion blur of camera and person, and noise."""
        dice = np.random.default_rng([*self.seed, 1])
        surface, renderer = FineSurface(np.asarray(body.faces)), SoftwareRenderer()
        colours = random_clothes(body, surface, self.betas, dice)
        posed, _ = body.vertices(self.rotations, self.betas.expand(len(self), 10))
        vertices = (posed + self.trans[:, None]).double().numpy()
        turns, noise = Slerp(np.arange(len(self)), Rotation.from_matrix(self.world_from_camera[:, :3, :3])), dice.uniform(0, 4)
        moments = self.shutter * (np.arange(_BLUR_STEPS) / _BLUR_STEPS - 0.33) if self.shutter else np.zeros(1)
        for frame in range(len(self)):
            total = np.zeros((self.size[1], self.size[0], 3), np.float32)
            for moment in moments:
                time = np.clip(frame + moment, 0, len(self) - 1)
                pose = np.eye(4)
                pose[:3, :3], pose[:3, 3] = turns(time).as_matrix(), _between(self.world_from_camera[:, :3, 3], time)
                matrix = _between(self.camera_matrices, time)
                picture = self.place.picture(self.size, matrix, pose)
                seen = (surface.vertices(_between(vertices, time)) - pose[:3, 3]) @ pose[:3, :3]
                mesh = Mesh(seen, surface.faces, colours)
                renderer.draw_lit(picture, [mesh._replace(colour=light(mesh))], matrix)
                total += picture
            total /= len(moments)
            yield (total + noise * dice.standard_normal(total.shape, np.float32)).clip(0, 255).astype(np.uint8)

    def save(self, path: Path, body: Body) -> None:
        """Writes :meth:`film` as a video."""
        with VideoWriter(path, FRAME_RATE, self.size, quality=18) as writer:
            for picture in self.film(body):
                writer.write(picture)


def _between(values: Array, time: float) -> Array:
    """Values (T, ...) at a frame number that need not be whole."""
    before = min(int(time), len(values) - 2)
    return np.asarray(values[before] + (time - before) * (values[before + 1] - values[before]))


def world_clip(
    camera: str,
    body: Body,
    rotations: torch.Tensor,
    trans: torch.Tensor,
    seed: tuple[int, ...],
    panorama: Array | None = None,
    tall: tuple[float, float] = (0.25, 0.66),
    size: tuple[int, int] = SIZE,
) -> WorldClip:
    """A clip of motion (T, 24, 3, 3), (T, 3) in the world, before a ``camera`` of a kind in ``CAMERAS``; what zooms is blurred.

    ``panorama`` (H, W, 3): stands for the place where the camera does not move from its own. ``tall``: the least and the largest
    share of the picture's height that the person would take up if it stood.
    """
    dice = np.random.default_rng(list(seed))
    betas = torch.from_numpy(dice.normal(0, 0.7, 10)).float()
    vertices, joints = body.vertices(rotations, betas.expand(len(trans), 10))
    lowest = float((vertices[..., 1] + trans[:, None, 1]).amin(1).median())
    middle = (joints[:, 0] + trans).mean(0)
    trans = trans - torch.tensor([float(middle[0]), lowest, float(middle[2])])
    root = (joints[:, 0] + trans).double().numpy()
    poses, focals = _camera_path(camera, root, tall, size, dice)
    matrices = np.zeros((len(root), 3, 3))
    matrices[:, 0, 0] = matrices[:, 1, 1] = focals
    matrices[:, :2, 2] = np.array(size) / 2
    matrices[:, 2, 2] = 1
    if panorama is not None and camera not in MOVING:
        place = panorama_place(panorama)
    else:
        free = np.concatenate([root, poses[:, :3, 3], *(root + share * (poses[:, :3, 3] - root) for share in (0.25, 0.5, 0.75))])
        place = random_place(float(np.abs(free).max()) + dice.uniform(3, 15), free[:, [0, 2]], dice)
    shutter = 0.4 if camera == "zoom" else dice.choice([0.0, 0.4])
    return WorldClip(camera, rotations, trans, betas, poses, matrices, place, shutter, seed, size)


def _camera_path(
    camera: str, root: Array, tall: tuple[float, float], size: tuple[int, int], dice: np.random.Generator
) -> tuple[Array, Array]:
    """World from camera (T, 4, 4) and focal lengths (T,) of a camera that keeps the person, whose root goes (T, 3), in view."""
    count = len(root)
    seconds = np.arange(count) / FRAME_RATE
    focal = np.hypot(*size) * np.exp(dice.uniform(np.log(0.75), np.log(1.4)))
    share = np.exp(dice.uniform(*np.log(tall)))
    distance, azimuth = focal * 1.7 / (size[1] * share), dice.uniform(0, 2 * np.pi)
    followed = gaussian_filter1d(root, 0.4 * FRAME_RATE, axis=0, mode="nearest")
    eye = np.zeros((count, 3))
    if camera == "orbit":
        azimuth = azimuth + np.radians(dice.uniform(4, 12)) * dice.choice([-1, 1]) * seconds
    eye[:, 0], eye[:, 2] = distance * np.sin(azimuth), distance * np.cos(azimuth)
    eye[:, 1] = dice.uniform(1.0, 2.2)
    target = followed if camera not in STILL else np.tile(root.mean(0), (count, 1))
    focals, roll = np.full(count, focal), np.zeros(count)
    if camera == "still":
        reach = np.linalg.norm(np.ptp(root, axis=0)) / 2
        eye *= [1 + reach / distance, 1, 1 + reach / distance]
    if camera == "zoom":
        focals = focal * np.exp(0.35 * np.sin(seconds * dice.uniform(0.5, 1.2) + dice.uniform(0, 6)))
        roll = np.radians(6) * np.sin(seconds * 0.9)
    if camera == "dolly":
        along = dice.uniform(-1, 1, 3) * [1, 0.15, 1]
        eye += along / np.linalg.norm(along) * dice.uniform(0.3, 0.9) * (seconds - seconds.mean())[:, None]
    if camera == "walk along":
        eye += gaussian_filter1d(root, 0.8 * FRAME_RATE, axis=0, mode="nearest") * [1, 0, 1]
    shaken = {"turn by hand": 1.0, "walk along": 1.0}.get(camera, 0.05 if camera not in STILL else 0.0)
    tremble = _waves(seconds, 6, dice) * shaken
    if camera == "walk along":
        eye += tremble[:, 3:] * [0.03, 0.03, 0.03]
    target = target + np.array([0, dice.uniform(-0.1, 0.3), 0]) + tremble[:, :3] * 0.012 * distance
    poses = np.tile(np.eye(4), (count, 1, 1))
    forward = target - eye
    forward /= np.linalg.norm(forward, axis=-1, keepdims=True)
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right, axis=-1, keepdims=True)
    looking = np.stack([right, np.cross(forward, right), forward], -1)  # columns: the camera's x, y (down), z in the world
    poses[:, :3, :3] = looking @ Rotation.from_euler("z", (roll + 0.01 * tremble[:, 3])[:, None]).as_matrix()
    poses[:, :3, 3] = eye
    return poses, focals


def _waves(seconds: Array, count: int, dice: np.random.Generator) -> Array:
    """(T, count) of a hand's tremor: sums of swings of 0.3 to 5 Hz, faster ones smaller; about 1 in size."""
    hertz = np.array([0.3, 0.7, 1.3, 2.4, 5.0])[:, None]
    phases = dice.uniform(0, 2 * np.pi, (5, count))
    return np.asarray((np.sin(2 * np.pi * hertz * seconds[:, None, None] + phases) / hertz**0.8).sum(1) / 1.5)
