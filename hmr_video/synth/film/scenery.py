"""Empty places that a camera can move in: rooms and yards of textured boxes, and panoramas, which are infinitely far away."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import zoom

from hmr_video.export.render.lighting import compiled
from hmr_video.geometry import Array

_TEXELS, _LEVELS = 512, 8  # of a texture's finest picture, and how many pictures, each half as fine
_TEXEL = 0.012  # metres
_TEXTURES = 6


@dataclass(frozen=True)
class Place:
    """World: metres, y up, the floor at y = 0."""

    boxes: Array  # (B, 6) lowest and highest x, y, z; the first is seen from inside, the others from outside
    looks: Array  # (B, 3) the texture of the faces across x, y and z of each box
    textures: Array  # (N, levels, S, S, 3) uint8
    panorama: Array  # (H, W, 3) uint8, all directions: left to right by azimuth, top to bottom by elevation; empty for none

    def picture(self, size: tuple[int, int], camera_matrix: Array, world_from_camera: Array) -> Array:
        """What a camera sees, (H, W, 3) uint8."""
        image = np.empty((size[1], size[0], 3), np.uint8)
        turn, origin = np.ascontiguousarray(world_from_camera[:3, :3]), np.ascontiguousarray(world_from_camera[:3, 3])
        focal, centre = float(camera_matrix[0, 0]), camera_matrix[:2, 2].astype(float)
        if len(self.boxes):
            _cast(image, turn, origin, focal, centre, self.boxes, self.looks, self.textures)
        else:
            _look_around(image, turn, focal, centre, self.panorama)
        return image


def panorama_place(picture: Array) -> Place:
    """A place without depth, from a picture (H, W, 3) of all directions."""
    return Place(np.zeros((0, 6)), np.zeros((0, 3), np.int64), np.zeros((0, 1, 1, 1, 3), np.uint8), np.ascontiguousarray(picture))


def random_place(half_width: float, free: Array, dice: np.random.Generator) -> Place:
    """A room or yard ``half_width`` metres to each side of the origin, boxes standing where no point of ``free`` (N, 2), x and z,
    is within two metres."""
    height = 3.2 if half_width < 12 else 25.0
    boxes = [[-half_width, 0, -half_width, half_width, height, half_width]]
    for _ in range(60):
        centre, half = dice.uniform(-half_width, half_width, 2), dice.uniform(0.2, 0.06 * half_width + 0.6, 2)
        apart = np.abs(free - centre) - half
        if np.linalg.norm(apart.clip(min=0), axis=-1).min() > 2.0 and len(boxes) < 14:
            top = dice.uniform(0.4, min(height, 0.2 * half_width + 1))
            boxes.append([centre[0] - half[0], 0, centre[1] - half[1], centre[0] + half[0], top, centre[1] + half[1]])
    looks = dice.integers(0, _TEXTURES, (len(boxes), 3))
    return Place(np.array(boxes, float), looks, _textures(dice), np.zeros((0, 0, 3), np.uint8))


def _textures(dice: np.random.Generator) -> Array:
    """(N, levels, S, S, 3) uint8: clouds of noise, some with tiles or posters, and the same half as fine, and so on."""
    made = np.zeros((_TEXTURES, _LEVELS, _TEXELS, _TEXELS, 3), np.uint8)
    for number in range(_TEXTURES):
        weight = np.zeros((_TEXELS, _TEXELS))
        for cells in (4, 16, 64, 256):
            noise = zoom(dice.random((cells, cells)), _TEXELS / cells, order=1, grid_mode=True, mode="grid-wrap")
            weight += noise * dice.uniform(0.1, 0.4)
        first, second = muted(dice.uniform(40, 220, (2, 3)))
        picture = first + (second - first) * weight[..., None]
        if number % 3 == 0:
            step = int(dice.integers(30, 90))
            picture[::step] *= 0.6
            picture[:, ::step] *= 0.6
        if number % 3 == 1:
            for _ in range(25):
                top, left, tall, wide = dice.integers(0, _TEXELS - 20, 2).tolist() + dice.integers(8, 90, 2).tolist()
                picture[top : top + tall, left : left + wide] = muted(dice.uniform(20, 235, 3))
        for level in range(_LEVELS):
            side = _TEXELS >> level
            made[number, level, :side, :side] = picture.clip(0, 255)
            picture = picture.reshape(side // 2, 2, side // 2, 2, 3).mean((1, 3))
    return made


def muted(colours: Array) -> Array:
    """Colours (..., 3) half way to their own grey, as most things are."""
    return np.asarray(0.5 * colours + 0.5 * colours.mean(-1, keepdims=True))


@compiled
def _texel(look: Array, level: int, u: float, v: float, channel: int) -> float:
    """The colour of a texture at (u, v) metres, in its picture of a level of fineness."""
    scale, count = _TEXEL * 2**level, _TEXELS >> level
    u, v = u / scale - 0.5, v / scale - 0.5
    i, j = int(np.floor(u)), int(np.floor(v))
    du, dv = u - i, v - j
    low = (1 - dv) * look[i % count, j % count, channel] + dv * look[i % count, (j + 1) % count, channel]
    high = (1 - dv) * look[(i + 1) % count, j % count, channel] + dv * look[(i + 1) % count, (j + 1) % count, channel]
    return (1 - du) * low + du * high


@compiled
def _cast(
    image: Array, turn: Array, origin: Array, focal: float, centre: Array, boxes: Array, looks: Array, textures: Array
) -> None:
    """Draws the nearest face that each pixel's ray meets."""
    for row in range(image.shape[0]):
        for column in range(image.shape[1]):
            x, y = (column + 0.5 - centre[0]) / focal, (row + 0.5 - centre[1]) / focal
            ray = turn[:, 0] * x + turn[:, 1] * y + turn[:, 2]
            nearest, box, side = np.inf, 0, 0
            for b in range(len(boxes)):
                enter, leave, enter_side, leave_side = -np.inf, np.inf, 0, 0
                for axis in range(3):
                    pace = ray[axis] if abs(ray[axis]) > 1e-12 else 1e-12
                    first, second = (boxes[b, axis] - origin[axis]) / pace, (boxes[b, axis + 3] - origin[axis]) / pace
                    if first > second:
                        first, second = second, first
                    if first > enter:
                        enter, enter_side = first, axis
                    if second < leave:
                        leave, leave_side = second, axis
                if b == 0:
                    nearest, side = leave, leave_side
                elif enter <= leave and 0 < enter < nearest:
                    nearest, box, side = enter, b, enter_side
            point = origin + ray * nearest
            if side == 1:
                u, v = point[0], point[2]
            elif side == 0:
                u, v = point[2], point[1]
            else:
                u, v = point[0], point[1]
            slant = abs(ray[side]) / np.sqrt((ray * ray).sum())
            fineness = np.log2(max(nearest / focal / _TEXEL / max(slant, 0.05), 1.0))  # of the picture that fits, from 0
            level = min(_LEVELS - 2, int(fineness))
            blend = min(fineness - level, 1.0)
            for k in range(3):
                colour = (1 - blend) * _texel(textures[looks[box, side], level], level, u, v, k)
                colour += blend * _texel(textures[looks[box, side], level + 1], level + 1, u, v, k)
                image[row, column, k] = np.uint8(colour * (1.0, 0.8, 0.9)[side])


@compiled
def _look_around(image: Array, turn: Array, focal: float, centre: Array, panorama: Array) -> None:
    """Draws what lies in the direction of each pixel's ray."""
    height, width = panorama.shape[:2]
    for row in range(image.shape[0]):
        for column in range(image.shape[1]):
            x, y = (column + 0.5 - centre[0]) / focal, (row + 0.5 - centre[1]) / focal
            ray = turn[:, 0] * x + turn[:, 1] * y + turn[:, 2]
            u = (np.arctan2(ray[0], -ray[2]) / (2 * np.pi) + 0.5) * width - 0.5
            v = (0.5 - np.arctan2(ray[1], np.hypot(ray[0], ray[2])) / np.pi) * height - 0.5
            v = min(max(v, 0.0), height - 1.001)
            i, j = int(np.floor(v)), int(np.floor(u))
            dv, du = v - i, u - j
            for k in range(3):
                above = (1 - du) * panorama[i, j % width, k] + du * panorama[i, (j + 1) % width, k]
                below = (1 - du) * panorama[i + 1, j % width, k] + du * panorama[i + 1, (j + 1) % width, k]
                image[row, column, k] = np.uint8((1 - dv) * above + dv * below)
