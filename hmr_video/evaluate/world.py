"""Motion in the world, measured on clips that are filmed for it: people of known motion before cameras of known paths."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import torch

from hmr_video.assets import sample_clips
from hmr_video.body import Body, load_body
from hmr_video.console import Reporter
from hmr_video.errors import InputError, NobodyFoundError
from hmr_video.geometry import world_metrics as metrics
from hmr_video.geometry.rotations import pose_matrices, six_d_to_matrix
from hmr_video.mocap.clips import Mocap, list_mocap, load_mocap
from hmr_video.mocap.holdout import split
from hmr_video.motion import Array, Motion
from hmr_video.options import Options
from hmr_video.synth.film.world_clips import CAMERAS, FRAME_RATE, SIZE, WorldClip, world_clip
from hmr_video.world.feet import in_world, sole_points

LONGEST, SHORTEST = 300, 60  # frames of a clip
_ROAMING = 1.0  # metres that people of a clip go at the least, if they do not sit
_RUNNING = 2.0  # m/s
_ANKLES, _NECK = [7, 8], 12
_LOW, _UPRIGHT = 0.7, 0.8  # of who stands: the pelvis over the ankles of who sits is lower, the neck over the pelvis higher


class Manner(NamedTuple):
    """How people of a set move is how they are filmed: ``tall``, see `world_clip`, and the ``size`` of pictures."""

    tall: tuple[float, float]
    size: tuple[int, int] = SIZE


# In turn. Who sits fills two thirds of the picture; who runs is small, in pictures as large as those of phones and broadcasts.
_MANNERS = {"roaming": Manner((0.25, 0.66)), "running": Manner((0.1, 0.3), (1280, 720)), "sitting": Manner((0.8, 1.0))}


class Recording(NamedTuple):
    """A piece of motion: rotations (T, 24, 3, 3), trans (T, 3), and how it is to be filmed."""

    name: str
    rotations: torch.Tensor
    trans: torch.Tensor
    manner: Manner = _MANNERS["roaming"]


@dataclass(frozen=True)
class WorldTrack:
    """One person in the world over T frames.

    Attributes:
        joints: (T, 24, 3) metres; soles: (T, K, 3) heels and tips; world_from_camera: (T, 4, 4).
        frame_ids: (T,); frame_rate: frames a second.
    """

    joints: Array
    soles: Array
    world_from_camera: Array
    frame_ids: Array
    frame_rate: float

    @classmethod
    def from_motion(cls, motion: Motion, body: Body) -> "WorldTrack":
        """A result with a world. Raises InputError for one without."""
        if motion.world_from_camera is None:
            raise InputError("The result has no world.", "Convert the video with --world.")
        world = np.asarray(motion.world_from_camera, np.float64)
        joints = np.einsum("tab,tjb->tja", world[:, :3, :3], motion.joints3d) + world[:, None, :3, 3]
        feet = sole_points(pose_matrices(motion.poses), torch.from_numpy(motion.betas), body) + motion.trans[:, None, None]
        feet = in_world(world, feet[:, :, :2]).reshape(len(motion), -1, 3)
        return cls(joints, feet, world, np.asarray(motion.frame_ids), motion.frame_rate)

    def rows(self, frame_ids: Array) -> "WorldTrack":
        """The frames of these ids."""
        chosen = np.searchsorted(self.frame_ids, frame_ids)
        return WorldTrack(
            self.joints[chosen], self.soles[chosen], self.world_from_camera[chosen], self.frame_ids[chosen], self.frame_rate
        )


def compare_in_world(predicted: WorldTrack, true: WorldTrack) -> dict[str, float]:
    """All metrics over the frames that both have. Raises InputError where they share too few."""
    shared = np.intersect1d(predicted.frame_ids, true.frame_ids)
    if len(shared) < 4:
        raise InputError("Prediction and truth share less than four frames.", "Compare results of the same video.")
    own, wanted = predicted.rows(shared), true.rows(shared)
    sliding = metrics.foot_sliding(own.soles, wanted.soles)
    turns, true_turns = own.world_from_camera[:, :3, :3], wanted.world_from_camera[:, :3, :3]
    return {
        "wa_mpjpe": float(metrics.world_error(own.joints, wanted.joints, False).mean()),
        "w_mpjpe": float(metrics.world_error(own.joints, wanted.joints, True).mean()),
        "root_translation": _root_translation(own.joints[:, 0], wanted.joints[:, 0]),
        "jitter": float(metrics.jitter(own.joints, true.frame_rate).mean()),
        "foot_sliding": float(sliding.mean()) if len(sliding) else float("nan"),
        "rotation": float(metrics.rotation_error(turns, true_turns).mean()),
        "rotation_drift": metrics.rotation_drift(turns, true_turns, true.frame_rate),
        "coverage": len(shared) / len(true.frame_ids),
    }


def _root_translation(roots: Array, truth: Array) -> float:
    """RTE in %; NaN of somebody who stays where he is, of whose path there is no share."""
    stays = np.linalg.norm(np.ptp(truth, axis=0)) < _ROAMING
    return float("nan") if stays else float(metrics.root_translation_error(roots, truth).mean())


UNITS = {
    "wa_mpjpe": "mm", "w_mpjpe": "mm", "root_translation": "%", "jitter": "10 m/s^3", "foot_sliding": "mm/frame",
    "rotation": "degrees", "rotation_drift": "degrees/10 s", "coverage": "", "seconds": "s",
}  # fmt: skip


def evaluate_world(
    clips: int, seed: int, options: Options, reporter: Reporter, mocap: Path | None = None, panoramas: Path | None = None
) -> list[tuple[str, dict[str, float]]]:
    """Films ``clips`` clips, each piece of motion before a camera of every kind in turn from about the same place, converts them,
    and compares; a row per clip. Three times as many as there are cameras show people who roam, run and sit.

    ``mocap``: a folder of motion, whose held-out part is filmed in place of the samples'. ``panoramas``: pictures of all
    directions, as places for cameras that do not move.
    """
    from time import monotonic

    from hmr_video.pipeline import run
    from hmr_video.reconstruction.loading import Models

    body, rows, models = load_body(), [], Models.load(options)
    recordings = list(_recordings(-(-clips // len(CAMERAS)), seed, mocap))
    pictures = [] if panoramas is None else sorted(file for file in panoramas.iterdir() if file.suffix in (".jpg", ".png"))
    with TemporaryDirectory() as folder:
        for number in range(clips):
            group, kind = divmod(number, len(CAMERAS))
            camera, (name, rotations, trans, manner) = CAMERAS[kind], recordings[group]
            panorama = _read_picture(pictures[number % len(pictures)]) if pictures else None
            clip = world_clip(camera, body, rotations, trans, (seed, group), panorama, *manner)
            file = Path(folder) / f"{number}.mp4"
            clip.save(file, body)
            started = monotonic()
            try:
                result = run(file, options, Reporter(quiet=True), models=models)
            except NobodyFoundError:
                scores, movement = dict.fromkeys(UNITS, float("nan")) | {"coverage": 0.0}, "nobody found"
            else:
                scores = compare_in_world(WorldTrack.from_motion(result.motions[0], models.body), truth_of(clip, body))
                movement = "?" if result.camera is None else result.camera.kind
            seconds = monotonic() - started
            rows.append((f"{camera} ({movement}) {name}", scores | {"seconds": seconds}))
            reporter.say(f"{rows[-1][0]}: " + ", ".join(f"{key} {value:.2f}" for key, value in scores.items()))
    return rows


def truth_of(clip: WorldClip, body: Body) -> WorldTrack:
    """What a filmed clip shows."""
    joints, _ = body.joints(clip.rotations, clip.betas.expand(len(clip), 10))
    trans = clip.trans[:, None]
    feet = (sole_points(clip.rotations, clip.betas, body)[:, :, :2] + trans.double().numpy()[:, None]).reshape(len(clip), -1, 3)
    return WorldTrack((joints + trans).double().numpy(), feet, clip.world_from_camera, np.arange(len(clip)), FRAME_RATE)


def _recordings(count: int, seed: int, mocap: Path | None) -> Iterator[Recording]:
    """``count`` pieces of motion that training never saw: the samples', or those of a folder, where in turn people roam, run and
    sit; if nobody does, they roam."""
    dice = np.random.default_rng(seed)
    if mocap is None:
        files = sorted(file for clip in sample_clips() for file in clip.parent.glob(f"{clip.stem}*.npz"))
        for number in range(count):
            yield _of_sample(files[number % len(files)])
        return
    names = [str(name) for name in dice.permutation(split(list_mocap(mocap))[1])]
    found = {manner: _of_manner(manner, names, mocap, dice) for manner in _MANNERS}
    for number in range(count):
        wanted = list(_MANNERS)[number % len(_MANNERS)]
        recording = next(found[wanted], None) or next(found["roaming"], None)
        if recording is None:
            raise InputError(f"Nobody in {mocap} goes {_ROAMING:g} m in {SHORTEST} frames.", "Give a folder with longer motion.")
        yield recording


def _of_manner(manner: str, names: list[str], mocap: Path, dice: np.random.Generator) -> Iterator[Recording]:
    """Pieces of the clips in which people do so, round after round; none where nobody does."""
    again = True
    while again:
        again = False
        for name in names:
            clips = load_mocap(mocap, [name])
            part = _part(manner, clips, dice)
            if part is not None:
                again = True
                first, length = part
                one = torch.zeros(1, dtype=torch.long), torch.tensor([first]), torch.ones(1)
                six_d, trans = clips.window(*one, length)
                yield Recording(name, six_d_to_matrix(six_d)[0], trans[0], _MANNERS[manner])


def _part(manner: str, clips: Mocap, dice: np.random.Generator) -> tuple[float, int] | None:
    """First frame and length of the piece of one clip in which the person roams, runs or sits."""
    length, ground = int(clips.lengths[0]), clips.trans.numpy()[:, [0, 2]]
    if length < SHORTEST:
        return None
    if manner == "sitting":
        body = load_body()
        joints, _ = body.joints(six_d_to_matrix(clips.rotations), torch.zeros(length, 10))
        heights, rest = joints[..., 1] - joints[:, _ANKLES, 1].amin(1, keepdim=True), body.rest_joints(torch.zeros(10))[:, 1]
        low = heights[:, 0] < _LOW * (rest[0] - rest[_ANKLES].mean())
        upright = heights[:, _NECK] - heights[:, 0] > _UPRIGHT * (rest[_NECK] - rest[0])
        return (0.0, min(length, LONGEST)) if bool((low & upright).float().mean() > 0.9) else None
    if manner == "running":
        went = np.linalg.norm(ground[SHORTEST - 1 :] - ground[: length - SHORTEST + 1], axis=1)
        return (float(went.argmax()), SHORTEST) if went.max() > _RUNNING * SHORTEST / FRAME_RATE else None
    if np.linalg.norm(np.ptp(ground, axis=0)) < _ROAMING:
        return None
    return dice.uniform(0, max(length - LONGEST, 0) + 1e-6), min(length, LONGEST)


def _of_sample(file: Path) -> Recording:
    """The truth of a sample, carried into its world."""
    from hmr_video.export.actors import place

    motion = Motion.load(file)
    actor = place(motion, load_body(motion.body))
    return Recording(file.stem, torch.from_numpy(actor.rotations).float(), torch.from_numpy(actor.trans).float())


def _read_picture(file: Path) -> Array:
    from PIL import Image

    return np.asarray(Image.open(file).convert("RGB"))
