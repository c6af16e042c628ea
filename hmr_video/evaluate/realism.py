"""The synthetic detector beside a real one: both see the same bodies, filmed by us; the same statistics of both."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Generator, Tensor

from hmr_video.body import Body, load_body
from hmr_video.console import Reporter
from hmr_video.export.render.lighting import compiled
from hmr_video.features.keypoints import MODEL_FRAME_RATE
from hmr_video.geometry import Array
from hmr_video.geometry.rotations import six_d_to_matrix
from hmr_video.geometry.skeleton import BODY_LANDMARKS, COCO_NAMES
from hmr_video.mocap.clips import SOURCE_WEIGHTS, Mocap, list_mocap, load_mocap
from hmr_video.options import PeopleOptions
from hmr_video.synth.augment import AugmentConfig, augment
from hmr_video.synth.detector_errors import Observed, definition_bias, describe, distances, kinds
from hmr_video.synth.film.filming import Camera, Shot, shoot
from hmr_video.synth.film.onlooker import Onlooker, in_rays
from hmr_video.synth.random_cameras import CameraConfig, view
from hmr_video.synth.simulated_detector import NEVER, DetectorConfig, imagined, mistakes, self_occluded

FRAMES = 30  # of a window
# The fitted detector alone, without the variety around it that training has.
FITTED = replace(
    DetectorConfig(), noise=(0.5, 1.6), definition=(1.0, 1.0), definition_bias=0.004, low_hips=NEVER, high_shoulders=NEVER,
    lost=0.05, other_scale=0.0, silent=0.0, missing=0.0, fused=0.0,
)  # fmt: skip
# Depth in metres of the flesh before a keypoint, by COCO number: what lies nearer to the camera is another part.
_FLESH = np.array([0.03] * 5 + [0.12] * 2 + [0.08] * 2 + [0.07] * 2 + [0.17] * 2 + [0.10] * 2 + [0.09] * 2)


@dataclass(frozen=True)
class Footage:
    """W windows of T frames, filmed: in camera space and metres, or in rays."""

    points: Tensor  # (W, T, 17, 3) COCO keypoints
    joints: Tensor  # (W, T, 24, 3)
    turned: Tensor  # (W, T, 24, 3, 3) the joints' rotations
    detections: Tensor  # (W, T, 17, 3) rays and confidence, 0 where nobody was found
    hidden: Tensor  # (W, T, 17) by the person's own body
    covered: Tensor  # (W, T, 17) by a thing
    beyond: Tensor  # (W, T, 17, 2) rays, how far outside the picture; 0 inside
    height: Tensor  # (W,) pixels

    def observed(self, detections: Tensor) -> Observed:
        """Detections (W, T, 17, 3) of these windows beside the truth."""
        rays = self.points[..., :2] / self.points[..., 2:].clamp_min(0.2)
        return Observed(rays, detections, kinds(self.hidden, self.covered, (self.beyond != 0).any(-1)), self.height)

    def simulated(self, config: DetectorConfig, generator: Generator) -> Tensor:
        """Synthetic detections (W, T, 17, 3) of these windows, with their own occluders and borders."""
        rays = imagined(self.points, self.turned, config, generator)
        return mistakes(rays, self_occluded(self.points, self.joints), self.covered, self.beyond, config, generator)


@dataclass(frozen=True)
class Realism:
    """The comparison of the real detector with the fitted synthetic one and with what training sees."""

    statistics: dict[str, tuple[float, float, float]]  # by name, of the three
    distances: dict[str, tuple[float, float]]  # of the synthetic ones' cumulative distributions from the real one's, at most 1
    bias: dict[str, list[float]]  # mm left, up, forward in a limb's frame, from the body's idea of its keypoint to the real one's


def measure(mocap: Path, people: PeopleOptions, reporter: Reporter, windows: int, seed: int, up: str = "auto") -> Realism:
    """Films ``windows`` of the motion in ``mocap`` and compares; about 0.1 s a frame.

    ``people`` names the detector and the landmark network. Raises InputError, AssetError, UsageError.
    """
    names, dice = list_mocap(mocap), np.random.default_rng(seed)
    chosen = dice.choice(len(names), min(2 * windows, len(names)), replace=False)  # to load all would take longer than to film
    clips = load_mocap(mocap, [names[number] for number in sorted(chosen)], up, reporter)
    onlooker, body = Onlooker.of(people.detector, people.landmarks), load_body()
    camera, rows = Camera(body), []
    with reporter.progress("filming", windows, "windows") as advance:
        for number, shot in enumerate(stage(clips, body, clips.sampling_weights(SOURCE_WEIGHTS), windows, FRAMES, seed)):
            landmarks, _ = onlooker.see(shot, camera.film(shot, np.random.default_rng([seed, number, 1])), MODEL_FRAME_RATE)
            detections = in_rays(shot, landmarks[:, BODY_LANDMARKS])
            hidden, covered = visibility(shot, np.asarray(body.faces))
            rows.append((shot.points, shot.joints, shot.turned, detections, hidden, covered, shot.beyond, shot.height))
            advance(1)
    # Columns in the order of Footage's fields.
    columns = [torch.from_numpy(np.stack(column)) for column in zip(*rows, strict=True)]
    return compare(Footage(*(column if column.dtype == torch.bool else column.float() for column in columns)), seed)


def compare(footage: Footage, seed: int = 0) -> Realism:
    """The real detections of a footage against synthetic ones of the same windows."""
    real = footage.observed(footage.detections)
    synthetic = [
        footage.observed(footage.simulated(config, Generator().manual_seed(seed))) for config in (FITTED, DetectorConfig())
    ]
    wanted, (fitted, trained) = describe(real), (describe(other) for other in synthetic)
    near, far = (distances(real, other) for other in synthetic)
    bias = dict(zip(COCO_NAMES, definition_bias(real, footage.points, footage.turned) * 1000, strict=True))
    return Realism(
        {name: (value, fitted[name], trained[name]) for name, value in wanted.items() if name in fitted and name in trained},
        {name: (value, far[name]) for name, value in near.items()},
        {name: [round(value, 1) for value in row.tolist()] for name, row in bias.items() if row.isfinite().all()},
    )


def stage(mocap: Mocap, body: Body, clip_weights: Tensor, count: int, frames: int, seed: int) -> Iterator[Shot]:
    """``count`` shots of ``frames`` frames: clips by ``clip_weights``, bodies tilted as in training, its cameras."""
    for number in range(count):
        generator = Generator().manual_seed((seed << 32) + number)
        clip = torch.multinomial(clip_weights, 1, generator=generator)
        room = (mocap.lengths[clip] - 1 - frames).clamp_min(0)
        six_d, trans = mocap.window(clip, room * torch.rand(1, generator=generator), torch.ones(1), frames)
        rotations = six_d_to_matrix(six_d)
        whole = AugmentConfig(mix_upper_body=0, mix_limb=0, disturb=0)  # no limb may pass through another
        rotations, trans = augment(rotations, trans, rotations.expand(6, *rotations.shape), whole, generator)
        rotations, position = view(rotations, trans, CameraConfig(), generator)
        betas = torch.randn(10, generator=generator) * 0.7
        yield shoot(body, rotations[0], position[0], betas, np.random.default_rng([seed, number]))


def visibility(shot: Shot, faces: Array) -> tuple[Array, Array]:
    """Of a shot's keypoints two (T, 17) booleans: hidden by the person's own body, behind the occluder."""
    pixels = shot.pixels
    box = shot.occluder[:, None]
    covered = np.asarray(((pixels > box[..., :2]) & (pixels < box[..., 2:])).all(-1))
    hidden = [
        surface_depth(vertices.astype(np.float64), faces, points.astype(np.float64)) < points[:, 2] - _FLESH
        for vertices, points in zip(shot.vertices, shot.points, strict=True)
    ]
    return np.stack(hidden), covered


@compiled
def surface_depth(vertices: Array, faces: Array, points: Array) -> Array:
    """Depth (K,) at which the lines of sight to ``points`` (K, 3) first meet a surface; infinite where they never do.

    vertices (V, 3) in camera space, faces (F, 3).
    """
    found = np.full(len(points), np.inf)
    for f in range(len(faces)):
        a, b, c = vertices[faces[f, 0]], vertices[faces[f, 1]], vertices[faces[f, 2]]
        if min(a[2], b[2], c[2]) < 0.05:
            continue
        ax, ay, bx, by, cx, cy = a[0] / a[2], a[1] / a[2], b[0] / b[2], b[1] / b[2], c[0] / c[2], c[1] / c[2]
        area = (bx - ax) * (cy - ay) - (cx - ax) * (by - ay)
        if area == 0.0:
            continue
        for k in range(len(points)):
            x, y = points[k, 0] / points[k, 2], points[k, 1] / points[k, 2]
            u = ((bx - x) * (cy - y) - (cx - x) * (by - y)) / area
            v = ((cx - x) * (ay - y) - (ax - x) * (cy - y)) / area
            w = 1.0 - u - v
            if u >= 0.0 and v >= 0.0 and w >= 0.0:
                depth = 1.0 / (u / a[2] + v / b[2] + w / c[2])
                if depth < found[k]:
                    found[k] = depth
    return found
