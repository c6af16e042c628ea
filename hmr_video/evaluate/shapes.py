"""How well the tool tells stout people from slim ones: rendered bodies of extreme shapes in clothes, through the whole line.

They move as the people of the samples do, who are nobody that training saw, before random cameras whose focal length is not told.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from scipy.spatial import ConvexHull
from torch import Generator, Tensor
from trimesh import Trimesh
from trimesh.intersections import mesh_plane

from hmr_video.assets import sample_clips
from hmr_video.body import Body
from hmr_video.console import Reporter
from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.motion import Array, Motion
from hmr_video.options import Options
from hmr_video.reconstruction.bodies import estimates_of
from hmr_video.reconstruction.girth import girth_direction
from hmr_video.reconstruction.loading import Models
from hmr_video.synth.film.clothes import dressed
from hmr_video.synth.film.filming import Camera, Shot, shoot
from hmr_video.synth.film.onlooker import Onlooker
from hmr_video.synth.random_cameras import CameraConfig, view

STOUT = 1.5  # deviations from the mean, from which somebody is stout, or slim
_WIDEST = 3.0
_OTHERWISE = 0.7  # deviation of all else of a shape
_FRAMES, _EVERY = 23, 4  # of the samples' 30 a second
_FEWEST = 10  # frames in which somebody is detected
_TALL = 150  # pixels
_TRUNK = (0, 1, 2, 3, 6, 9, 13, 14)
HEIGHTS = {"hips": -0.02, "waist": 0.35, "chest": 0.75}  # where girth is measured, of the way from hips to shoulders
Row = tuple[str, dict[str, float]]


def measure_shapes(options: Options, count: int, seed: int, reporter: Reporter) -> list[Row]:
    """Mean absolute errors of ``count`` people, with girth from silhouettes and without, of all and of the slim, usual and stout.

    Girths in cm and PVE in a T-pose in mm, each with the true stature. The same seed films the same.
    Raises AssetError, UsageError.
    """
    models = Models.load(options)
    onlooker = Onlooker.of(options.people.detector, options.people.landmarks)
    found: list[tuple[float, Array, Array]] = []
    with reporter.progress("Filming", count, "people") as advance:
        for shot, pictures in _films(models.body, seed):
            people = onlooker.people(shot, pictures, 30 / _EVERY)
            if people is None or people.tracks[0].detected.sum() < _FEWEST:
                continue
            measured, blind = people, replace(people, tracks=[replace(people.tracks[0], widths=None)])
            quiet = Reporter(quiet=True)
            with_it, without = (estimates_of(one, None, models, options, quiet)[0][0].betas for one in (measured, blind))
            before, after = (_errors(models.body, betas, shot.betas) for betas in (without, with_it))
            found.append((float(shot.betas @ girth_direction(models.body)), before, after))
            advance(1)
            if len(found) == count:
                break
    return _rows(found)


def _rows(found: list[tuple[float, Array, Array]]) -> list[Row]:
    girth = np.array([one for one, _, _ in found])
    groups = {"all": girth == girth, "slim": girth < -STOUT, "usual": np.abs(girth) <= STOUT, "stout": girth > STOUT}
    return [
        (f"{name}, {way}", {"people": float(chosen.sum())} | dict(zip((*HEIGHTS, "pve"), values, strict=True)))
        for name, chosen in groups.items()
        if chosen.any()
        for way, place in (("joints alone", 1), ("silhouettes", 2))
        for values in [np.array([one[place] for one in found])[chosen].mean(0).tolist()]
    ]


def _films(body: Body, seed: int) -> Iterator[tuple[Shot, Array]]:
    """Without end: clothed people, whole in the picture, and their pictures (T, H, W, 3)."""
    motions = [Motion.load(file) for clip in sample_clips() for file in sorted(clip.parent.glob(f"{clip.stem}*.npz"))]
    camera, direction, number = Camera(body), girth_direction(body), 0
    while True:
        number += 1
        generator = Generator().manual_seed((seed << 32) + number)
        dice = np.random.default_rng([seed, number])
        rotations, position = _window(motions[dice.integers(len(motions))], dice, generator)
        betas = _OTHERWISE * torch.randn(10, generator=generator)
        betas += (float(dice.uniform(-_WIDEST, _WIDEST)) - betas @ direction) * direction
        shot = shoot(body, rotations, position, betas, dice)
        if shot.height < _TALL or (shot.beyond != 0).any():
            continue
        clothed = dressed(body, shot.vertices, dice).astype(np.float32)
        shot = replace(shot, vertices=clothed, shutter=0.0, occluder=np.full_like(shot.occluder, np.nan))
        yield shot, camera.film(shot, dice)


def _window(motion: Motion, dice: np.random.Generator, generator: Generator) -> tuple[Tensor, Tensor]:
    """Rotations (T, 24, 3, 3) and pelvis (T, 3) of a part of a motion before a random camera."""
    start = int(dice.integers(max(len(motion) - _FRAMES * _EVERY, 1)))
    part = slice(start, start + _FRAMES * _EVERY, _EVERY)
    up = torch.diag(torch.tensor([1.0, -1.0, -1.0]))  # out of camera space
    rotations = axis_angle_to_matrix(torch.from_numpy(motion.poses[part]).float().view(-1, 24, 3))
    rotations[:, 0] = up @ rotations[:, 0]
    pelvis = torch.from_numpy(motion.joints3d[part, 0]).float() @ up
    rotations, pelvis = view(rotations[None], pelvis[None], CameraConfig(), generator)
    return rotations[0], pelvis[0]


def _errors(body: Body, found: Tensor, true: Tensor) -> Array:
    """Absolute errors of girths in cm, and the PVE in mm, of a shape made as tall as the true one."""
    meshes = [body.rest(betas)[0].numpy().astype(np.float64) for betas in (found, true)]
    scale = np.ptp(meshes[1][:, 1]) / np.ptp(meshes[0][:, 1])
    own, other = girths(body, found) * scale, girths(body, true)
    apart = scale * (meshes[0] - meshes[0].mean(0)) - (meshes[1] - meshes[1].mean(0))
    return np.append(100 * np.abs(own - other), 1000 * np.linalg.norm(apart, axis=1).mean())


def girths(body: Body, betas: Tensor) -> Array:
    """(3,) metres around hips, waist and chest, as a tape measures them, at rest; betas (10,)."""
    vertices, joints = (points.numpy().astype(np.float64) for points in body.rest(betas))
    trunk = np.isin(body.weights.argmax(1).numpy(), _TRUNK)
    mesh: Any = Trimesh(vertices, body.faces[trunk[body.faces].all(1)], process=False)
    low, high = joints[[1, 2]].mean(0), joints[[16, 17]].mean(0)
    cuts = [mesh_plane(mesh, [0, 1, 0], low + share * (high - low)) for share in HEIGHTS.values()]
    return np.array([ConvexHull(cut.reshape(-1, 3)[:, [0, 2]]).area for cut in cuts])
