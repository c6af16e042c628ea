"""A picture of what training is fed: bodies of motion capture and made-up ones, each from the front and from the side."""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Generator, Tensor

from hmr_video.body import Body, load_body
from hmr_video.console import Reporter
from hmr_video.export.palette import person_color
from hmr_video.export.render import Mesh, Renderer, choose_renderer
from hmr_video.files import replacing
from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.mocap.clips import list_mocap, load_mocap
from hmr_video.mocap.holdout import split
from hmr_video.motion import Array
from hmr_video.synth.motion.invented import NAMES
from hmr_video.synth.synthetic import Sampler
from hmr_video.train.settings import TrainConfig

_ROWS, _COLUMNS = 6, 8
_SIZE = 180  # pixels of one view; two of them side by side make a cell
_VIEWS = ((0.0, 0.12), (1.1, 0.35))  # radians to the body's left and down
_BACKDROP, _TILES = (236, 236, 232), ((0.82, 0.83, 0.85), (0.72, 0.73, 0.76))
_REACH = 1.15  # metres around the middle of the body that a view shows
_DISTANCE = 5.0


def write_sheet(config: TrainConfig, path: Path, reporter: Reporter, overwrite: bool = False) -> None:
    """``path``: a picture of 48 of the poses that a run would be fed, a row captured (blue), a row made up (orange), and so on.

    Augmented as in training, in the world, without camera and detector. Raises InputError for the motion, and OutputError.
    """
    training, body = split(list_mocap(config.mocap))[0], load_body("open")
    mocap = load_mocap(config.mocap, training, config.up, reporter)
    sampler = Sampler(mocap, body, mocap.sampling_weights(config.source_weights), config.synthetic, config.seed)
    renderer, samples = choose_renderer("software", reporter), _samples(sampler)
    sheet = Image.new("RGB", (_COLUMNS * 2 * _SIZE, _ROWS * _SIZE), _BACKDROP)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    with reporter.progress("Drawing the sheet", len(samples)) as advance:
        for number, (rotations, trans, origin) in enumerate(samples):
            left, top = number % _COLUMNS * 2 * _SIZE, number // _COLUMNS * _SIZE
            name, colour = ("captured", person_color(0)) if origin < 0 else (NAMES[origin], person_color(1))
            for view, image in enumerate(_views(rotations, trans, body, renderer, colour)):
                sheet.paste(Image.fromarray(image), (left + view * _SIZE, top))
            pen.text((left + 6, top + 4), name, (40, 40, 44), font)
            advance(1)
    with replacing(path, overwrite) as temporary:
        sheet.save(temporary)


def _samples(sampler: Sampler) -> list[tuple[Tensor, Tensor, int]]:
    """Single frames: rotations (24, 3, 3) and trans (3,) in the world, and what each is."""
    generator, count = Generator().manual_seed(sampler.seed), _ROWS * _COLUMNS // 2
    kinds = []
    for share in (0.0, 1.0):
        rotations, trans, origin = sampler.motion(count, 1, generator, share)
        kinds.append(list(zip(rotations[:, 0], trans[:, 0], origin.tolist(), strict=True)))
    rows = [kind[first : first + _COLUMNS] for first in range(0, count, _COLUMNS) for kind in kinds]
    return [sample for row in rows for sample in row]


def _views(rotations: Tensor, trans: Tensor, body: Body, renderer: Renderer, colour: tuple[int, int, int]) -> list[Array]:
    """The body from its own front and from aside, each (H, W, 3)."""
    vertices = body.vertices(rotations[None], torch.zeros(1, 10))[0][0] + trans
    forward = rotations[0] @ torch.tensor([0.0, 0.0, 1.0])
    if forward[1].abs() > 0.8:  # lying: the head's direction tells where the front is
        forward = -rotations[0, :, 1] * forward[1].sign()
    heading = torch.atan2(forward[0], forward[2])
    middle = (vertices.amin(0) + vertices.amax(0)) / 2
    images = []
    for yaw, pitch in _VIEWS:
        turn = axis_angle_to_matrix(torch.tensor([[pitch, 0.0, 0.0], [0.0, float(-heading) - yaw, 0.0]]))
        camera = torch.diag(torch.tensor([1.0, -1.0, -1.0])) @ turn[0] @ turn[1]
        place = torch.tensor([0.0, 0.0, _DISTANCE])
        tiles, tile_faces, tile_colours = _floor(float(middle[0]), float(middle[2]), float(vertices[:, 1].amin()))
        meshes = [
            Mesh(((tiles - middle) @ camera.T + place).numpy(), tile_faces, tile_colours),
            Mesh(((vertices - middle) @ camera.T + place).numpy(), body.faces, np.array(colour) / 255),
        ]
        focal = _SIZE / 2 * _DISTANCE / _REACH
        intrinsics = np.array([[focal, 0, _SIZE / 2], [0, focal, _SIZE / 2], [0, 0, 1.0]])
        images.append(renderer.draw(np.full((_SIZE, _SIZE, 3), _BACKDROP, np.uint8), meshes, intrinsics))
    return images


def _floor(x: float, z: float, y: float) -> tuple[Tensor, Array, Array]:
    """A chequered square of 2.4 m around x, z at the height y: vertices, faces, colours."""
    row, column = np.divmod(np.arange(36), 6)
    left, near = x - 1.2 + 0.4 * column, z - 1.2 + 0.4 * row
    ring = np.array([(0, 0), (0, 0.4), (0.4, 0.4), (0.4, 0)])  # x and z of a tile's corners
    corners = np.stack([left[:, None] + ring[:, 0], np.full((36, 4), y), near[:, None] + ring[:, 1]], -1).reshape(-1, 3)
    faces = (4 * np.arange(36)[:, None, None] + [(0, 1, 2), (0, 2, 3)]).reshape(-1, 3)
    return torch.from_numpy(corners).float(), faces, np.array(_TILES)[(row + column) % 2].repeat(4, 0)
