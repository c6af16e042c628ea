"""Films windows of motion for training and asks the real detector and landmark network of them.

    python -m hmr_video.synth.film MOCAP -o FILE

The synthetic detector errs as the real one does with people who stand. Of those who sit, kneel or lie the real one invents shins
and misplaces limbs in ways of its own, so three quarters of the windows are made up, half of them seen from near and above or
below. A run that is stopped goes on when it is begun again; ``hmr-video train --filmed FILE`` trains on what is there. With
``--held-out`` it films the motion that training holds out, to measure on.
"""

import hashlib
import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from torch import Generator, Tensor

from hmr_video.body import Body, load_body
from hmr_video.console import Reporter, exit_code_of
from hmr_video.errors import UsageError
from hmr_video.features.keypoints import MODEL_FRAME_RATE
from hmr_video.geometry.rotations import matrix_to_axis_angle
from hmr_video.mocap.clips import SOURCE_WEIGHTS, Mocap, list_mocap, load_mocap
from hmr_video.mocap.holdout import split
from hmr_video.motion import Array
from hmr_video.people.keypoints.border import raise_knee_confidence, within_picture
from hmr_video.synth.augment import AugmentConfig, chance
from hmr_video.synth.film.filmed import Film
from hmr_video.synth.film.filming import Camera, shoot
from hmr_video.synth.film.onlooker import Onlooker, in_rays
from hmr_video.synth.motion.invented import InventedConfig
from hmr_video.synth.random_cameras import CameraConfig, view
from hmr_video.synth.synthetic import Sampler, SyntheticConfig

_GROUP = 32  # windows drawn at once, as the inventor replaces impossible ones by others
_SAVE_EVERY = 100  # windows
_NEAR = CameraConfig(distance=(1.2, 3.5), usual_pitch=(0.15, 0.25), wide_pitch_share=0.5)
_WHOLE = SyntheticConfig(
    augment=AugmentConfig(mix_upper_body=0, mix_limb=0, disturb=0),  # no limb may pass through another
    invention=InventedConfig(anything=0.05),
)


@dataclass(frozen=True)
class FilmConfig:
    """What is filmed: windows of at least ``frames`` frames at the model's rate, one frame in ``every`` of them; the shares of
    windows that are ``invented``, and seen from ``near``."""

    seed: int = 0
    frames: int = 20
    every: int = 3
    detector: str = "yolo11n-pose"
    landmarks: str = "blazepose"
    invented: float = 0.75
    near: float = 0.5

    def __post_init__(self) -> None:
        if self.frames < 1 or self.every < 1:
            raise UsageError(f"Windows of {self.frames} frames, one in {self.every}, are none.", "Give numbers of at least 1.")

    @property
    def length(self) -> int:
        """Frames of a window, the last of them filmed."""
        return -(-(self.frames - 1) // self.every) * self.every + 1


class Studio:
    """Films windows by number: the same number, settings and motion give the same window."""

    def __init__(self, mocap: Mocap, body: Body, config: FilmConfig) -> None:
        self.body, self.config, self.camera = body, config, Camera(body)
        self.sampler = Sampler(mocap, body, mocap.sampling_weights(SOURCE_WEIGHTS), _WHOLE, config.seed)
        self.onlooker = Onlooker.of(config.detector, config.landmarks)
        self._drawn: tuple[int, tuple[Tensor, Tensor, Tensor]] | None = None

    def window(self, number: int) -> tuple[Array, ...]:
        """Poses (T, 72), pelvis (T, 3), betas (10,) and detections (F, 29, 3) of window ``number``, as :class:`Film` has them."""
        group, place = divmod(number, _GROUP)
        if not self._drawn or self._drawn[0] != group:
            self._drawn = group, self._group(group)
        rotations, position, betas = (values[place] for values in self._drawn[1])
        every, dice = self.config.every, np.random.default_rng([self.config.seed, number])
        shot = shoot(self.body, rotations[::every], position[::every], betas, dice)
        shot = replace(shot, shutter=shot.shutter / every)  # the frames between are not filmed
        keypoints, boxes = self.onlooker.see(shot, self.camera.film(shot, dice), MODEL_FRAME_RATE / every)
        keypoints = within_picture(keypoints, boxes, shot.size)
        if dice.random() < 0.5:  # as the tool does; the model shall do without, too
            keypoints = raise_knee_confidence(keypoints, boxes, shot.size)
        return matrix_to_axis_angle(rotations).flatten(1).numpy(), position.numpy(), betas.numpy(), in_rays(shot, keypoints)

    def _group(self, number: int) -> tuple[Tensor, Tensor, Tensor]:
        """Rotations (G, T, 24, 3, 3) and pelvis (G, T, 3) in camera space, betas (G, 10)."""
        generator = Generator().manual_seed((self.config.seed << 32) + number)
        rotations, trans, _ = self.sampler.motion(_GROUP, self.config.length, generator, self.config.invented)
        usual, near = (view(rotations, trans, camera, generator) for camera in (CameraConfig(), _NEAR))
        nearer = chance(generator, self.config.near, _GROUP)
        rotations = torch.where(nearer[:, None, None, None, None], near[0], usual[0])
        return (
            rotations,
            torch.where(nearer[:, None, None], near[1], usual[1]),
            torch.randn(_GROUP, 10, generator=generator) * 0.7,
        )


def film(
    mocap: Path, output: Path, windows: int, config: FilmConfig, reporter: Reporter, up: str = "auto", held_out: bool = False
) -> Film:
    """Films until ``output`` holds ``windows`` windows, from those on that it holds already. About 0.05 s of a core a picture.
    ``held_out``: of the motion that training holds out.

    Raises InputError, OutputError, and UsageError where ``output`` was filmed with other settings.
    """
    names, body = split(list_mocap(mocap))[held_out], load_body("open")
    listing = hashlib.sha256(json.dumps(names).encode()).hexdigest()
    settings = asdict(config) | {"body": body.hash, "clips_sha256": listing}
    rows: list[tuple[Array, ...]] = _rows(output, settings) if output.exists() else []
    if len(rows) >= windows:
        return _film(rows, settings)
    studio = Studio(load_mocap(mocap, names, up, reporter), body, config)
    number = int(rows[-1][-1]) + 1 if rows else 0
    with reporter.progress("Filming", windows, "windows") as advance:
        advance(len(rows))
        try:
            while len(rows) < windows:
                window = studio.window(number)
                if (window[-1][..., 2] > 0).any(-1).mean() >= 0.5:  # else there is little to learn from
                    rows.append((*(values.astype(np.float32) for values in window), np.array(number)))
                    advance(1)
                    if len(rows) % _SAVE_EVERY == 0:
                        _film(rows, settings).save(output)
                number += 1
        finally:
            if rows:
                _film(rows, settings).save(output)
    return _film(rows, settings)


def _film(rows: list[tuple[Array, ...]], settings: dict[str, Any]) -> Film:
    poses, pelvis, betas, detections, numbers = (np.stack(column) for column in zip(*rows, strict=True))
    return Film(poses, pelvis, betas, detections, numbers, settings)


def _rows(output: Path, settings: dict[str, Any]) -> list[tuple[Array, ...]]:
    """The windows of a file that is to be gone on with."""
    begun = Film.load(output)
    other = [name for name in settings if begun.settings.get(name) != settings[name]]
    if other:
        raise UsageError(
            f"{output} was filmed with other settings: {', '.join(other)}.", "Set them back, or choose another output."
        )
    return list(zip(begun.poses, begun.pelvis, begun.betas, begun.detections, begun.numbers, strict=True))


def main(
    mocap: Annotated[Path, typer.Argument(help="Folder of AMASS-layout NPZ or BVH files, searched recursively.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file of windows; one that stands there is gone on with.")],
    windows: Annotated[int, typer.Option(help="How many it shall hold.")] = 2000,
    frames: Annotated[int, typer.Option(help="Frames of a window, at 30 a second; not fewer than train's window_frames.")] = 20,
    every: Annotated[int, typer.Option(help="One frame in so many is filmed.")] = FilmConfig.every,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    detector: Annotated[str, typer.Option(help="Name or path of YOLO pose weights.")] = FilmConfig.detector,
    landmarks: Annotated[str, typer.Option(help="blazepose, blazepose-full or none.")] = FilmConfig.landmarks,
    up: Annotated[str, typer.Option(help="The axis that points up in NPZ files: y, z, or auto.")] = "auto",
    held_out: Annotated[bool, typer.Option("--held-out", help="Film the motion that training holds out.")] = False,
) -> None:
    """Film windows of motion and ask the real detector of them, for `hmr-video train --filmed`."""
    config = FilmConfig(seed=seed, frames=frames, every=every, detector=detector, landmarks=landmarks)
    reporter = Reporter()
    found = film(mocap, output, windows, config, reporter, up, held_out)
    reporter.say(f"{len(found)} windows in {output}")


if __name__ == "__main__":
    sys.exit(exit_code_of(lambda: typer.run(main)))
