"""All settings of a training run; read from TOML, written as JSON beside the run's state, compared when the run goes on.

A file has the fields of :class:`~hmr_video.train.settings.TrainConfig` as keys, and its parts as tables:

    frame_steps = 4500
    [objective]
    velocity = 20.0
    [synthetic]
    augment = false        # false leaves an optional part out
    [synthetic.detector]
    swap = 0.1
"""

import difflib
import json
import tomllib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from hmr_video.device import check_name
from hmr_video.errors import UsageError
from hmr_video.files import replacing
from hmr_video.mocap.clips import SOURCE_WEIGHTS
from hmr_video.mocap.up import AXES
from hmr_video.synth.synthetic import SyntheticConfig
from hmr_video.train.objective import ObjectiveWeights

POSITIVE = (
    "frame_batch", "window_batch", "width", "blocks", "warmup", "devices", "nodes", "log_every", "save_every", "validate_every",
)  # fmt: skip
NOT_NEGATIVE = ("frame_steps", "window_steps", "hallucinator_steps", "seed", "threads")
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
    """A training run: single frames first, which teach poses at high throughput; then windows, for the temporal encoder and the
    deltas, whose neighbour taps start at zero; at the end the hallucinator.

    Where ``features`` are resnet50, the paper's preset, ``start`` is trained further on ``tracks`` alone, the motion being there
    for the adversarial prior; `paper.toml` has the settings for it.
    """

    mocap: Path  # folder of AMASS-layout NPZ or BVH files, searched recursively
    state: Path  # folder of the run's state and log; a run that finds its state there goes on from it
    features: str = "keypoints"  # what the model reads: keypoints or resnet50
    start: Path | None = None  # weights to train further, which also set the size of the model; else it begins from random ones
    tracks: Path | None = None  # folder of pseudo-labelled tracks that `label` wrote, to train on beside the motion
    track_share: float = 0.5  # of a batch's windows, those from tracks, where there is motion beside them
    filmed: Path | None = None  # file of windows that `python -m hmr_video.synth.film` filmed, seen by a real detector
    filmed_share: float = 0.15  # of a batch's windows with 3D truth, those from that file
    up: str = "auto"  # the axis that points up in NPZ files of motion, y, z, or auto: found by how most people stand
    width: int = 512  # of the model
    blocks: int = 3
    frame_steps: int = 12_000  # batches of single frames
    window_steps: int = 10_000
    hallucinator_steps: int = 1_000
    frame_batch: int = 1024  # windows a batch
    window_batch: int = 96
    window_frames: int = 20  # more than 10, as the deltas look 5 to either side
    frame_learning_rate: float = 1e-3  # peak of AdamW
    window_learning_rate: float = 5e-4
    warmup: int = 200  # steps until the peak
    schedule: str = "cosine"  # on which the rate falls to zero over each stage; or constant, for runs without a known end
    average: float = 0.0  # share of the weights' running mean that stays in a step; the mean is measured and written. 0: without
    seed: int = 0  # of everything random
    device: str = "auto"  # auto, cpu, cuda, cuda:N or mps
    devices: int = 1  # how many of that kind on each of the nodes
    nodes: int = 1
    precision: str = "bf16-mixed"  # as Lightning Fabric takes it
    threads: int = 0  # of the CPU, 0 for all
    log_every: int = 100  # steps
    save_every: int = 500
    validate_every: int = 1000
    source_weights: dict[str, float] = field(default_factory=lambda: dict(SOURCE_WEIGHTS))  # how often a collection is drawn
    objective: ObjectiveWeights = field(default_factory=ObjectiveWeights)
    synthetic: SyntheticConfig = field(default_factory=SyntheticConfig)

    def __post_init__(self) -> None:
        check_name(self.device)
        if ":" in self.device and self.devices * self.nodes > 1:
            raise UsageError(f"{self.device} is one device, not {self.devices * self.nodes}.", "Name its kind alone.")
        if self.window_frames < 11:
            raise UsageError(f"Windows of {self.window_frames} frames are too short for the deltas.", "Use 11 frames or more.")
        for names, least, remedy in ((POSITIVE, 1, "of at least 1"), (NOT_NEGATIVE, 0, "that is not negative")):
            for name in names:
                if getattr(self, name) < least:
                    raise UsageError(f"{name} is {getattr(self, name)}.", f"Give a number {remedy}.")
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


Table = dict[str, Any]
FILE_NAME = "config.json"
# What may change between the lives of a run, its weights being the same; data and start are compared by content.
FREE = ("mocap", "tracks", "filmed", "state", "start", "device", "threads", "log_every", "save_every", "validate_every")


def shipped() -> dict[str, Path]:
    """The configurations that come with the package, by name."""
    return {path.stem: path for path in Path(__file__).parent.glob("*.toml")}


def read_table(name: str) -> Table:
    """The table in a TOML file, or in a shipped one by name. Relative paths in it are meant from the file's folder.

    Raises UsageError.
    """
    path = Path(name) if Path(name).is_file() else shipped().get(name)
    if path is None:
        raise UsageError(f"There is no configuration {name}.", f"Name a TOML file, or one of ours: {', '.join(shipped())}.")
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{path} is no TOML file: {error}.", "Mend it; https://toml.io tells how TOML is written.") from error
    for key in ("mocap", "tracks", "filmed", "state", "start"):
        if isinstance(table.get(key), str):
            table[key] = str(path.parent / table[key])
    return table


def parse_assignment(text: str) -> Table:
    """``synthetic.detector.swap=0.1`` -> the nested table it stands for; a text needs no quotes. Raises UsageError."""
    key, equals, value = text.partition("=")
    for written in (value, json.dumps(value)) if equals else ():
        with suppress(tomllib.TOMLDecodeError):
            return tomllib.loads(f"{key} = {written}")
    raise UsageError(f"{text} sets nothing.", "Write KEY=VALUE, as in objective.velocity=20.")


def merge(tables: Iterable[Mapping[str, Any]]) -> Table:
    """One table of several; the later ones win, key by key."""
    merged: Table = {}
    for table in tables:
        for key, value in table.items():
            both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
            merged[key] = merge([merged[key], value]) if both else value
    return merged


def build_config(table: Mapping[str, Any]) -> TrainConfig:
    """The configuration that a table describes; what it leaves out is as :class:`TrainConfig` has it. Raises UsageError."""
    config: TrainConfig = _build(TrainConfig, table, "")
    return config


def _build(kind: type, table: Mapping[str, Any], where: str) -> Any:
    """A dataclass from a table. ``where`` is the table's dotted name with a dot behind it."""
    hints = get_type_hints(kind)
    for key in table:
        if key not in hints:
            raise UsageError(f"The configuration has no key {where}{key}.", _near(key, hints))
    for one in fields(kind):
        if one.name not in table and one.default is one.default_factory is MISSING:
            raise UsageError(f"{where}{one.name} is not set.", "Set it in the configuration or on the command line.")
    return kind(**{key: _convert(value, hints[key], f"{where}{key}") for key, value in table.items()})


def _convert(value: Any, hint: Any, name: str) -> Any:
    """A TOML value as the type that a field is annotated with. Raises UsageError."""
    origin, parts = get_origin(hint), get_args(hint)
    if NoneType in parts:  # of ``X | None``
        return None if value is None or value is False else _convert(value, parts[0], name)
    if is_dataclass(hint) and isinstance(value, Mapping):
        return _build(hint, value, f"{name}.")  # type: ignore[arg-type]
    if origin is dict and isinstance(value, Mapping):
        return {key: _convert(each, parts[1], f"{name}.{key}") for key, each in value.items()}
    if origin is tuple and isinstance(value, list) and len(value) == len(parts):
        return tuple(_convert(each, kind, name) for each, kind in zip(value, parts, strict=True))
    if hint is float and type(value) in (int, float):
        return float(value)
    if hint is Path and isinstance(value, str | Path):
        return Path(value)
    if hint in (int, str, bool) and type(value) is hint:
        return value
    raise UsageError(f"{name} is {value!r}.", f"Give it as {_described(hint)}.")


def _described(hint: Any) -> str:
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "a text", Path: "a path"}
    if get_origin(hint) is tuple:
        return f"a list of {len(get_args(hint))} values"
    return names.get(hint, "a table")


def _near(key: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(key, list(known), n=3, cutoff=0.5)
    return f"Did you mean {' or '.join(near)}?" if near else f"It knows {', '.join(known)}."


def refuse_other_config(config: TrainConfig, data: Mapping[str, Any]) -> None:
    """Raises UsageError when the run in ``config.state`` was begun with other settings or ``data`` that matter to its weights."""
    path = config.state / FILE_NAME
    if not path.exists():
        return
    try:
        before = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UsageError(f"{path} is damaged: {error}.", f"Delete it to go on, or {config.state} to begin anew.") from error
    was, now = _flat(before), _flat(json.loads(_record(config, data)))
    names = [name for name in sorted(was | now) if was.get(name) != now.get(name) and name not in FREE]
    if names:
        changes = ", ".join(f"{name} ({was.get(name, 'absent')}, now {now.get(name, 'absent')})" for name in names[:5])
        raise UsageError(
            f"The run in {config.state} was begun with other settings: {changes}{', ...' if len(names) > 5 else ''}.",
            f"Set them back, use another --name, or delete {path} to go on with the new ones regardless.",
        )


def write_config(config: TrainConfig, data: Mapping[str, Any]) -> None:
    """Writes the settings in force, and what identifies the ``data``, beside the run's state. Raises OutputError."""
    with replacing(config.state / FILE_NAME, overwrite=True) as temporary:
        temporary.write_text(_record(config, data) + "\n", encoding="utf-8")


def _record(config: TrainConfig, data: Mapping[str, Any]) -> str:
    return json.dumps(asdict(config) | {"data": dict(data)}, indent=2, default=str)


def _flat(table: Mapping[str, Any], where: str = "") -> dict[str, str]:
    """The JSON values of all leaves by their dotted names."""
    leaves: dict[str, str] = {}
    for key, value in table.items():
        leaves |= _flat(value, f"{where}{key}.") if isinstance(value, Mapping) and value else {f"{where}{key}": json.dumps(value)}
    return leaves
