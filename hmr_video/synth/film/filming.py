"""Windows of motion filmed by random cameras: pictures of clothed bodies."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, zoom
from torch import Tensor

from hmr_video.body import Body
from hmr_video.export.render.base import Mesh
from hmr_video.export.render.lighting import light
from hmr_video.export.render.software import SoftwareRenderer
from hmr_video.geometry import Array
from hmr_video.synth.film.clothes import FineSurface, random_clothes
from hmr_video.synth.film.scenery import muted

LONGEST_SIDE = 640  # pixels of a picture
_PERSON = (60.0, 600.0)  # pixels that a person is tall
_BLUR_STEPS = 3


@dataclass(frozen=True)
class Shot:
    """One window of T frames before the camera, in camera space and metres."""

    points: Array  # (T, 17, 3) COCO keypoints
    joints: Array  # (T, 24, 3)
    turned: Array  # (T, 24, 3, 3) the joints' rotations
    vertices: Array  # (T, V, 3)
    betas: Tensor  # (10,) the shape
    camera_matrix: Array  # (3, 3) pixels
    size: tuple[int, int]  # width and height
    occluder: Array  # (T, 4) x1 y1 x2 y2 pixels of a thing before the person; NaN for none
    height: float  # how tall the person is in pixels, in the middle frame
    shutter: float  # share of a frame's time during which light falls in

    @property
    def pixels(self) -> Array:
        """(T, 17, 2) the keypoints in the picture."""
        focal, centre = self.camera_matrix[0, 0], self.camera_matrix[:2, 2]
        return np.asarray(self.points[..., :2] / self.points[..., 2:] * focal + centre)

    @property
    def beyond(self) -> Array:
        """(T, 17, 2) how far the keypoints lie outside the picture, in rays; 0 inside."""
        pixels = self.pixels
        return np.asarray((pixels - pixels.clip(0, self.size)) / self.camera_matrix[0, 0])


def shoot(body: Body, rotations: Tensor, position: Tensor, betas: Tensor, dice: np.random.Generator) -> Shot:
    """Chooses size, borders and occluder for one person whose pelvis is at ``position`` (T, 3)."""
    shape = betas.expand(len(rotations), 10)
    vertices, joints = body.vertices(rotations, shape)
    turned = body.joints(rotations, shape)[1]
    shift = position[:, None] - joints[:, :1]
    points = body.coco_from_joints(joints, turned, shape) + shift
    rays = (points[..., :2] / points[..., 2:]).numpy()
    low, high = rays.min(1), rays.max(1)  # (T, 2)
    middle = len(rays) // 2
    wanted = _PERSON[0] * (_PERSON[1] / _PERSON[0]) ** dice.random()
    pads = np.where(dice.random(4) < 0.7, dice.uniform(0.08, 0.4, 4), dice.uniform(0.3, 1.5, 4))  # left, above, right, below
    if dice.random() < 0.3:
        pads[dice.choice(4, p=[0.15, 0.15, 0.15, 0.55])] = -dice.uniform(0.05, 0.65)
    extent = (high[middle] - low[middle]).max()
    whole = np.maximum(high.max(0) - low.min(0), 0.3 * extent) + extent * (pads[:2] + pads[2:]).clip(-0.6)
    whole = np.maximum(whole, 0.25 * extent)
    height = min(wanted, LONGEST_SIDE / (whole.max() / extent))
    focal = height / extent
    width, tall = (max(64, int(side)) for side in (whole * focal).round())
    centre = -low.min(0) * focal + pads[:2] * height
    camera = np.array([[focal, 0, centre[0]], [0, focal, centre[1]], [0, 0, 1.0]])
    occluder = np.full((len(rays), 4), np.nan)
    if dice.random() < 0.5:
        at = low + (high - low) * dice.random(2) if dice.random() < 0.5 else low[middle] + (high - low)[middle] * dice.random(2)
        half = (high - low)[middle] * dice.uniform(0.08, 0.35, 2)
        occluder[:] = np.concatenate([at - half, at + half], -1) * focal + np.tile(centre, 2)
    shutter = dice.choice([0.0, dice.uniform(0.1, 0.9)])
    return Shot(
        points=points.numpy(),
        joints=(joints + shift).numpy(),
        turned=turned.numpy(),
        vertices=(vertices + shift).numpy(),
        betas=betas,
        camera_matrix=camera,
        size=(width, tall),
        occluder=occluder,
        height=float(height),
        shutter=float(shutter),
    )


class Camera:
    """Draws shots."""

    def __init__(self, body: Body) -> None:
        self.body, self.surface, self.renderer = body, FineSurface(np.asarray(body.faces)), SoftwareRenderer()

    def film(self, shot: Shot, dice: np.random.Generator) -> Array:
        """The pictures (T, H, W, 3) uint8 of a shot in front of something, with blur, exposure and noise."""
        colours = random_clothes(self.body, self.surface, shot.betas, dice) * dice.uniform(0.6, 1.25)
        behind = backdrop(shot.size, dice)
        thing = backdrop(shot.size, dice)
        noise, defocus = dice.uniform(0, 8), dice.choice([0.0, dice.uniform(0.3, 1.2)])
        tint = dice.uniform(0.88, 1.12, 3).astype(np.float32)
        pictures = []
        for frame, box in enumerate(shot.occluder):
            picture = self._exposed(shot, frame, colours, behind)
            if np.isfinite(box).all():
                left, top, right, bottom = box.round().clip(0, 10_000).astype(int)
                picture[top:bottom, left:right] = thing[top:bottom, left:right]
            if defocus:
                picture = gaussian_filter(picture, (defocus, defocus, 0))
            grain = noise * dice.standard_normal(picture.shape, np.float32)
            pictures.append((picture * tint + grain).clip(0, 255).astype(np.uint8))
        return np.stack(pictures)

    def _exposed(self, shot: Shot, frame: int, colours: Array, behind: Array) -> Array:
        """One frame (H, W, 3) float: the mean over the time that the shutter is open."""
        vertices = shot.vertices
        before, after = max(frame - 1, 0), min(frame + 1, len(vertices) - 1)
        speed = (vertices[after] - vertices[before]) / max(after - before, 1)
        moments = shot.shutter * (np.arange(_BLUR_STEPS) / _BLUR_STEPS - 0.33) if shot.shutter else [0.0]
        total = np.zeros(behind.shape, np.float32)
        for moment in moments:
            mesh = Mesh(self.surface.vertices(vertices[frame] + moment * speed), self.surface.faces, colours)
            picture = behind.copy()
            self.renderer.draw_lit(picture, [mesh._replace(colour=light(mesh))], shot.camera_matrix)
            total += picture
        return np.asarray(total / np.float32(len(moments)))


def backdrop(size: tuple[int, int], dice: np.random.Generator) -> Array:
    """A picture (H, W, 3) uint8 of nothing: plain, a gradient, clouds of noise, or rectangles over one of them."""
    width, height = size
    first, second = muted(dice.uniform(20, 235, (2, 3)))
    weight = np.zeros((height, width))
    kind = dice.integers(3)
    if kind == 1:
        weight += np.linspace(0, 1, height)[:, None] if dice.random() < 0.5 else np.linspace(0, 1, width)
    elif kind == 2:
        for cells in (3, 8, 24):
            coarse = dice.random((cells, cells))
            weight += zoom(coarse, (height / cells, width / cells), order=1, grid_mode=True, mode="nearest") / 3
    picture = first * (1 - weight[..., None]) + second * weight[..., None]
    for _ in range(dice.choice([0, 4, 14])):
        left, top = dice.integers(0, width), dice.integers(0, height)
        across, down = dice.integers(2, width // 2), dice.integers(2, height // 2)
        picture[top : top + down, left : left + across] = muted(dice.uniform(10, 245, 3))
    return picture.clip(0, 255).astype(np.uint8)
