"""Backgrounds made of numbers: a room and a yard, seen through a pinhole camera. World: metres, y up, floor at y = 0."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

Texture = Callable[[np.ndarray], np.ndarray]  # world points (N, 3) -> colours (N, 3) in 0..1


class Noise:
    """Smooth random numbers in 0..1 over the plane, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._table = np.random.default_rng(seed).random((256, 256))

    def __call__(self, u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Value noise with a lattice of 1 at (u, v)."""
        i, j = np.floor(u).astype(int), np.floor(v).astype(int)
        a, b = u - i, v - j
        a, b = a * a * (3 - 2 * a), b * b * (3 - 2 * b)
        t = self._table
        low = t[i % 256, j % 256] * (1 - a) + t[(i + 1) % 256, j % 256] * a
        high = t[i % 256, (j + 1) % 256] * (1 - a) + t[(i + 1) % 256, (j + 1) % 256] * a
        return low * (1 - b) + high * b

    def rough(self, u: np.ndarray, v: np.ndarray, octaves: int = 4) -> np.ndarray:
        """Octaves of noise, each twice as fine and half as strong, in 0..1."""
        total = sum(0.5**k * self(u * 2**k + 17 * k, v * 2**k + 31 * k) for k in range(octaves))
        return total / (2 - 0.5 ** (octaves - 1))

    def cell(self, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """One random number per integer cell."""
        return self._table[i.astype(int) % 256, j.astype(int) % 256]


def background(size: tuple[int, int], camera_matrix: np.ndarray, world_from_camera: np.ndarray, scene: "Scene") -> np.ndarray:
    """A picture (H, W, 3) float in 0..1 of the empty scene, four rays a pixel."""
    width, height = size
    columns, rows = np.meshgrid((np.arange(2 * width) + 0.5) / 2, (np.arange(2 * height) + 0.5) / 2)
    rays = np.stack([columns, rows, np.ones_like(rows)], -1).reshape(-1, 3) @ np.linalg.inv(camera_matrix).T
    rays = rays @ world_from_camera[:3, :3].T
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    colours = scene.trace(world_from_camera[:3, 3], rays)
    return colours.reshape(height, 2, width, 2, 3).mean((1, 3)).clip(0, 1)


class Scene(ABC):
    """A box without a lid or with one, its light, and what a person standing in it receives.

    Attributes:
        lamp: (3,) towards the main light. ``warmth`` (3,) is its colour, ``sky`` that of the light from all around, ``bounce``
            that of the light from the floor.
        blur: how far the lamp spreads, in radians: softness of shadows.
    """

    low: np.ndarray
    high: np.ndarray
    lamp: np.ndarray
    warmth: np.ndarray
    sky: np.ndarray
    bounce: np.ndarray
    blur: float

    def trace(self, origin: np.ndarray, rays: np.ndarray) -> np.ndarray:
        """Colours (N, 3) seen from ``origin`` (3,) along ``rays`` (N, 3): the box's inner side where each ray leaves it."""
        with np.errstate(divide="ignore"):
            distances = np.where(rays > 0, (self.high - origin) / rays, (self.low - origin) / rays)
        axis = distances.argmin(1)
        points = origin + rays * distances.min(1)[:, None]
        colours = np.empty_like(points)
        for number, down, texture in (
            (1, True, self.floor), (1, False, self.above), (2, True, self.back),
            (2, False, self.back), (0, True, self.side), (0, False, self.side),
        ):  # fmt: skip
            chosen = (axis == number) & ((rays[:, number] < 0) == down)
            colours[chosen] = texture(points[chosen])
        return colours

    @abstractmethod
    def floor(self, points: np.ndarray) -> np.ndarray:
        """Colours (N, 3) of points on the floor."""

    @abstractmethod
    def above(self, points: np.ndarray) -> np.ndarray:
        """The same on the ceiling, or of the sky."""

    @abstractmethod
    def back(self, points: np.ndarray) -> np.ndarray:
        """The same on the wall at the back."""

    @abstractmethod
    def side(self, points: np.ndarray) -> np.ndarray:
        """The same on the walls at the sides."""

    def corners(self, points: np.ndarray, reach: float = 0.4, depth: float = 0.35) -> np.ndarray:
        """Darkening (N, 1) near the box's inner edges, where less light arrives."""
        gaps = np.minimum(points - self.low, self.high - points)
        gaps = np.sort(gaps, axis=1)[:, 1:]  # the smallest is the wall the point lies on
        return (1 - depth * np.exp(-gaps / reach)).prod(1)[:, None]


def mix(a: ArrayLike, b: ArrayLike, weight: np.ndarray) -> np.ndarray:
    """``a`` where ``weight`` (N,) is 0, ``b`` where it is 1."""
    return np.asarray(a) * (1 - weight[:, None]) + np.asarray(b) * weight[:, None]


def inside(u: np.ndarray, v: np.ndarray, left: float, bottom: float, right: float, top: float) -> np.ndarray:
    return (u > left) & (u < right) & (v > bottom) & (v < top)


class Room(Scene):
    """A living room in the afternoon: planks, a rug, a window, pictures, a low shelf."""

    low, high = np.array([-4.2, 0.0, -7.6]), np.array([4.2, 2.9, 3.0])
    lamp = np.array([-0.45, 0.8, 0.4]) / np.linalg.norm([-0.45, 0.8, 0.4])
    warmth, sky, bounce = np.array([0.62, 0.58, 0.52]), np.array([0.46, 0.47, 0.5]), np.array([0.22, 0.17, 0.12])
    blur = 0.16

    def __init__(self, seed: int = 4) -> None:
        self.noise = Noise(seed)

    def floor(self, points: np.ndarray) -> np.ndarray:
        x, z = points[:, 0], points[:, 2]
        plank = np.floor(z / 0.16)
        along = x / 1.3 + self.noise.cell(plank, plank * 0 + 9)
        shade = self.noise.cell(plank, np.floor(along))
        grain = self.noise.rough(x * 3 + shade * 50, z * 60)
        colours = np.array([0.62, 0.45, 0.3]) * (0.72 + 0.3 * shade + 0.25 * (grain - 0.5))[:, None]
        gap = np.minimum(z / 0.16 % 1, 1 - z / 0.16 % 1) * 0.16
        gap = np.minimum(gap, np.minimum(along % 1, 1 - along % 1) * 1.3)
        colours *= (1 - 0.5 * np.exp(-((gap / 0.003) ** 2)))[:, None]
        rug = np.maximum(np.abs(x) / 1.9, np.abs(z + 4.55) / 1.15)
        weave = 0.9 + 0.2 * self.noise(x * 150, z * 150)
        pattern = np.where((rug > 0.84) & (rug < 0.9), 1.0, 0.0)
        cloth = mix([0.55, 0.33, 0.27], [0.78, 0.7, 0.58], pattern) * weave[:, None]
        colours = mix(colours, cloth, (rug < 1).astype(float))
        pool = 0.8 + 0.35 * np.exp(-(((x + 0.6) / 2.6) ** 2) - ((z + 4.2) / 2.4) ** 2)
        return colours * 1.15 * pool[:, None] * self.corners(points)

    def above(self, points: np.ndarray) -> np.ndarray:
        return np.full_like(points, 0.86) * self.corners(points)

    def wall(self, points: np.ndarray, u: np.ndarray) -> np.ndarray:
        y = points[:, 1]
        plaster = 0.97 + 0.05 * (self.noise.rough(u * 2, y * 2) - 0.5)
        colours = np.array([0.79, 0.78, 0.72]) * plaster[:, None]
        colours = mix(colours, [0.88, 0.87, 0.84], (y < 0.11).astype(float))
        colours *= (1 - 0.35 * np.exp(-(((y - 0.11) / 0.006) ** 2)))[:, None]
        return colours * (0.9 + 0.07 * y)[:, None] * self.corners(points)

    def side(self, points: np.ndarray) -> np.ndarray:
        return self.wall(points, points[:, 2]) * 0.93

    def back(self, points: np.ndarray) -> np.ndarray:
        x, y = points[:, 0], points[:, 1]
        colours = self.wall(points, x)
        glow = np.exp(-np.hypot(np.maximum(np.abs(x + 2.4) - 0.75, 0), np.maximum(np.abs(y - 1.6) - 0.7, 0)) / 0.5)
        colours += 0.07 * glow[:, None]
        # The window: frame, panes with a garden out of focus.
        colours = mix(colours, [0.93, 0.93, 0.92], inside(x, y, -3.25, 0.82, -1.55, 2.38).astype(float))
        green = self.noise.rough(x * 1.5, y * 1.5)
        garden = mix([0.88, 0.93, 0.98], [0.5, 0.62, 0.42], np.clip((1.75 - y + 0.5 * green) * 2.5, 0, 1))
        panes = inside(x, y, -3.17, 0.9, -1.63, 2.3) & (np.abs(x + 2.4) > 0.035)
        colours = mix(colours, garden, panes.astype(float))
        # Pictures.
        for left, bottom, width, height, hue in ((0.55, 1.35, 0.62, 0.82, 0.0), (1.4, 1.5, 0.95, 0.62, 3.0)):
            u, v = (x - left) / width, (y - bottom) / height
            drop = inside(u, v, 0.02, -0.06, 1.04, 0.98)
            colours = mix(colours, colours * 0.82, drop.astype(float))
            colours = mix(colours, [0.16, 0.14, 0.13], inside(u, v, 0, 0, 1, 1).astype(float))
            field = self.noise.rough(u * 2.5 + hue, v * 2.5)
            art = 0.55 + 0.2 * np.stack([np.sin(6 * field + hue), np.sin(6 * field + hue + 1.2), np.sin(5 * field + 2.6)], 1)
            colours = mix(colours, art, inside(u, v, 0.05, 0.05, 0.95, 0.95).astype(float))
        # A low shelf with books.
        colours = mix(colours, [0.42, 0.3, 0.2], inside(x, y, 0.4, 0.0, 3.3, 0.72).astype(float))
        bay = np.floor((x - 0.44) / 0.71)
        hole = inside(x, y, 0.46, 0.08, 3.24, 0.68) & ((x - 0.44) % 0.71 > 0.03) & (np.abs(y - 0.38) > 0.015)
        shelf = np.floor(y / 0.38)
        book = np.floor(x / 0.045)
        tall = 0.17 + 0.1 * self.noise.cell(book, shelf + 3)
        base = np.where(y < 0.38, 0.08, 0.395)
        spine = 0.25 + 0.5 * np.stack([self.noise.cell(book + k, shelf + 5 * k) for k in (1, 2, 3)], 1)
        there = (y - base < tall) & (self.noise.cell(bay, shelf + 11) > 0.25)
        colours = mix(colours, mix([0.13, 0.1, 0.08], spine * 0.75, there.astype(float)), hole.astype(float))
        return colours


class Yard(Scene):
    """A paved yard on a bright day: slabs, a brick wall, trees and sky over it."""

    low, high = np.array([-30.0, 0.0, -10.5]), np.array([30.0, 60.0, 6.0])
    lamp = np.array([0.55, 0.78, 0.42]) / np.linalg.norm([0.55, 0.78, 0.42])
    warmth, sky, bounce = np.array([0.78, 0.74, 0.66]), np.array([0.36, 0.4, 0.47]), np.array([0.2, 0.19, 0.17])
    blur = 0.05

    def __init__(self, seed: int = 8) -> None:
        self.noise = Noise(seed)

    def floor(self, points: np.ndarray) -> np.ndarray:
        x, z = points[:, 0], points[:, 2]
        row = np.floor(z / 0.6)
        along = x / 0.6 + 0.5 * (row % 2)
        tone = self.noise.cell(row + 40, np.floor(along) + 40)
        stain = self.noise.rough(x * 0.8, z * 0.8)
        grit = self.noise(x * 90, z * 90)
        colours = np.array([0.62, 0.6, 0.56]) * (0.8 + 0.16 * tone + 0.2 * (stain - 0.5) + 0.1 * (grit - 0.5))[:, None]
        edge = np.minimum(np.minimum(z / 0.6 % 1, 1 - z / 0.6 % 1), np.minimum(along % 1, 1 - along % 1)) * 0.6
        colours = mix(colours, [0.33, 0.34, 0.28], np.exp(-((edge / 0.006) ** 2)))
        wall = np.exp(-(z - self.low[2]) / 0.5)
        return colours * (1.12 - 0.4 * wall)[:, None]

    def back(self, points: np.ndarray) -> np.ndarray:
        x, y = points[:, 0], points[:, 1]
        course = np.floor(y / 0.085)
        along = x / 0.25 + 0.5 * (course % 2)
        tone = self.noise.cell(course, np.floor(along) + 90)
        grit = self.noise.rough(x * 30, y * 30)
        bricks = mix([0.52, 0.29, 0.22], [0.68, 0.42, 0.32], tone) * (0.85 + 0.3 * grit)[:, None]
        edge = np.minimum(np.minimum(y / 0.085 % 1, 1 - y / 0.085 % 1) * 0.085, np.minimum(along % 1, 1 - along % 1) * 0.25)
        bricks = mix(bricks, [0.66, 0.63, 0.58], np.exp(-((edge / 0.007) ** 2)))
        bricks *= (1.0 - 0.35 * np.exp(-y / 0.25))[:, None]
        bricks = mix(bricks, [0.7, 0.68, 0.64], ((y > 2.15) & (y < 2.27)).astype(float))
        crowns = 2.6 + 1.3 * self.noise.rough(x * 0.45, x * 0 + 3.3) + 0.5 * self.noise.rough(x * 2.5, x * 0 + 8.1)
        leaf = self.noise.rough(x * 3, y * 3, 6)
        leaves = mix([0.16, 0.24, 0.11], [0.42, 0.52, 0.25], np.clip(leaf * 1.6 - 0.3, 0, 1))
        beyond = mix(self.heaven(x, y), leaves, np.clip((crowns - y) * 5 + 3 * (leaf - 0.5), 0, 1))
        return mix(bricks, beyond, (y > 2.27).astype(float))

    def heaven(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The sky: blue above, pale below, a few clouds."""
        blue = mix([0.82, 0.89, 0.96], [0.45, 0.65, 0.9], np.clip(y / 12, 0, 1))
        return mix(blue, [0.97, 0.97, 0.97], np.clip(self.noise.rough(x * 0.15, y * 0.4, 5) * 3 - 1.5, 0, 0.8))

    def side(self, points: np.ndarray) -> np.ndarray:
        return self.back(points[:, [2, 1, 0]])

    def above(self, points: np.ndarray) -> np.ndarray:
        return self.heaven(points[:, 0], points[:, 1] * 0 + 12)


SCENES: dict[str, Callable[[], Scene]] = {"room": Room, "yard": Yard}
