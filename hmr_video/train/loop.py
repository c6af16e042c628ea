"""The training loop, on Lightning Fabric: stages, devices, exact resume."""

import hashlib
import json
import math
import time
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar, cast

import torch
from lightning.fabric import Fabric
from torch import Tensor
from torch.nn.functional import pad
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from hmr_video.assets import find_weights, read_metadata
from hmr_video.body import Body, load_body
from hmr_video.checkpoints import load_model
from hmr_video.checkpoints.image_encoder import image_encoder_hash
from hmr_video.checkpoints.saving import save_model
from hmr_video.checkpoints.store import load_tensors
from hmr_video.console import Reporter
from hmr_video.errors import InputError, UsageError
from hmr_video.features.keypoints import feature_size
from hmr_video.features.resnet50 import PHI_SIZE
from hmr_video.files import replacing, sha256
from hmr_video.geometry.rotations import matrix_to_six_d, six_d_to_matrix
from hmr_video.geometry.skeleton import LANDMARKS
from hmr_video.mocap.clips import Mocap, folder_of, list_mocap, load_mocap
from hmr_video.mocap.holdout import split
from hmr_video.model import HMMR
from hmr_video.model.presets import hmr_video_default
from hmr_video.synth.film.filmed import FilmSampler, load_film
from hmr_video.synth.motion.pose_kinds import kinds_of_mocap
from hmr_video.synth.synthetic import Batch, Sampler, joined
from hmr_video.train import curves
from hmr_video.train.adversary import Adversary
from hmr_video.train.curves import Log
from hmr_video.train.feature_tracks import FeatureSampler, FeatureTrack, split_by_video
from hmr_video.train.objective import Objective
from hmr_video.train.pseudo_labels import TrackBatch, TrackSampler, list_tracks, load_tracks
from hmr_video.train.settings import Stage, TrainConfig, refuse_other_config, write_config
from hmr_video.train.validation import track_validation_batches, validate, validate_tracks, validation_batches

GRADIENT_NORM = 1.0
SAVE_SECONDS = 150  # a state is never older, so that a kill costs little on a slow machine, too
WEIGHTS_SO_FAR = "weights.safetensors"  # in the folder of the state, renewed at each validation
STAGE_SEED = 1_000_000  # batches of stage k are numbered from k times this on

AnyBatch = TypeVar("AnyBatch", Batch, TrackBatch)


@dataclass
class Progress:
    """Where a run stands: the stage's index, the steps done in it, and the optimiser's state after them."""

    stage: int = 0
    step: int = 0
    optimiser: dict[str, Any] | None = None


class Trainer:
    """One run. ``train()`` goes through the stages from wherever the state on disk stands.

    On several devices (torchrun, or Fabric's own processes) each process holds a Trainer. They draw different batches and
    share their gradients; the first alone speaks, logs, validates and saves. ``clips``: the names of the motion to train on, in
    place of all that is not held out.
    """

    def __init__(self, config: TrainConfig, reporter: Reporter, clips: list[str] | None = None) -> None:
        self.config = config
        if config.threads:
            torch.set_num_threads(config.threads)
        self.fabric = launch(config)
        self.reporter = reporter if self.fabric.is_global_zero else Reporter(quiet=True)
        torch.manual_seed(config.seed)
        self.start = find_weights(str(config.start)) if config.start else None
        training, validation = split(list_mocap(config.mocap))
        self.mocap = mocap = load_mocap(config.mocap, clips or training, config.up, self.reporter)
        self.reporter.say(f"{mocap.hours:.2f} h of motion in {len(mocap.sources)} clips")
        self.data = _identity(config, mocap, self.start)
        refuse_other_config(config, self.data)
        weights = mocap.sampling_weights(config.source_weights)
        self.adversary = Adversary(mocap, weights, config.seed, self.fabric) if config.objective.adversarial else None
        self.model = _started(self.start, config.features) if self.start else _new_model(config, mocap, weights)
        self.sampler: Sampler | None = None
        self.tracks: TrackSampler | FeatureSampler | None = None
        self.filmed: FilmSampler | None = None
        self.validation: list[Batch] = []
        self.track_validation: list[TrackBatch] = []
        paths = list_tracks(config.tracks) if config.tracks else []
        if config.features == "resnet50" and self.start:
            self.body: Body = load_body(str(self.start))
            self.tracks, held_out = _feature_samplers(paths, config, self.start, self.reporter)
            self.track_validation = [self.here(batch) for batch in track_validation_batches(held_out, config.window_frames)]
        else:
            self.body = load_body("open")
            kinds = kinds_of_mocap(mocap, self.body)
            self.sampler = Sampler(mocap, self.body, weights, config.synthetic, config.seed, kinds)
            if paths:
                tracks = load_tracks(paths)
                self.reporter.say(f"{tracks.hours:.2f} h of pseudo-labelled video in {len(paths)} tracks")
                self.tracks = TrackSampler(tracks, config.synthetic.detector, config.seed)
            if config.filmed:
                film = load_film(config.filmed, self.body, config.window_frames)
                self.reporter.say(f"{len(film)} filmed windows")
                self.filmed = FilmSampler(film, self.body, config.synthetic, config.seed)
            batches = validation_batches(config, load_mocap(config.mocap, validation, config.up), self.body)
            self.validation = [self.here(batch) for batch in batches]
        self.log = Log(config.state / "log.csv")
        self.average = AveragedModel(self.model, multi_avg_fn=get_ema_multi_avg_fn(config.average)) if config.average else None

    @property
    def trained(self) -> HMMR:
        """What is measured and written: the running mean of the weights, where there is one, else the model itself."""
        return cast(HMMR, self.average.module) if self.average else self.model

    def train(self) -> HMMR:
        """Trains all stages and returns what came of it."""
        progress = self.load_state()
        if self.fabric.is_global_zero:
            write_config(self.config, self.data)
        for index, stage in enumerate(self.config.stages[progress.stage :], progress.stage):
            self._run(index, stage, progress if index == progress.stage else Progress(index))
        return self.trained

    def write(self, path: Path, name: str, overwrite: bool) -> None:
        """Writes the model, with what it was trained on: the shipped kind in half precision; the paper's in single, as it is
        imported, with the image encoder and the body of the weights that it began with. Raises OutputError."""
        if not self.fabric.is_global_zero:
            return
        tracks = f", and {self.tracks.hours:.2f} h of pseudo-labelled video" if self.tracks else ""
        collections = ", ".join(sorted({folder_of(source) for source in self.mocap.sources}))
        steps = {stage.name: stage.steps for stage in self.config.stages} | {"seed": self.config.seed}
        started = read_metadata(self.start) if self.start else {}
        metadata = {
            "name": name,
            "licence": started.get("licence", "Apache-2.0"),
            "trained_on": f"{self.mocap.hours:.2f} h of motion: {collections}{tracks}",
            "source": f"hmr-video {version('hmr-video')} train, {json.dumps(steps)}",
        }
        if self.start and self.config.features == "resnet50":
            kept = load_tensors(self.start, "")
            extra = {key: value for key, value in kept.items() if not key.startswith(("model.", "discriminator."))}
            save_model(path, self.trained, metadata, extra, overwrite=overwrite)
        else:
            save_model(path, self.trained, metadata, dtype=torch.float16, overwrite=overwrite)

    def here(self, batch: AnyBatch) -> AnyBatch:
        """A batch on this process' device."""
        tensors = {name: value.to(self.fabric.device) for name, value in vars(batch).items() if value is not None}
        return replace(batch, **tensors)

    def _validate(self, stage: Stage) -> dict[str, float]:
        """Errors on what is held out: of 3D on motion, of 2D on tracks; nothing where nothing is."""
        errors = validate(self.trained, self.body, self.validation, stage, self.fabric)
        return errors | validate_tracks(self.trained, self.body, self.track_validation, stage, self.fabric)

    def _run(self, index: int, stage: Stage, progress: Progress) -> None:
        run = StageRun(self, index, stage, progress.optimiser)
        with self.reporter.progress(f"Training on {stage.name}", stage.steps, "steps") as advance:
            advance(progress.step)
            started = saved = time.monotonic()
            for step in range(progress.step, stage.steps):
                terms = run.step(step)
                if self.average:
                    self.average.update_parameters(self.model)
                advance(1)
                done = step + 1
                if not self.fabric.is_global_zero:
                    continue
                if done % self.config.log_every == 0 or done == stage.steps:
                    rate = (done - progress.step) / (time.monotonic() - started)
                    values = {name: value.item() for name, value in terms.items()}
                    loss = sum(value for name, value in values.items() if name != "discriminator")
                    self.log.write(stage.name, done, {"loss": loss, "steps_per_second": rate} | values)
                if done % self.config.validate_every == 0 or done == stage.steps:
                    self.log.write(stage.name, done, self._validate(stage))
                    curves.draw(self.log.read(), self.config.stages, self.config.state / "curves.png")
                    self.write(self.config.state / WEIGHTS_SO_FAR, self.config.state.name, overwrite=True)
                late = time.monotonic() - saved > SAVE_SECONDS
                if late or done % self.config.save_every == 0 or done == stage.steps:
                    self._save_state(Progress(index, done, run.bare.state_dict()))
                    saved = time.monotonic()

    @property
    def state_path(self) -> Path:
        """The file that a run goes on from."""
        return self.config.state / "state.pt"

    def _save_state(self, progress: Progress) -> None:
        state = {
            "stage": progress.stage,
            "step": progress.step,
            "model": self.model.state_dict(),
            "average": self.average.state_dict() if self.average else None,
            "optimiser": progress.optimiser,
            "precision": self.fabric.strategy.precision.state_dict(),  # 16-mixed scales its gradients
            "adversary": self.adversary.state_dict() if self.adversary else None,
        }
        with replacing(self.state_path, overwrite=True) as temporary:
            torch.save(state, temporary)

    def load_state(self) -> Progress:
        """Puts the model where the run was left, and tells where that is. Raises InputError."""
        if not self.state_path.exists():
            return Progress()
        try:
            state = torch.load(self.state_path, weights_only=True, map_location="cpu")
            self.model.load_state_dict(state["model"])
            if self.average:
                self.average.load_state_dict(state["average"])
            if self.adversary:
                self.adversary.load_state_dict(state["adversary"])
        except Exception as error:  # torch.load has no error of its own
            raise InputError(
                f"The state of the run in {self.state_path} cannot be gone on from ({type(error).__name__}).",
                "Delete it to begin anew, or use another --name.",
            ) from error
        if state.get("precision"):
            self.fabric.strategy.precision.load_state_dict(state["precision"])
        self.reporter.say(f"going on from stage {state['stage'] + 1}, step {state['step']}")
        return Progress(state["stage"], state["step"], state["optimiser"])


class StageRun:
    """A stage under way: objective and optimiser as Fabric runs them, and the ``bare`` optimiser, whose state is saved."""

    def __init__(self, trainer: Trainer, index: int, stage: Stage, optimiser_state: dict[str, Any] | None = None) -> None:
        self.fabric, self.trainer, self.config = trainer.fabric, trainer, trainer.config
        self.index, self.stage = index, stage
        model = trainer.model
        model.requires_grad_(not stage.hallucinator)
        model.hallucinator.requires_grad_(stage.frames > 1)
        trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.bare = torch.optim.AdamW(trainable, lr=stage.learning_rate, weight_decay=1e-4, fused=True)
        judge = trainer.adversary.judge if trainer.adversary else None
        module = Objective(model, trainer.body, self.config.objective, stage.hallucinator, judge)
        self.objective, self.optimiser = self.fabric.setup(module, self.bare)
        if optimiser_state:
            self.bare.load_state_dict(optimiser_state)

    def step(self, step: int) -> dict[str, Tensor]:
        """Trains on this process' batch of ``step``; its weighted terms. Depends on nothing else, so that a run can go on."""
        self.bare.param_groups[0]["lr"] = self.stage.learning_rate * _schedule(step, self.stage.steps, self.config)
        number = self.index * STAGE_SEED + step * self.fabric.world_size + self.fabric.global_rank
        torch.manual_seed(self.config.seed * 2 * STAGE_SEED + number)  # dropout's
        batch, tracks = self._draw(number)
        self.optimiser.zero_grad()
        terms: dict[str, Tensor]
        terms, poses = self.objective(batch, tracks)
        self.fabric.backward(torch.stack(list(terms.values())).sum())
        self.fabric.clip_gradients(self.objective, self.optimiser, max_norm=GRADIENT_NORM)
        self.optimiser.step()
        if self.trainer.adversary:
            terms["discriminator"] = self.trainer.adversary.learn(poses, number)
        return terms

    def _draw(self, number: int) -> tuple[Batch | None, TrackBatch | None]:
        """Batch ``number``: from motion, some of it filmed, from tracks, or shared by both."""
        sampler, tracks, size = self.trainer.sampler, self.trainer.tracks, self.stage.batch
        tracked = size if not sampler else round(size * self.config.track_share) if tracks else 0
        return (
            self.trainer.here(self._motion(sampler, number, size - tracked)) if sampler else None,
            self.trainer.here(tracks.batch(number, tracked, self.stage.frames)) if tracks else None,
        )

    def _motion(self, sampler: Sampler, number: int, size: int) -> Batch:
        filmed, frames = self.trainer.filmed, self.stage.frames
        if not filmed:
            return sampler.batch(number, size, frames)
        share = round(size * self.config.filmed_share)
        return joined([sampler.batch(number, size - share, frames), filmed.batch(number, share, frames)])


def launch(config: TrainConfig) -> Fabric:
    """Starts the processes that the configuration asks for, or joins those that torchrun has started. Raises UsageError."""
    # Single frames have no deltas and only the last stage hallucinates, so not every parameter gets a gradient in every stage.
    strategy = "ddp_find_unused_parameters_true" if config.devices * config.nodes > 1 else "auto"
    kind, _, number = config.device.partition(":")
    try:
        fabric = Fabric(
            accelerator=kind,
            strategy=strategy,
            devices=[int(number)] if number else config.devices,
            num_nodes=config.nodes,
            precision=config.precision,  # type: ignore[arg-type]
        )
        fabric.launch()
    except (RuntimeError, ValueError) as error:
        raise UsageError(
            f"Training cannot run on {config.devices} x {config.device}: {error}", "Change --device and --devices."
        ) from error
    return fabric


def _started(start: Path, features: str) -> HMMR:
    """The model of a weight file, to be trained further; one of keypoints reads all of them. Raises AssetError, UsageError."""
    model = load_model(start)[0].train()
    sizes = {"keypoints": feature_size(model.config.keypoints), "resnet50": PHI_SIZE}
    if (model.config.features, model.config.feature_size) != (features, sizes[features]):
        raise UsageError(
            f"{start} reads {model.config.feature_size} numbers a frame, of {model.config.features}.",
            f"Start from weights that read {features}, or change --features.",
        )
    return reading_all_points(model) if features == "keypoints" else model


def _new_model(config: TrainConfig, mocap: Mocap, weights: Tensor) -> HMMR:
    """A model that sees each frame by itself, and whose mean pose, the root excepted, is that of the motion it will see."""
    model = HMMR(hmr_video_default(feature_size(len(LANDMARKS)), config.width, config.blocks, len(LANDMARKS)))
    model.temporal.zero_side_taps()
    middle = mocap.rotations[mocap.starts + mocap.lengths // 2]  # (C, 24, 6)
    mean = matrix_to_six_d(six_d_to_matrix((middle * weights[:, None, None].float()).sum(0)))
    with torch.no_grad():
        model.mean_theta[3 + 6 : 3 + 24 * 6] = mean[1:].flatten()
    return model


def _identity(config: TrainConfig, mocap: Mocap, start: Path | None) -> dict[str, Any]:
    """What tells whether a run goes on with the data and the weights that it began with, wherever they lie."""
    listing = json.dumps([mocap.sources, mocap.lengths.tolist()])
    begun = {"start_sha256": sha256(start)} if start else {}
    paths = list_tracks(config.tracks) if config.tracks else []
    sizes = json.dumps([path.stat().st_size for path in paths])
    tracks = {"tracks": len(paths), "tracks_sha256": hashlib.sha256(sizes.encode()).hexdigest()} if paths else {}
    film = {"filmed_sha256": sha256(config.filmed)} if config.filmed and config.filmed.is_file() else {}
    return {"clips": len(mocap.sources), "clips_sha256": hashlib.sha256(listing.encode()).hexdigest()} | begun | tracks | film


def _schedule(step: int, steps: int, config: TrainConfig) -> float:
    """Linear warm-up, then half a cosine to zero, or nothing."""
    fall = 0.5 * (1 + math.cos(math.pi * step / steps)) if config.schedule == "cosine" else 1.0
    return min(1.0, (step + 1) / config.warmup) * fall


def _feature_samplers(
    paths: list[Path], config: TrainConfig, start: Path, reporter: Reporter
) -> tuple[FeatureSampler, FeatureSampler | None]:
    """Of the tracks to train on, and of those held out."""
    encoder = image_encoder_hash(start)
    training, held_out = ([FeatureTrack.load(path, encoder) for path in part] for part in split_by_video(paths))
    sampler = FeatureSampler(training, config.window_frames, config.seed)
    reporter.say(f"{sampler.hours:.2f} h of pseudo-labelled video in {len(sampler.tracks)} tracks")
    if not held_out:
        reporter.note("All tracks are of one video, so there is none to validate on.")
    return sampler, FeatureSampler(held_out, config.window_frames, 1) if held_out else None


def reading_all_points(model: HMMR) -> HMMR:
    """The same model with an input for every landmark: those that it did not know have no say yet."""
    size = feature_size(len(LANDMARKS))
    wider = HMMR(replace(model.config, feature_size=size, keypoints=len(LANDMARKS)))
    state = model.state_dict()
    first = state["projection.0.weight"]
    wider.load_state_dict(state | {"projection.0.weight": pad(first, (0, size - first.shape[1]))})
    return wider.train()
