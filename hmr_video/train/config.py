"""All settings of a training run, in one place."""

from dataclasses import dataclass, field
from pathlib import Path

from hmr_video.device import check_name
from hmr_video.errors import UsageError
from hmr_video.mocap.clips import SOURCE_WEIGHTS
from hmr_video.mocap.up import AXES
from hmr_video.synth.synthetic import SyntheticConfig
from hmr_video.train.objective import ObjectiveWeights

COUNTS = ("frame_batch", "window_batch", "width", "blocks", "warmup", "devices", "nodes")
INTERVALS = ("log_every", "save_every", "validate_every")
SCHEDULES = ("cosine", "constant")
PRECISIONS = ("bf16-mixed", "16-mixed", "32-true")
FEATURES = ("keypoints", "resnet50")


@dataclass(frozen=True)
class Stage:
    """One part of a run: ``steps`` batches of ``batch`` windows of ``frames`` frames."""

    name: str
    steps: int
    batch: int
    frames: int
    learning_rate: float
    hallucinator: bool = False  # trains the hallucinator only, the rest frozen


@dataclass(frozen=True)
class TrainConfig:
    """A training run.

    Attributes:
        mocap: folder of AMASS-layout NPZ or BVH files, searched recursively.
        state: folder of the run's state and log; a run that finds its state there goes on from it.
        features: what the model reads: ``keypoints``; or ``resnet50``, the paper's preset, which trains ``start`` further on
            ``tracks`` alone, the motion being there for the adversarial prior. `paper.toml` has the settings for it.
        start: weights to train further, which also set the size of the model; None begins from random ones.
        tracks: folder of pseudo-labelled tracks that `label` wrote, to train on beside the motion; None does without.
        track_share: of a batch's windows, those from tracks, where there is motion beside them.
        filmed: file of windows that `python -m hmr_video.synth.film` filmed, seen by a real detector; None does without.
        filmed_share: of a batch's windows with 3D truth, those from that file.
        up: the axis that points up in NPZ files of motion, ``y``, ``z``, or ``auto``, found by how most people stand.
        width, blocks: size of the model.
        frame_steps: batches of single frames, first: poses at high throughput.
        window_steps: batches of windows, for the temporal encoder and the deltas, whose neighbour taps start at zero.
        hallucinator_steps: batches for the hallucinator at the end.
        frame_batch, window_batch: windows a batch.
        window_frames: frames a window; more than 10, as the deltas look 5 to either side.
        frame_learning_rate, window_learning_rate: peak rates of AdamW; warmup: steps until the peak.
        schedule: ``cosine``, on which the rate falls to zero over each stage; or ``constant``, for runs without a known end.
        average: share of the running mean of the weights that stays in a step, close to 1; the mean is then what is measured and
            written. 0 does without.
        seed: of everything random.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``; devices: how many of that kind per node; nodes, precision: as
            Lightning Fabric takes them; threads: of the CPU, 0 for all.
        log_every, save_every, validate_every: steps.
        source_weights: how often a collection is drawn against its length.
        objective: the factor of each loss; synthetic: augmentation, cameras and detector of the training pairs.
    """

    mocap: Path
    state: Path
    features: str = "keypoints"
    start: Path | None = None
    tracks: Path | None = None
    track_share: float = 0.5
    filmed: Path | None = None
    filmed_share: float = 0.15
    up: str = "auto"
    width: int = 512
    blocks: int = 3
    frame_steps: int = 12_000
    window_steps: int = 10_000
    hallucinator_steps: int = 1_000
    frame_batch: int = 1024
    window_batch: int = 96
    window_frames: int = 20
    frame_learning_rate: float = 1e-3
    window_learning_rate: float = 5e-4
    warmup: int = 200
    schedule: str = "cosine"
    average: float = 0.0
    seed: int = 0
    device: str = "auto"
    devices: int = 1
    nodes: int = 1
    precision: str = "bf16-mixed"
    threads: int = 0
    log_every: int = 100
    save_every: int = 500
    validate_every: int = 1000
    source_weights: dict[str, float] = field(default_factory=lambda: dict(SOURCE_WEIGHTS))
    objective: ObjectiveWeights = field(default_factory=ObjectiveWeights)
    synthetic: SyntheticConfig = field(default_factory=SyntheticConfig)

    def __post_init__(self) -> None:
        check_name(self.device)
        if ":" in self.device and self.devices * self.nodes > 1:
            raise UsageError(f"{self.device} is one device, not {self.devices * self.nodes}.", "Name its kind alone.")
        if self.window_frames < 11:
            raise UsageError(f"Windows of {self.window_frames} frames are too short for the deltas.", "Use 11 frames or more.")
        for name in (*COUNTS, *INTERVALS):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}.", "Give a number of at least 1.")
        for name in ("frame_steps", "window_steps", "hallucinator_steps", "seed", "threads"):
            if getattr(self, name) < 0:
                raise UsageError(f"{name} is {getattr(self, name)}.", "Give a number that is not negative.")
        for name in ("track_share", "filmed_share"):
            if not 0 < getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}.", "Give a share between 0 and 1.")
        if not 0 <= self.average < 1:
            raise UsageError(f"average is {self.average}.", "Give a share below 1; 0 does without.")
        for name, known in (("precision", PRECISIONS), ("features", FEATURES), ("schedule", SCHEDULES), ("up", AXES)):
            if getattr(self, name) not in known:
                raise UsageError(f"{name} is {getattr(self, name)!r}.", f"Choose {', '.join(known)}.")
        if self.features == "resnet50" and not (self.tracks and self.start):
            raise UsageError(
                "The paper's preset trains on tracks with image features, further from weights that hold an image encoder.",
                "Give --tracks, as `label --features resnet50` writes them, and --start, as `weights import` writes it.",
            )
        if self.features == "resnet50" and self.filmed:
            raise UsageError("Filmed windows hold keypoints, not image features.", "Leave --filmed out.")

    @property
    def stages(self) -> tuple[Stage, ...]:
        """Single frames, then windows, then the hallucinator."""
        return (
            Stage("frames", self.frame_steps, self.frame_batch, 1, self.frame_learning_rate),
            Stage("windows", self.window_steps, self.window_batch, self.window_frames, self.window_learning_rate),
            Stage(
                "hallucinator", self.hallucinator_steps, self.window_batch, self.window_frames, self.window_learning_rate, True
            ),
        )
