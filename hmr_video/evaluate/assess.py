"""The tool on held-out motion under simulated detections: how near its stages come, by source, occlusion,
speed and view; and the worst windows, drawn."""

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from hmr_video.body import Body
from hmr_video.console import Reporter
from hmr_video.errors import InputError
from hmr_video.evaluate import Sequence, compare
from hmr_video.evaluate.trials import IMAGE_SIZE, Poses, Trial
from hmr_video.export.palette import person_color
from hmr_video.export.render import Mesh, Renderer, choose_renderer
from hmr_video.features.keypoints import MODEL_FRAME_RATE, camera_translation, keypoint_features, pixels_to_rays, with_points
from hmr_video.files import replacing
from hmr_video.geometry import Array, metrics
from hmr_video.geometry.cameras import project
from hmr_video.geometry.skeleton import LIMB_JOINTS, USABLE_CONFIDENCE
from hmr_video.model import HMMR
from hmr_video.options import Options
from hmr_video.people import People, Track
from hmr_video.reconstruction.bodies import estimates_of
from hmr_video.reconstruction.lift import context_frames, model_input, predict
from hmr_video.reconstruction.loading import Models
from hmr_video.reconstruction.person import Estimate

PER_FRAME = ("mpjpe", "pa_mpjpe", "foot_angle", "acceleration_error", "acceleration", "true_acceleration")
PER_WINDOW = ("pck", "shape_drift", "foot_skating", "pve")
VIEWS = ("front", "side", "back")
_AT_ONCE = 10  # windows that are refined together
_MARGIN = 10_000  # pixels around the pictures of windows, whose detections, unlike those in pictures, know no border
_OCCLUSION = ((0.0, 0.01), (0.01, 0.17), (0.17, 0.34), (0.34, 1.01))  # shares of the 12 limb keypoints unseen


@dataclass(frozen=True)
class Score:
    """One way of estimating on one window: ``frames`` (T, 6) as ``PER_FRAME`` names them (accelerations NaN at the ends),
    ``whole`` by the names of ``PER_WINDOW``."""

    frames: Array
    whole: dict[str, float]


@dataclass(frozen=True)
class Row:
    """A line of the tables: one way of estimating on one group of frames. ``values`` are means over frames (``PER_WINDOW``:
    over windows), ``spread`` deviations between windows."""

    table: str
    group: str
    variant: str
    windows: int
    frames: int
    values: dict[str, float]
    spread: dict[str, float]


def estimates(models: Models, trials: list[Trial], refined: bool = True) -> dict[str, list[Poses]]:
    """The ways of estimating windows, of one camera: each frame by itself, the temporal model, and the same refined, all windows
    at once, as ``convert`` does it with all people of a video."""
    found, lifted = estimates_of(_people(trials), None, models, Options(refine=refined), Reporter(quiet=True))
    ways = {
        "single frame": [frame_by_frame(models.model, models.body, trial, context=False) for trial in trials],
        "temporal": [_every_frame(one.estimate) for one in lifted],
    }
    return ways | ({"refined": [_every_frame(one) for one in found]} if refined else {})


def _people(trials: list[Trial]) -> People:
    """Each window as one person of a clip in which they appear one after the other."""
    tracks: list[Track] = []
    for trial in trials:
        seen = trial.keypoints[..., 2].numpy() > 0
        points = trial.keypoints.numpy() + np.array([_MARGIN, _MARGIN, 0])
        low, high = np.where(seen[..., None], points, np.inf).min(1), np.where(seen[..., None], points, -np.inf).max(1)
        boxes = np.nan_to_num(np.concatenate([low[:, :2], high[:, :2]], 1), posinf=0.0, neginf=0.0)
        first = sum(len(track) for track in tracks)
        tracks.append(Track(np.arange(first, first + len(trial)), boxes, points, np.asarray(seen.any(1))))
    timestamps = np.concatenate([trial.timestamps.numpy() for trial in trials])
    width, height = (length + 2 * _MARGIN for length in IMAGE_SIZE)
    camera = trials[0].camera.numpy() + _MARGIN * np.array([[0, 0, 1], [0, 0, 1], [0, 0, 0]])
    return People(tracks, (width, height), MODEL_FRAME_RATE, timestamps, camera)


def each_estimated(
    models: Models, trials: list[Trial], reporter: Reporter, refined: bool
) -> Iterator[tuple[Trial, dict[str, Poses]]]:
    """The windows in order, each with the ways of estimating it; see :func:`estimates`."""
    with reporter.progress("Evaluating", len(trials), "windows") as advance:
        for start in range(0, len(trials), _AT_ONCE):
            some = trials[start : start + _AT_ONCE]
            ways = estimates(models, some, refined)
            for index, trial in enumerate(some):
                yield trial, {variant: every[index] for variant, every in ways.items()}
            advance(len(some))


def _every_frame(estimate: Estimate) -> Poses:
    return Poses(estimate.rotations, estimate.betas.expand(len(estimate.trans), -1), estimate.trans)


@torch.inference_mode()
def frame_by_frame(model: HMMR, body: Body, trial: Trial, context: bool) -> Poses:
    """What the model itself says of each frame, shape and place included. Without ``context`` each frame is a photograph."""
    margin, keypoints = context_frames(model), with_points(trial.keypoints, model.config.keypoints)
    if context:
        features, box = model_input(keypoints, trial.timestamps, trial.camera)
        frames = torch.arange(-margin, len(trial) + margin).clamp(0, len(trial) - 1)
        rotations, _, _, camera, betas = (value[0] for value in predict(model, features[:, frames]))
    else:
        rays = torch.cat([pixels_to_rays(keypoints[..., :2], trial.camera), keypoints[..., 2:]], -1)
        features, box = keypoint_features(rays[:, None])
        still = features.expand(-1, 2 * margin + 1, -1)
        rotations, _, _, camera, betas = (value[:, 0] for value in predict(model, still))
    pelvis = camera_translation(camera, box.flatten(0, 1))
    return Poses(rotations, betas, pelvis - body.rest_joints(betas)[:, 0])


def score(estimate: Sequence, truth: Sequence, meshes: bool = False) -> Score:
    """All metrics of one window; PVE with ``meshes`` only, which take their time."""
    joints, true = (metrics.at_hips(one.joints, one.joints)[:, LIMB_JOINTS] for one in (estimate, truth))
    inner = [
        metrics.acceleration_error(joints, true, MODEL_FRAME_RATE),
        metrics.acceleration_level(joints, MODEL_FRAME_RATE),
        metrics.acceleration_level(true, MODEL_FRAME_RATE),
    ]
    ends = [torch.nn.functional.pad(values, (1, 1), value=math.nan) for values in inner]
    feet = foot_angle(estimate.joints, truth.joints)
    frames = torch.stack([metrics.joint_error(joints, true), metrics.aligned_error(joints, true), feet, *ends], -1)
    if not meshes:
        estimate, truth = (replace(one, vertices=None) for one in (estimate, truth))
    whole = compare(estimate, truth)
    return Score(frames.numpy(), {name: whole[name] for name in PER_WINDOW if name in whole})


def foot_angle(joints: Tensor, truth: Tensor) -> Tensor:
    """(T,) degrees between where feet point, from ankle to ball, and where they should, for joints (T, 24, 3); mean of both."""
    found, true = (points[:, [10, 11]] - points[:, [7, 8]] for points in (joints, truth))
    return torch.nn.functional.cosine_similarity(found, true, dim=-1).clamp(-1, 1).acos().rad2deg().mean(-1)


def assess(models: Models, trials: list[Trial], reporter: Reporter, refined: bool = True, meshes: bool = False) -> list[Row]:
    """Estimates all windows and fills the tables."""
    body = models.body
    scores: dict[str, list[Score]] = {}
    for trial, ways in each_estimated(models, trials, reporter, refined):
        for variant, poses in ways.items():
            estimate = poses.sequence(body, trial.camera)
            scores.setdefault(variant, []).append(score(estimate, trial.truth(body), meshes))
    return tables(trials, scores, body)


def tables(trials: list[Trial], scores: dict[str, list[Score]], body: Body) -> list[Row]:
    """The rows of all tables for the scores of each variant on each trial."""
    unseen = np.concatenate([trial.unseen.double().mean(-1).numpy() for trial in trials])
    speeds = np.concatenate([speed(trial.truth(body).joints) for trial in trials])
    views = np.concatenate([facing(trial.poses.rotations[:, 0]) for trial in trials])
    window = np.repeat(np.arange(len(trials)), [len(trial) for trial in trials])
    sources, activities = [trial.source for trial in trials], [trial.activity for trial in trials]
    thirds = [-math.inf, *np.quantile(speeds, [1 / 3, 2 / 3]), math.inf]

    groups: list[tuple[str, str, NDArray[np.bool_]]] = [("overall", "all", np.ones(len(window), bool))]
    groups += [("source", name, np.array([one == name for one in sources])[window]) for name in sorted(set(sources))]
    groups += [("activity", name, np.array([one == name for one in activities])[window]) for name in sorted(set(activities))]
    for low, high in _OCCLUSION:
        label = "all seen" if high < 0.02 else f"{low:.0%} to {min(high, 1):.0%} unseen"
        groups.append(("occlusion", label, (unseen >= low) & (unseen < high)))
    for name, low, high in zip(("slowest third", "middle third", "fastest third"), thirds, thirds[1:], strict=False):
        groups.append(("speed", name, (speeds >= low) & (speeds < high)))
    groups.append(("speed", "fastest tenth", speeds >= np.quantile(speeds, 0.9)))
    groups += [("view", name, views == number) for number, name in enumerate(VIEWS)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of means of nothing, which are NaN
        return [
            _row(table, group, variant, every, window, chosen)
            for table, group, chosen in groups
            if chosen.any()
            for variant, every in scores.items()
        ]


def _row(table: str, group: str, variant: str, scores: list[Score], window: NDArray[np.int64], chosen: NDArray[np.bool_]) -> Row:
    frames = np.concatenate([one.frames for one in scores])
    members = np.unique(window[chosen])
    means = np.stack([np.nanmean(frames[chosen & (window == number)], 0) for number in members])
    values = dict(zip(PER_FRAME, np.nanmean(frames[chosen], 0).tolist(), strict=True))
    spread = dict(zip(PER_FRAME, np.nanstd(means, 0).tolist(), strict=True))
    if table in ("overall", "source", "activity"):  # groups of whole windows
        for name in PER_WINDOW:
            column = [scores[number].whole.get(name, math.nan) for number in members]
            values[name], spread[name] = float(np.nanmean(column)), float(np.nanstd(column))
    known = [name for name, value in values.items() if math.isfinite(value)]  # no acceleration at the ends of windows
    values, spread = ({name: one[name] for name in known} for one in (values, spread))
    return Row(table, group, variant, len(members), int(chosen.sum()), values, spread)


def speed(joints: Tensor) -> Array:
    """(T,) m/s: how fast the limb joints of (T, 24, 3) move against the hips, on average."""
    limbs = metrics.at_hips(joints, joints)[:, LIMB_JOINTS]
    moved = limbs.diff(dim=0).norm(dim=-1).mean(-1) * MODEL_FRAME_RATE
    return np.asarray(torch.cat([moved[:1], (moved[1:] + moved[:-1]) / 2, moved[-1:]]))


def facing(root: Tensor) -> NDArray[np.int64]:
    """(T,) indices into ``VIEWS`` of root rotations (T, 3, 3): towards the camera within 45 degrees, away, or neither."""
    towards = -root[:, 2, 2].numpy()  # of the chest's direction, the body's z axis, the part against the view
    return np.where(towards > math.sqrt(0.5), 0, np.where(towards < -math.sqrt(0.5), 2, 1))


ROWS = 6  # of the picture of failures
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
