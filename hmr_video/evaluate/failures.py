"""A picture of where the tool fails: the worst moments of held-out motion, the truth beside the estimate."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from hmr_video.body import Body
from hmr_video.console import Reporter
from hmr_video.errors import InputError
from hmr_video.evaluate.assess import each_estimated
from hmr_video.evaluate.trials import Poses, Trial
from hmr_video.export.palette import person_color
from hmr_video.export.render import Mesh, Renderer, choose_renderer
from hmr_video.files import replacing
from hmr_video.geometry import metrics
from hmr_video.geometry.cameras import project
from hmr_video.geometry.skeleton import LIMB_JOINTS, USABLE_CONFIDENCE
from hmr_video.motion import Array
from hmr_video.reconstruction.loading import Models

ROWS = 6
_SIZE = 240  # pixels of a view; four make a row
_BACKDROP, _INK, _POINT = (236, 236, 232), (40, 40, 44), (200, 30, 60)
_HEADER, _CAPTION = 24, 20
_VIEWS = ("truth, with the detections", "estimate", "truth from the side", "estimate from the side")
_ROOM = 1.25  # of a view, against the size of the body in it
_DISTANCE = 8.0  # metres, of the views from the side


@dataclass(frozen=True)
class Failure:
    """The worst frame of a window: its error in mm after alignment (PA-MPJPE over the limbs), and the mean of the window."""

    trial: Trial
    estimate: Poses
    frame: int
    error: float
    mean: float

    def as_dict(self) -> dict[str, str | int | float]:
        """For ``--json``."""
        return {"clip": self.trial.clip, "frame": self.frame, "pa_mpjpe": self.error, "pa_mpjpe_of_window": self.mean}


def worst(models: Models, trials: list[Trial], reporter: Reporter, refined: bool = True) -> list[Failure]:
    """The worst frame of every window, as ``convert`` would estimate it; the windows that are worst on average first, of each
    clip one."""
    every = each_estimated(models, trials, reporter, refined)
    found = [_failure(trial, list(ways.values())[-1], models.body) for trial, ways in every]
    found.sort(key=lambda failure: failure.mean, reverse=True)
    first = {failure.trial.clip: failure for failure in reversed(found)}
    return [failure for failure in found if failure is first[failure.trial.clip]]


def _failure(trial: Trial, poses: Poses, body: Body) -> Failure:
    joints, true = (body.joints(one.rotations, one.betas)[0][:, list(LIMB_JOINTS)].double() for one in (poses, trial.poses))
    errors = metrics.aligned_error(joints, true)
    return Failure(trial, poses, int(errors.argmax()), float(errors.max()), float(errors.mean()))


def draw_failures(failures: list[Failure], body: Body, path: Path, reporter: Reporter) -> None:
    """``path``: a PNG of the first six, a row each: truth (blue) and estimate (orange) as the camera sees them and from the side.

    Raises InputError for none, and OutputError.
    """
    from PIL import Image, ImageDraw, ImageFont

    if not failures:
        raise InputError("There is no window to draw.", "Give longer motion.")
    renderer, shown = choose_renderer("software", reporter), failures[:ROWS]
    sheet = Image.new("RGB", (len(_VIEWS) * _SIZE, _HEADER + len(shown) * (_SIZE + _CAPTION)), _BACKDROP)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    for column, name in enumerate(_VIEWS):
        pen.text((column * _SIZE + 6, 4), name, _INK, font)
    for row, failure in enumerate(shown):
        top = _HEADER + row * (_SIZE + _CAPTION)
        errors = f"{failure.error:.0f} mm in this frame, {failure.mean:.0f} on average"
        hidden = int(failure.trial.unseen[failure.frame].sum())
        pen.text((6, top), f"{failure.trial.clip}: {errors}; {hidden} of 12 limb points unseen", _INK, font)
        for column, image in enumerate(_views(failure, body, renderer)):
            sheet.paste(Image.fromarray(image), (column * _SIZE, top + _CAPTION))
    with replacing(path) as temporary:
        sheet.save(temporary)


def _views(failure: Failure, body: Body, renderer: Renderer) -> list[Array]:
    """The four pictures (S, S, 3) of a row."""
    trial, at = failure.trial, failure.frame
    true, estimated = (_mesh(poses, at, body) for poses in (trial.poses, failure.estimate))
    crop = _crop(project(true, trial.true_camera))
    images = [
        _draw(renderer, true, body, 0, crop @ trial.true_camera),
        _draw(renderer, estimated, body, 1, crop @ trial.camera),
    ]
    points = trial.keypoints[at]
    _dots(images[0], points[points[:, 2] > USABLE_CONFIDENCE, :2] @ crop[:2, :2].T + crop[:2, 2])
    quarter = torch.tensor([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    middle = (true.amin(0) + true.amax(0)) / 2 - trial.poses.trans[at]
    aside = torch.tensor([0.0, 0, _DISTANCE])
    reach = float((true.amax(0) - true.amin(0)).amax()) / 2 * _ROOM
    focal = _SIZE / 2 * _DISTANCE / reach
    camera = torch.tensor([[focal, 0, _SIZE / 2], [0, focal, _SIZE / 2], [0, 0, 1.0]])
    for index, (vertices, poses) in enumerate(((true, trial.poses), (estimated, failure.estimate))):
        turned = (vertices - poses.trans[at] - middle) @ quarter.T + aside
        images.append(_draw(renderer, turned, body, index, camera))
    return images


def _mesh(poses: Poses, frame: int, body: Body) -> Tensor:
    """Vertices (V, 3) in camera space."""
    return body.vertices(poses.rotations[frame][None], poses.betas[frame][None])[0][0] + poses.trans[frame]


def _crop(pixels: Tensor) -> Tensor:
    """(3, 3): from the image to a square view of what lies at ``pixels`` (V, 2)."""
    low, high = pixels.amin(0), pixels.amax(0)
    scale = _SIZE / (float((high - low).amax()) * _ROOM)
    shift = _SIZE / 2 - (low + high) / 2 * scale
    return torch.tensor([[scale, 0, shift[0]], [0, scale, shift[1]], [0, 0, 1.0]])


def _draw(renderer: Renderer, vertices: Tensor, body: Body, colour: int, camera: Tensor) -> Array:
    mesh = Mesh(vertices.numpy(), body.faces, np.array(person_color(colour)) / 255)
    return renderer.draw(np.full((_SIZE, _SIZE, 3), _BACKDROP, np.uint8), [mesh], camera.numpy())


def _dots(image: Array, points: Tensor) -> None:
    """Marks points (N, 2) in the picture, in place."""
    for x, y in points.round().long().tolist():
        image[max(y - 2, 0) : max(y + 3, 0), max(x - 2, 0) : max(x + 3, 0)] = _POINT
