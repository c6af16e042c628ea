"""The training loop, on Lightning Fabric: stages, log, exact resume."""

import csv
import json
import math
import os
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from lightning.fabric import Fabric
from torch import Tensor

from hmr_video.body import Body, load_body
from hmr_video.checkpoints import load_model, save_model
from hmr_video.console import Reporter
from hmr_video.evaluate import metrics
from hmr_video.features.keypoints import FEATURE_SIZE, MODEL_FRAME_RATE
from hmr_video.geometry.rotations import matrix_to_six_d, six_d_to_matrix
from hmr_video.geometry.skeleton import LIMB_JOINTS
from hmr_video.model import HMMR, hmr_video_default
from hmr_video.train.config import Stage, TrainConfig
from hmr_video.train.holdout import split
from hmr_video.train.mocap import Mocap, folder_of, list_mocap, load_mocap
from hmr_video.train.objective import Objective, pelvis_joints
from hmr_video.train.synthetic import Batch, Sampler

GRADIENT_NORM = 1.0
VALIDATION_BATCHES = 4
VALIDATION_WINDOWS = 64
STAGE_SEED = 1_000_000  # batches of stage k are numbered from k times this on


class Trainer:
    """One run. ``train()`` goes through the stages from wherever the state on disk stands."""

    def __init__(self, config: TrainConfig, reporter: Reporter) -> None:
        self.config, self.reporter = config, reporter
        if config.threads:
            torch.set_num_threads(config.threads)
        self.fabric = Fabric(accelerator=config.accelerator, devices=config.devices, precision=config.precision)  # type: ignore[arg-type]
        self.fabric.launch()
        torch.manual_seed(config.seed)
        self.body: Body = load_body("open")
        training, validation = split(list_mocap(config.mocap))
        mocap = load_mocap(config.mocap, training)
        reporter.say(f"{mocap.hours:.2f} h of motion in {len(mocap.sources)} clips")
        weights = mocap.sampling_weights(config.source_weights)
        self.sampler = Sampler(mocap, self.body, weights, config.synthetic, config.seed)
        self.validation = _validation_batches(config, load_mocap(config.mocap, validation), self.body)
        self.model = load_model(config.start)[0].train() if config.start else _new_model(config, mocap, weights)
        self.log = Log(config.state / "log.csv")

    def train(self) -> HMMR:
        """Trains all stages and returns the model."""
        first_stage, first_step, optimiser_state = self._load_state()
        for index, stage in enumerate(self.config.stages):
            if index < first_stage:
                continue
            step = first_step if index == first_stage else 0
            self._run(index, stage, step, optimiser_state if index == first_stage else None)
        return self.model

    def write(self, path: Path, name: str, overwrite: bool) -> None:
        """Writes the model in half precision, with what it was trained on. Raises OutputError."""
        mocap = self.sampler.mocap
        metadata = {
            "name": name,
            "licence": "Apache-2.0",
            "trained_on": f"{mocap.hours:.2f} h of motion: {', '.join(sorted({folder_of(source) for source in mocap.sources}))}",
            "source": f"hmr-video {version('hmr-video')} train, {json.dumps(_steps(self.config))}",
        }
        if self.fabric.is_global_zero:
            save_model(path, self.model, metadata, dtype=torch.float16, overwrite=overwrite)

    def _run(self, index: int, stage: Stage, first_step: int, optimiser_state: dict[str, Any] | None) -> None:
        self.model.requires_grad_(not stage.hallucinator)
        self.model.hallucinator.requires_grad_(stage.hallucinator)
        trainable = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        bare = torch.optim.AdamW(trainable, lr=stage.learning_rate, weight_decay=1e-4, fused=True)
        step_module = Objective(self.model, self.body, self.config.objective, stage.hallucinator)
        objective, optimiser = self.fabric.setup(step_module, bare)
        if optimiser_state:
            bare.load_state_dict(optimiser_state)
        with self.reporter.progress(f"Training on {stage.name}", stage.steps, "steps") as advance:
            advance(first_step)
            started = time.monotonic()
            for step in range(first_step, stage.steps):
                bare.param_groups[0]["lr"] = stage.learning_rate * _schedule(step, stage.steps, self.config.warmup)
                number = index * STAGE_SEED + step * self.fabric.world_size + self.fabric.global_rank
                batch = _to(self.fabric.device, self.sampler.batch(number, stage.batch, stage.frames))
                optimiser.zero_grad()
                terms = objective(batch)
                loss = torch.stack(list(terms.values())).sum()
                self.fabric.backward(loss)
                self.fabric.clip_gradients(objective, optimiser, max_norm=GRADIENT_NORM)
                optimiser.step()
                advance(1)
                done = step + 1
                if done % 100 == 0:
                    rate = (done - first_step) / (time.monotonic() - started)
                    self.log.write(stage.name, done, {"loss": loss.item(), "steps_per_second": rate} | _values(terms))
                if done % self.config.validate_every == 0 or done == stage.steps:
                    self.log.write(stage.name, done, self.validate(stage))
                if done % self.config.save_every == 0 or done == stage.steps:
                    self._save_state(index, done, bare)

    @torch.inference_mode()
    def validate(self, stage: Stage) -> dict[str, float]:
        """Errors on held-out motion, in millimetres: of all stages the same windows, each frame by itself in the first."""
        self.model.eval()
        sums: dict[str, float] = {}
        for batch in self.validation:
            features = batch.features.flatten(0, 1)[:, None] if stage.frames == 1 else batch.features
            with self.fabric.autocast():
                phi = self.model.encode(features)
                strip = self.model.hallucinate(phi) if stage.hallucinator else self.model.temporal(phi)
                present, _ = self.model.regress_present(strip)
            joints = pelvis_joints(self.body, present).reshape(batch.joints.shape)
            for name, value in pose_errors(joints, batch.joints).items():
                sums[name] = sums.get(name, 0.0) + value / len(self.validation)
        self.model.train()
        return {f"val_{name}": value for name, value in sums.items()}

    def _state_path(self) -> Path:
        return self.config.state / "state.pt"

    def _save_state(self, stage: int, step: int, optimiser: torch.optim.Optimizer) -> None:
        if not self.fabric.is_global_zero:
            return
        state = {
            "stage": stage,
            "step": step,
            "model": self.model.state_dict(),
            "optimiser": optimiser.state_dict(),
            "random": torch.get_rng_state(),
        }
        temporary = self._state_path().with_suffix(".partial")
        torch.save(state, temporary)
        os.replace(temporary, self._state_path())

    def _load_state(self) -> tuple[int, int, dict[str, Any] | None]:
        if not self._state_path().exists():
            return 0, 0, None
        state = torch.load(self._state_path(), weights_only=True, map_location="cpu")
        self.model.load_state_dict(state["model"])
        torch.set_rng_state(state["random"])  # dropout's; batches depend on their number alone
        self.reporter.say(f"going on from stage {state['stage'] + 1}, step {state['step']}")
        return state["stage"], state["step"], state["optimiser"]


class Log:
    """A CSV of (stage, step, name, value), appended to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def write(self, stage: str, step: int, values: dict[str, float]) -> None:
        """Appends one line per value."""
        with self.path.open("a", newline="") as stream:
            csv.writer(stream).writerows([stage, step, name, f"{value:.6g}"] for name, value in values.items())


def pose_errors(joints: Tensor, truth: Tensor) -> dict[str, float]:
    """MPJPE, PA-MPJPE and acceleration error in mm (mm/frame^2) over the limb joints of (B, T, 24, 3) metres."""
    joints, truth = (metrics.at_hips(points, points)[..., list(LIMB_JOINTS), :] for points in (joints, truth))
    moving, truly = joints.transpose(0, 1), truth.transpose(0, 1)  # time first
    errors = {
        "mpjpe": metrics.joint_error(joints, truth),
        "pa_mpjpe": metrics.aligned_error(joints.flatten(0, 1), truth.flatten(0, 1)),
        "acceleration": metrics.acceleration_error(moving, truly, MODEL_FRAME_RATE),
        "truth_acceleration": metrics.acceleration_level(truly, MODEL_FRAME_RATE),
    }
    return {name: error.mean().item() for name, error in errors.items()}


def _validation_batches(config: TrainConfig, mocap: Mocap, body: Body) -> list[Batch]:
    weights = mocap.sampling_weights(config.source_weights)
    synthetic = replace(config.synthetic, augment=None, slowest=1.0, fastest=1.0)
    sampler = Sampler(mocap, body, weights, synthetic, seed=1)
    return [sampler.batch(number, VALIDATION_WINDOWS, 30) for number in range(VALIDATION_BATCHES)]


def _new_model(config: TrainConfig, mocap: Mocap, weights: Tensor) -> HMMR:
    """A model that sees each frame by itself, and whose mean pose, the root excepted, is that of the motion it will see."""
    model = HMMR(hmr_video_default(FEATURE_SIZE, config.width, config.blocks))
    model.temporal.zero_side_taps()
    middle = mocap.rotations[mocap.starts + mocap.lengths // 2]  # (C, 24, 6)
    mean = matrix_to_six_d(six_d_to_matrix((middle * weights[:, None, None].float()).sum(0)))
    with torch.no_grad():
        model.mean_theta[3 + 6 : 3 + 24 * 6] = mean[1:].flatten()
    return model


def _schedule(step: int, steps: int, warmup: int) -> float:
    """Linear warm-up, then half a cosine to zero."""
    return min(1.0, (step + 1) / warmup) * 0.5 * (1 + math.cos(math.pi * step / steps))


def _to(device: torch.device, batch: Batch) -> Batch:
    return Batch(**{name: value.to(device) for name, value in vars(batch).items()})


def _steps(config: TrainConfig) -> dict[str, int]:
    return {stage.name: stage.steps for stage in config.stages} | {"seed": config.seed}


def _values(terms: dict[str, Tensor]) -> dict[str, float]:
    return {name: value.item() for name, value in terms.items()}
