"""All that a reconstruction may be told: grouped, documented, checked. The command line takes its options from these fields."""

import os
from collections.abc import Callable
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from hmr_video.device import check_name
from hmr_video.errors import UsageError

ENGINES = ("auto", "openvino", "torch")
TRACKERS = ("bytetrack", "botsort")
FEATURES = ("auto", "keypoints", "resnet50")
LANDMARKS = ("auto", "blazepose", "blazepose-full", "rtmpose", "none")
LANDMARK_FILES = (".tflite", ".onnx")


def parse_size(value: str) -> tuple[int, int]:
    """``1280x720`` -> (1280, 720). Raises UsageError."""
    width, _, height = value.lower().partition("x")
    if not (width.isdecimal() and height.isdecimal() and int(width) > 0 and int(height) > 0):
        raise UsageError(f"{value} is no image size.", "Write it as 1280x720.")
    return int(width), int(height)


def _option(
    default: Any, help: str, *, flag: str | None = None, unset: str | None = None, parse: Callable[[str], Any] | None = None
) -> Any:
    """A field that is an option too: how its help reads, its ``flag`` where that is not its name, what stands for no value
    (``unset``), and what makes its value of the user's text."""
    return field(default=default, metadata={"help": help, "flag": flag, "unset": unset, "parse": parse})


@dataclass(frozen=True)
class PeopleOptions:
    """How people are detected, tracked and chosen. Raises UsageError for values that mean nothing.

    Attributes:
        people: ``all``, ``largest``, or how many of the largest to keep.
        detector: name or path of YOLO pose weights. The default comes with the installation.
        tracker: ``bytetrack``, or ``botsort``, which also follows a camera that zooms or rolls and is slower.
        landmarks: the network that looks closely at each person: ``blazepose``, ``blazepose-full``, a file, ``none`` for the
            detector's own points, or ``auto``: what this machine chose at first, see `hmr_video.people.keypoints.choice`.
        silhouettes: keep each person's, as the landmark network sees it.
        engine: ``openvino``, ``torch``, or ``auto``: OpenVINO on a CPU where it is installed, else torch.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` (the N-th GPU, from 0) or ``mps``.
        confidence: detections below are ignored; low, because the tracker keeps a person through faint frames.
        input_size: longest side of the detector's input in pixels; None chooses by how small people appear.
    """

    people: str = _option("all", "Whom to keep: all, largest, or how many of the largest.")
    detector: str = _option(
        "yolo11n-pose",
        "YOLO pose weights by name or path; yolo11x-pose finds more and is slower.",
        parse=os.path.expanduser,
    )
    tracker: str = _option("bytetrack", "bytetrack, or botsort for a camera that zooms or rolls.")
    landmarks: str = _option(
        "auto",
        f"What looks closely at each person: {', '.join(LANDMARKS)}, or a {' or '.join(LANDMARK_FILES)} file.",
        parse=os.path.expanduser,
    )
    silhouettes: bool = _option(
        False, "Keep each person's silhouette in the NPZ, as the landmark network sees it.", flag="--silhouettes"
    )
    engine: str = _option("auto", "What runs the detector: auto, openvino or torch.", flag="--detector-engine")
    device: str = _option("auto", "auto, cpu, cuda, cuda:1 (the second GPU) or mps.")
    confidence: float = 0.1
    input_size: int | None = None

    def __post_init__(self) -> None:
        check_name(self.device)
        _must_be("engine", self.engine, ENGINES)
        _must_be("tracker", self.tracker, TRACKERS)
        check_landmarks(self.landmarks)
        if self.silhouettes and self.landmarks == "none":
            raise UsageError("No landmark network, no silhouettes.", "Leave --landmarks none or --silhouettes out.")
        if self.people not in ("all", "largest") and not (self.people.isdecimal() and int(self.people) > 0):
            raise UsageError(f"--people {self.people} means nothing.", "Give all, largest, or a number above 0.")
        if not 0 < self.confidence < 1:
            raise UsageError(f"A confidence of {self.confidence} is out of range.", "Give a number between 0 and 1.")
        if self.input_size is not None and not 64 <= self.input_size <= 4096:
            raise UsageError(f"A detector input of {self.input_size} pixels is out of range.", "Give 64 to 4096.")

    @property
    def limit(self) -> int | None:
        """How many people to keep, None for all."""
        return {"all": None, "largest": 1}[self.people] if self.people in ("all", "largest") else int(self.people)


@dataclass(frozen=True)
class Options:
    """What a reconstruction may be told. Raises UsageError for values that mean nothing.

    Attributes:
        people: how people are found.
        refine: fit the result to the 2D evidence (never done to the paper's model).
        height: the person's stature in metres, which one view cannot know; None leaves the model's guess.
        focal: focal length in pixels; None takes the source's own, else the image diagonal.
        world: level the result, and make people stand on one floor.
        body: ``open``, or the name or path of a body that the user added. The paper's model comes with its own.
        weights: name or path of the model's weights.
        features: ``keypoints`` or ``resnet50`` to insist on what the model reads; ``auto`` takes what the weights need.
        start, end: seconds of the source; every: use every n-th frame.
        frame_rate: of sources that state none (folders of images, keypoint files), or in place of what they state.
        image_size: width and height in pixels, of keypoint files that state none.
        hallucinate: take each frame for a photograph, whose past and future are guessed from it alone.
    """

    people: PeopleOptions = field(default_factory=PeopleOptions)
    refine: bool = _option(True, "Fit the result to the 2D evidence.", flag="--refine/--no-refine")
    height: float | None = _option(None, "The person's height in metres, which fixes the scale.")
    focal: float | None = _option(None, "Focal length in pixels.", unset="the file's own, else the image diagonal")
    world: bool = _option(False, "Level the result: y up, feet that stand on the floor at y = 0.", flag="--world")
    body: str = _option("open", "open, or a body that you have added.", parse=os.path.expanduser)
    weights: str = _option("default", "Weights of the model: a name or a path.", parse=os.path.expanduser)
    features: str = _option("auto", "keypoints or resnet50, to insist on it; auto is what the weights read.")
    start: float = _option(0.0, "Begin at this second of the video.")
    end: float | None = _option(None, "End at this second of the video.")
    every: int = _option(1, "Use every n-th frame.")
    frame_rate: float | None = _option(None, "Frames per second, in place of what inputs state or do not.")
    image_size: tuple[int, int] | None = _option(
        None, "WIDTHxHEIGHT in pixels, of keypoint files that state none.", parse=parse_size
    )
    hallucinate: bool = False

    def __post_init__(self) -> None:
        _must_be("features", self.features, FEATURES)
        if self.focal is not None and not 10 <= self.focal <= 1e6:
            raise UsageError(f"A focal length of {self.focal:g} pixels is out of range.", "Give the focal length in pixels.")
        if self.height is not None and not 0.5 <= self.height <= 2.6:
            raise UsageError(f"A height of {self.height:g} m is out of range.", "Give the person's height in metres.")


def option_fields() -> list[Field[Any]]:
    """Every field that is an option of the command line, those about people first."""
    return [one for group in (PeopleOptions, Options) for one in fields(group) if "help" in one.metadata]


def options_from(values: dict[str, Any]) -> Options:
    """Options from a flat dictionary. Raises UsageError for an unknown name."""
    about_people, others = ({one.name for one in fields(group)} for group in (PeopleOptions, Options))
    unknown = values.keys() - about_people - others
    if unknown:
        raise UsageError(f"There is no option called {', '.join(sorted(unknown))}.", "See hmr_video.options.Options.")
    people = PeopleOptions(**{name: value for name, value in values.items() if name in about_people})
    return Options(people=people, **{name: value for name, value in values.items() if name not in about_people})


def check_landmarks(wanted: str) -> None:
    """Raises UsageError for what is neither a known name nor looks like the file of a network."""
    if wanted not in LANDMARKS and Path(wanted).suffix not in LANDMARK_FILES:
        raise UsageError(
            f"There are no landmarks called {wanted}.",
            f"Choose one of {', '.join(LANDMARKS)}, or name a {' or '.join(LANDMARK_FILES)} file.",
        )


def _must_be(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        plural = name.endswith("s")
        raise UsageError(f"There {'are' if plural else 'is'} no {name} {value}.", f"Choose one of {', '.join(known)}.")
