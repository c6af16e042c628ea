"""Draws the sample clips from the ground truth beside this file: `python samples/render.py [NAME ...]`.

Everything in the pictures is made here: the bodies are the open body in painted clothes, the places are formulas.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from dress import Outfit, dress, refine, subdivide
from scenery import SCENES, Scene, background
from scipy.ndimage import gaussian_filter

from hmr_video.body import Body, load_body
from hmr_video.export.render import Mesh
from hmr_video.export.render.lighting import vertex_normals
from hmr_video.export.render.software import SoftwareRenderer
from hmr_video.geometry.rotations import axis_angle_to_matrix, slerp
from hmr_video.motion import Motion
from hmr_video.video.writer import VideoWriter

HERE = Path(__file__).parent
SHUTTER = 0.4  # share of a frame's time during which light falls in
BLUR_STEPS = 4
SHADOW_STEPS = 12
NOISE = 2.2  # standard deviation of the sensor's noise, of 255

CLIPS = {  # clip -> its place, and who wears what
    "one_person": (
        "room",
        {
            "one_person": Outfit(
                skin=(0.80, 0.60, 0.49),
                hair=(0.16, 0.11, 0.08),
                shirt=(0.66, 0.20, 0.20),
                trousers=(0.47, 0.50, 0.58),
                shoes=(0.88, 0.87, 0.85),
                sleeves=0.42,
            )
        },
    ),
    "two_crossing": (
        "yard",
        {
            "two_crossing_01": Outfit(
                skin=(0.83, 0.63, 0.52),
                hair=(0.40, 0.27, 0.14),
                shirt=(0.25, 0.43, 0.40),
                trousers=(0.46, 0.41, 0.33),
                shoes=(0.20, 0.20, 0.22),
                sleeves=0.95,
            ),
            "two_crossing_02": Outfit(
                skin=(0.52, 0.36, 0.27),
                hair=(0.07, 0.06, 0.06),
                shirt=(0.85, 0.83, 0.78),
                trousers=(0.24, 0.31, 0.45),
                shoes=(0.90, 0.90, 0.90),
                sleeves=0.40,
                stripes=(0.20, 0.25, 0.40),
            ),
        },
    ),
}


@dataclass(frozen=True)
class Actor:
    """A person of a clip, ready to be drawn at any moment.

    rotations (T, 24, 3, 3) in camera space; edges (E, 2) and faces (F, 3) of the finer surface, its colours and thickness.
    """

    motion: Motion
    body: Body
    rotations: torch.Tensor
    edges: np.ndarray
    faces: np.ndarray
    colours: np.ndarray
    thickness: np.ndarray

    @classmethod
    def load(cls, name: str, outfit: Outfit) -> "Actor":
        motion, body = Motion.load(HERE / f"{name}.npz"), load_body("open")
        betas = torch.as_tensor(motion.betas)
        edges, faces = subdivide(np.asarray(body.faces))
        rest, joints = body.rest(betas)
        face = body.coco_keypoints(torch.eye(3).expand(1, 24, 3, 3), betas[None])[0]
        colours, thickness = dress(refine(rest.numpy(), edges), joints.numpy(), face.numpy(), outfit)
        rotations = axis_angle_to_matrix(torch.as_tensor(motion.poses).reshape(-1, 24, 3))
        return cls(motion, body, rotations, edges, faces, colours, thickness)

    def at(self, frame: float) -> tuple[np.ndarray, np.ndarray]:
        """Vertices (V, 3) of the clothed surface in camera space and their normals, at a moment between two frames."""
        before = min(int(frame), len(self.motion) - 1)
        after = min(before + 1, len(self.motion) - 1)
        weight = frame - before
        rotations = slerp(self.rotations[before], self.rotations[after], torch.tensor(weight).expand(24))
        vertices, _ = self.body.vertices(rotations[None], torch.as_tensor(self.motion.betas)[None])
        trans = (1 - weight) * self.motion.trans[before] + weight * self.motion.trans[after]
        surface = refine(vertices[0].numpy() + trans, self.edges).astype(np.float64)
        normals = vertex_normals(surface, self.faces)
        surface += normals * self.thickness[:, None]
        return surface, vertex_normals(surface, self.faces)


def lit(surface: np.ndarray, normals: np.ndarray, colours: np.ndarray, scene: Scene, to_world: np.ndarray) -> np.ndarray:
    """The colours (V, 3) of a surface in camera space under the scene's lamp, its sky and the light from its floor."""
    normals = normals @ to_world[:3, :3].T
    height = (surface @ to_world[:3, :3].T + to_world[:3, 3])[:, 1]
    lamp = np.clip((normals @ scene.lamp + scene.blur) / (1 + scene.blur), 0, 1)[:, None]
    up = (0.5 + 0.5 * normals[:, 1])[:, None]
    near_floor = 1 - 0.35 * np.exp(-np.clip(height, 0, None) / 0.12)[:, None]
    light = scene.warmth * lamp + (scene.sky * up + scene.bounce * (1 - up)) * near_floor
    return np.clip(colours * light * 1.12, 0, 1)


def shade(picture: np.ndarray, bodies: list[Mesh], scene: Scene, motion: Motion, renderer: SoftwareRenderer) -> np.ndarray:
    """The empty scene (H, W, 3) in 0..255 with the people's soft shadows on its floor.

    The shadow is the mean of hard ones from lamps around the main one, and one from straight above for the sky.
    """
    to_world = np.asarray(motion.world_from_camera)[0]  # the camera stands
    to_camera = np.linalg.inv(to_world)
    angles = 2.4 * np.arange(SHADOW_STEPS)
    radii = scene.blur * np.sqrt((np.arange(SHADOW_STEPS) + 0.5) / SHADOW_STEPS)
    side = np.cross(scene.lamp, [0.0, 1.0, 0.0])
    side /= np.linalg.norm(side)
    other = np.cross(side, scene.lamp)
    lamps = scene.lamp + np.outer(radii * np.cos(angles), side) + np.outer(radii * np.sin(angles), other)
    dark = np.zeros(picture.shape[:2])
    canvas = np.zeros(picture.shape, np.uint8)
    for weight, lamp in [(0.42 / SHADOW_STEPS, lamp) for lamp in lamps] + [
        (0.3 / 8, np.array([0.5 * np.cos(a), 1.0, 0.5 * np.sin(a)])) for a in 2 * np.pi * np.arange(8) / 8
    ]:
        fallen = []
        for mesh in bodies:
            points = mesh.vertices @ to_world[:3, :3].T + to_world[:3, 3]
            height = np.clip(points[:, 1:2], 0, None)
            points = points - height * lamp / lamp[1]
            points[:, 1] = 0.0
            # Faces that turn away from the lamp are turned over by falling flat; they cover the same floor as the others.
            fallen.append(mesh._replace(vertices=points @ to_camera[:3, :3].T + to_camera[:3, 3]))
        dark += weight * renderer.draw_lit(canvas, fallen, motion.camera_matrix)
    return picture * (1 - gaussian_filter(dark, 1.5)[..., None])


class Film:
    """A clip in the making."""

    def __init__(self, name: str) -> None:
        place, people = CLIPS[name]
        self.scene = SCENES[place]()
        self.actors = [Actor.load(person, outfit) for person, outfit in people.items()]
        self.motion = self.actors[0].motion
        self.size = (int(self.motion.image_size[0]), int(self.motion.image_size[1]))
        self.to_world = np.asarray(self.motion.world_from_camera)[0]  # the camera stands
        self.empty = background(self.size, self.motion.camera_matrix, self.to_world, self.scene) * 255
        self.renderer = SoftwareRenderer()

    def expose(self, frame: int) -> np.ndarray:
        """One frame (H, W, 3) uint8, with the blur of motion and the noise of the sensor."""
        total = np.zeros(self.empty.shape)
        ground = None
        for step in range(BLUR_STEPS):
            moment = max(frame + SHUTTER * ((step + 0.5) / BLUR_STEPS - 0.5), 0.0)
            meshes, coarse = [], []
            for actor in self.actors:
                surface, normals = actor.at(moment)
                coarse.append(Mesh(surface[: actor.body.num_vertices], actor.body.faces, (0, 0, 0)))
                meshes.append(Mesh(surface, actor.faces, lit(surface, normals, actor.colours, self.scene, self.to_world)))
            if ground is None:  # one shadow serves the whole exposure
                ground = shade(self.empty, coarse, self.scene, self.motion, self.renderer).astype(np.uint8)
            picture = ground.copy()
            self.renderer.draw_lit(picture, meshes, self.motion.camera_matrix)
            total += picture
        noise = np.random.default_rng(frame).normal(0, NOISE, total.shape)
        return (total / BLUR_STEPS + noise).round().clip(0, 255).astype(np.uint8)

    def write(self, path: Path) -> None:
        """All frames as H.264."""
        with VideoWriter(path, self.motion.frame_rate, self.size, overwrite=True, quality=20) as writer:
            for frame in range(len(self.motion)):
                writer.write(self.expose(frame))


if __name__ == "__main__":
    for wanted in sys.argv[1:] or CLIPS:
        Film(wanted).write(HERE / f"{wanted}.mp4")
