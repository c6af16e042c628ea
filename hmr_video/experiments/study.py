"""The paper's claim on trial: does video without 3D labels make 3D better? `python -m hmr_video.experiments.study MOCAP -o OUT`

A small part of the motion keeps its 3D labels. The rest is filmed by random cameras and seen by the synthetic detector, and is
known by those 2D tracks alone: none, an eighth, a quarter, half or all of it. Every run takes as many steps on as many windows.
Motion is neither mixed nor made up here, which would hide what more of it is worth. Each finished run is a line of
``runs.csv``, and is not done again; ``study.png`` and ``study.md`` are drawn anew after each.

With ``--film FILE``, which `python -m hmr_video.synth.film` wrote, the unlabelled video is that file's: once as the real detector
and landmark network saw it, once as the simulated detector sees the same windows. ``--held FILE`` is such a file of held-out
motion, on which every run is measured, too.
"""

import csv
import hashlib
import json
import math
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor, nn

from hmr_video.body import Body
from hmr_video.console import Reporter, exit_code_of
from hmr_video.experiments.study_figure import write_report
from hmr_video.experiments.unlabelled import seen_tracks, simulate_tracks, simulated_tracks
from hmr_video.files import sha256
from hmr_video.geometry.skeleton import LIMB_JOINTS
from hmr_video.mocap.clips import list_mocap, load_mocap
from hmr_video.mocap.holdout import split
from hmr_video.model import HMMR
from hmr_video.synth.film.filmed import FilmSampler, load_film
from hmr_video.synth.random_cameras import CameraConfig
from hmr_video.synth.simulated_detector import DetectorConfig
from hmr_video.synth.synthetic import Batch, SyntheticConfig
from hmr_video.train.loop import Trainer
from hmr_video.train.objective import ObjectiveWeights, pelvis_joints
from hmr_video.train.pseudo_labels import Tracks, TrackSampler, list_tracks, load_tracks
from hmr_video.train.settings import TrainConfig
from hmr_video.train.track_terms import in_box
from hmr_video.train.validation import pose_errors

# Ordinary cameras and a middling detector, so that minutes of training go far.
SYNTHETIC = SyntheticConfig(
    augment=None,
    invented=0.0,
    camera=CameraConfig(distance=(2.5, 8.0), wide_pitch_share=0.0, wide_roll_share=0.0, focal_error=0.1),
    detector=DetectorConfig(noise=(0.5, 1.5)),
)

FULL, SUPERVISED = "full", "supervised"
SEEN, SIMULATED = "filmed, as it was seen", "the same, simulated"
_HELD_BATCHES = 4  # of the file of held-out windows
ABLATIONS = ("no context", "no deltas", "no adversary")
PCK_SHARE = 0.05  # of the box's side


@dataclass(frozen=True)
class StudyConfig:
    """The settings of every run. ``labelled``: share of the motion that keeps its labels; batches are windows of both kinds."""

    labelled: float = 1 / 32
    fractions: tuple[float, ...] = (0.0, 0.125, 0.25, 0.5, 1.0)
    seeds: int = 3
    width: int = 128
    blocks: int = 2
    hidden: int = 256
    frame_steps: int = 600
    frame_batch: int = 512
    window_steps: int = 250
    window_batch: int = 32
    frame_learning_rate: float = 2e-3
    window_learning_rate: float = 1e-3
    adversarial: float = 0.1
    ablations: bool = True
    film: Path | None = None
    held: Path | None = None

    @property
    def key(self) -> str:
        """A hash of what decides a run's outcome; lines of ``runs.csv`` with another one do not count."""
        settings = {name: value for name, value in asdict(self).items() if name not in ("fractions", "seeds", "ablations")}
        settings |= {name: path and sha256(path) for name, path in (("film", self.film), ("held", self.held))}
        settings |= {"synthetic": asdict(SYNTHETIC), "objective": asdict(ObjectiveWeights())}
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Case:
    """One run: what is left out of the method, the share of the unlabelled motion that it sees, and its seed."""

    variant: str
    fraction: float
    seed: int


@dataclass(frozen=True)
class Result:
    """What came of a case: hours of tracks, errors on held-out motion in mm (mm/frame^2), PCK in 0..1, PA-MPJPE on held-out
    windows that were filmed (NaN where there are none), minutes it took."""

    case: Case
    hours: float
    mpjpe: float
    pa_mpjpe: float
    acceleration: float
    pck: float
    filmed: float
    minutes: float


class SingleFrames(nn.Module):
    """A temporal encoder that sees each frame by itself, as large as the one it wraps."""

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, phi: Tensor) -> Tensor:
        """phi (B, T, C) -> strip (B, T, C)."""
        strip: Tensor = self.encoder(phi.flatten(0, 1)[:, None])
        return strip.view_as(phi)


def cases(config: StudyConfig) -> Iterator[Case]:
    """All runs: first the curves, seed by seed and their ends before the middle, then what is left out; those of a film alone if
    there is one."""
    if config.film is not None:
        for seed in range(config.seeds):
            yield Case(FULL, 0.0, seed)
            yield from (Case(variant, 1.0, seed) for variant in (SEEN, SIMULATED))
        return
    ends = (min(config.fractions), max(config.fractions))
    middle = [fraction for fraction in config.fractions if fraction not in ends]
    for seed in range(config.seeds):
        yield from (Case(FULL, fraction, seed) for fraction in (*ends, *middle))
        yield Case(SUPERVISED, 0.0, seed)
    if config.ablations:
        yield from (Case(variant, end, seed) for seed in range(config.seeds) for variant in ABLATIONS for end in ends)


def run_study(mocap: Path, output: Path, config: StudyConfig, reporter: Reporter) -> list[Result]:
    """Runs what ``runs.csv`` does not hold yet, and draws the figure. Raises InputError, OutputError."""
    output.mkdir(parents=True, exist_ok=True)
    table = output / "runs.csv"
    for case in cases(config):
        if case in {result.case for result in read_results(table, config.key)}:
            continue
        reporter.say(f"{case.variant}, {case.fraction:g} of the tracks, seed {case.seed}")
        result = run_case(mocap, output, case, config)
        with table.open("a", newline="", encoding="utf-8") as stream:
            numbers = [f"{value:.6g}" for name, value in vars(result).items() if name != "case"]
            csv.writer(stream).writerow([config.key, *vars(case).values(), *numbers])
        write_report(read_results(table, config.key), output)
    return read_results(table, config.key)


def read_results(table: Path, key: str) -> list[Result]:
    """The finished runs of one configuration; a line that a kill cut short is passed over."""
    if not table.exists():
        return []
    with table.open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.reader(stream) if len(row) == 11 and row[0] == key]
    return [Result(Case(row[1], float(row[2]), int(row[3])), *map(float, row[4:])) for row in rows]


def run_case(mocap: Path, output: Path, case: Case, config: StudyConfig) -> Result:
    """Trains and measures one case. What it writes on the way lies in ``output`` and is removed."""
    begun = time.monotonic()
    training, _ = split(list_mocap(mocap))
    labelled, rest = divide(mocap, training, config.labelled, case.seed)
    state = output / "state"
    shutil.rmtree(state, ignore_errors=True)
    trainer = Trainer(
        train_config(mocap, state, case, config), Reporter(quiet=True), training if case.variant == SUPERVISED else labelled
    )
    hours = 0.0
    if case.fraction:
        tracks = _unlabelled(mocap, rest, case, config, trainer, output)
        trainer.tracks = TrackSampler(tracks, trainer.config.synthetic.detector, case.seed)
        hours = tracks.hours
    trainer.model = _small(trainer.model, config, framewise=case.variant == "no context")
    trainer.train()
    scores = measure(trainer.model, trainer.body, trainer.validation)
    scores["filmed"] = _on_film(trainer, config)
    shutil.rmtree(state)
    return Result(case, hours, **scores, minutes=(time.monotonic() - begun) / 60)


def train_config(mocap: Path, state: Path, case: Case, config: StudyConfig) -> TrainConfig:
    """The run's settings."""
    weights = ObjectiveWeights(adversarial=0.0 if case.variant == "no adversary" else config.adversarial)
    return TrainConfig(
        mocap,
        state,
        width=config.width,
        blocks=config.blocks,
        frame_steps=config.frame_steps,
        window_steps=config.window_steps,
        hallucinator_steps=0,
        frame_batch=config.frame_batch,
        window_batch=config.window_batch,
        frame_learning_rate=config.frame_learning_rate,
        window_learning_rate=config.window_learning_rate,
        warmup=20,
        seed=case.seed,
        device="cpu",
        precision="32-true",
        threads=1,
        save_every=10**6,
        validate_every=10**6,
        objective=replace(weights, deltas=0.0) if case.variant == "no deltas" else weights,
        synthetic=SYNTHETIC,
    )


def divide(mocap: Path, names: list[str], share: float, seed: int) -> tuple[list[str], list[str]]:
    """Names with labels, of about ``share`` of all frames, and the rest, both in an order that the seed decides."""
    order = sorted(names, key=lambda name: hashlib.sha256(f"{seed} {name}".encode()).digest())
    ends = load_mocap(mocap, order).lengths.cumsum(0)
    count = max(1, int((ends <= share * int(ends[-1])).sum()))
    return order[:count], order[count:]


def _unlabelled(mocap: Path, names: list[str], case: Case, config: StudyConfig, trainer: Trainer, output: Path) -> Tracks:
    """The case's unlabelled video."""
    if config.film is None:
        return load_tracks(_filmed(mocap, names, case, trainer.body, output))
    film = load_film(config.film, trainer.body, trainer.config.window_frames)
    return seen_tracks(film) if case.variant == SEEN else simulated_tracks(film, trainer.body, SYNTHETIC.detector, case.seed)


def _on_film(trainer: Trainer, config: StudyConfig) -> float:
    """PA-MPJPE in mm on the file of held-out windows; NaN if there is none."""
    if config.held is None:
        return math.nan
    frames = trainer.config.window_frames
    sampler = FilmSampler(load_film(config.held, trainer.body, frames), trainer.body, SYNTHETIC)
    batches = [sampler.batch(number, config.window_batch, frames) for number in range(_HELD_BATCHES)]
    return measure(trainer.model, trainer.body, batches)["pa_mpjpe"]


def _filmed(mocap: Path, names: list[str], case: Case, body: Body, output: Path) -> list[Path]:
    """The track files of the first ``case.fraction`` of the clips, filmed once per seed."""
    folder = output / "tracks" / str(case.seed)
    if not (folder / "all").exists():
        shutil.rmtree(folder, ignore_errors=True)
        simulate_tracks(load_mocap(mocap, names), body, folder, SYNTHETIC, case.seed)
        (folder / "all").touch()
    paths = list_tracks(folder)  # in the order of the clips
    return paths[: max(1, round(len(paths) * case.fraction))]


def _small(model: HMMR, config: StudyConfig, framewise: bool) -> HMMR:
    """The same model with narrower regressors; ``framewise``: without temporal context."""
    small = HMMR(replace(model.config, hidden=config.hidden, delta_hidden=config.hidden))
    small.temporal.zero_side_taps()
    small.mean_theta.data.copy_(model.mean_theta.data)
    if framewise:
        small.temporal = SingleFrames(small.temporal)  # type: ignore[assignment]
    return small


@torch.inference_mode()
def measure(model: HMMR, body: Body, batches: list[Batch]) -> dict[str, float]:
    """Means over held-out batches of :func:`pose_errors`, and PCK: the share of limb joints whose projection lies within 5 % of
    the box's side of the true one."""
    model.eval()
    scores: list[dict[str, float]] = []
    for batch in batches:
        present, _ = model.regress_present(model.temporal(model.encode(batch.features)))
        joints = pelvis_joints(body, present)
        errors = pose_errors(joints, batch.joints)
        gap = (in_box(joints, present.camera, batch.box) - batch.points2d).norm(dim=-1)[..., list(LIMB_JOINTS)]
        near = {"pck": (gap < 2 * PCK_SHARE).float().mean().item()}
        scores.append({name: errors[name] for name in ("mpjpe", "pa_mpjpe", "acceleration")} | near)
    return {name: sum(score[name] for score in scores) / len(scores) for name in scores[0]}


def main(
    mocap: Annotated[Path, typer.Argument(help="Folder of AMASS-layout NPZ files, searched recursively.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the study; one that stands there is gone on with.")],
    seeds: Annotated[int, typer.Option(help="Runs of each case.")] = StudyConfig.seeds,
    film: Annotated[Path | None, typer.Option(help="Filmed windows: the unlabelled video.")] = None,
    held: Annotated[Path | None, typer.Option(help="Filmed windows of held-out motion, to measure on.")] = None,
) -> None:
    """Train a small model with ever more unlabelled video, and draw what it is worth."""
    run_study(mocap, output, StudyConfig(seeds=seeds, film=film, held=held), Reporter())


if __name__ == "__main__":
    sys.exit(exit_code_of(lambda: typer.run(main)))
