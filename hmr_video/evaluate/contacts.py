"""How near to each other comes what touches: claps, kicks against a wall and steps, filmed and converted.

Of each touch the least distance, within a twentieth of a second, of what touches: between the knuckles of both hands; from the
ball of the foot to where it rests on the wall; from the sole to the floor. True ones are no zeros: there is flesh between bones.
"""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from hmr_video.body import Body, load_body
from hmr_video.console import Reporter
from hmr_video.evaluate.ablations import without
from hmr_video.evaluate.trials import Poses, placed
from hmr_video.export.actors import Actor, place
from hmr_video.export.resample import resampled
from hmr_video.geometry.rotations import axis_angle_to_matrix
from hmr_video.geometry.skeleton import KNUCKLES, LANDMARKS
from hmr_video.motion import Array
from hmr_video.options import Options
from hmr_video.synth.film.world_clips import FRAME_RATE, WorldClip, world_clip
from hmr_video.synth.motion.sharp import KINDS, REST, Sharp, draw_sharp

UNITS = {"height": "pixels", "true": "mm", "without": "mm", "result": "mm", "resampled": "mm", "touches": ""}
_AWAY = {"claps": 60.0, "kicks": 100.0, "steps": 180.0}  # degrees at most that people face away from the camera
_ABOUT = 0.05  # seconds
_FPS = 24.0  # that a result is resampled to
_SOLES = [[LANDMARKS.index(f"{side}_{point}") for point in ("big_toe", "small_toe", "heel")] for side in ("left", "right")]
_BALLS = (10, 11)


def evaluate_contacts(clips: int, seed: int, options: Options, reporter: Reporter) -> list[tuple[str, dict[str, float]]]:
    """Films ``clips`` clips, kind after kind, and measures each: the mean over its touches of the distance in truth, without what
    keeps contacts (hands that meet, feet that stand), in the result, and in the result at 24 frames a second."""
    from hmr_video.pipeline import run
    from hmr_video.reconstruction.loading import Models

    body, models, rows = load_body(), Models.load(options), []
    with TemporaryDirectory() as folder:
        for number in range(clips):
            kind = list(KINDS)[number % len(KINDS)]
            sharp, clip = film_sharp(kind, body, (seed, number))
            file = Path(folder) / f"{number}.mp4"
            clip.save(file, body)
            found = run(file, options, Reporter(quiet=True), models=models).motions[0]
            with without(["hands", "feet"]):
                plain = run(file, options, Reporter(quiet=True), models=models).motions[0]
            times = sharp.moments / FRAME_RATE
            coarse = resampled(found, _FPS, found.timestamps[0])
            scores = {"true": float(_true(sharp, clip, body).mean()), "touches": float(len(times))}
            scores["height"] = float((found.boxes[:, 3] - found.boxes[:, 1]).mean())
            for name, motion in (("without", plain), ("result", found), ("resampled", coarse)):
                scores[name] = float(distances(sharp, times, place(motion, models.body)).mean())
            rows.append((f"{kind} {number // len(KINDS) + 1}", scores))
            reporter.say(f"{rows[-1][0]}: " + ", ".join(f"{key} {value:.1f}" for key, value in scores.items()))
    return rows


def film_sharp(kind: str, body: Body, seed: tuple[int, ...]) -> tuple[Sharp, WorldClip]:
    """Somebody who touches something, and the clip of it: before a still camera, which sees what touches."""
    dice = np.random.default_rng([*seed, list(KINDS).index(kind)])
    sharp = draw_sharp(kind, body, dice)
    eye = world_clip("still", body, sharp.rotations, sharp.trans, seed).world_from_camera[0, :3, 3]
    heading = np.arctan2(eye[0], eye[2]) + np.radians(dice.uniform(-1, 1) * _AWAY[kind])
    turned = sharp.rotations.clone()
    turned[:, 0] = axis_angle_to_matrix(torch.tensor([0.0, heading, 0.0]).float()) @ turned[:, 0]
    return sharp, world_clip("still", body, turned, sharp.trans, seed)


def distances(sharp: Sharp, times: Array, actor: Actor) -> Array:
    """(M,) millimetres between what touches about each of ``times`` (M,)."""
    betas = torch.as_tensor(actor.motion.betas, dtype=torch.float32).expand(len(actor), 10)
    shift = torch.from_numpy(actor.trans).float()[:, None]
    joints, turned = (torch.from_numpy(values).float() for values in (actor.joints, actor.global_rotations))
    points = (actor.body.landmarks_from_joints(joints - shift, turned, betas) + shift).double().numpy()
    return _distances(sharp, times, actor.motion.timestamps, points, actor.joints, actor.floor)


def _distances(sharp: Sharp, times: Array, clock: Array, points: Array, joints: Array, floor: float) -> Array:
    """``distances`` of landmarks (T, 29, 3) and joints (T, 24, 3) in the world, at seconds ``clock`` (T,)."""
    found = []
    for time, side in zip(times, sharp.sides, strict=True):
        if sharp.kind == "claps":
            left, right = (points[:, list(fingers)].mean(1) for fingers in KNUCKLES)
            apart = np.linalg.norm(left - right, axis=-1)
        elif sharp.kind == "kicks":
            ball = joints[:, _BALLS[side]] - joints[:, 0]
            rests = (clock > time) & (clock <= time + REST)
            apart = np.linalg.norm(ball - ball[rests].mean(0), axis=-1)
        else:
            apart = np.abs(points[:, _SOLES[side], 1].min(1) - floor)
        found.append(apart[np.abs(clock - time) <= _ABOUT].min())
    return 1000 * np.array(found)


def _true(sharp: Sharp, clip: WorldClip, body: Body) -> Array:
    poses = Poses(clip.rotations, clip.betas.expand(len(clip), 10), clip.trans)
    joints, _, points = placed(body, poses, landmarks=True)
    clock = np.arange(len(clip)) / FRAME_RATE
    return _distances(sharp, sharp.moments / FRAME_RATE, clock, points.double().numpy(), joints.double().numpy(), 0.0)
