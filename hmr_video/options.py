"""What a reconstruction may be told: one dataclass, documented and checked."""

from dataclasses import dataclass, field
from typing import Any

from hmr_video.errors import UsageError
from hmr_video.people.options import PeopleOptions


@dataclass(frozen=True)
class Options:
    """What a reconstruction may be told.

    Attributes:
        people: how people are found.
        weights: name or path of the model's weights.
        features: ``keypoints`` or ``resnet50`` to insist on what the model reads; ``auto`` takes what the weights need.
        body: ``open``, or the name or path of a body that the user added. The paper's model comes with its own.
        focal: focal length in pixels; None takes the source's own, else the image diagonal.
        height: the person's stature in metres, which one view cannot know; None leaves the model's guess.
        refine: fit the result to the 2D evidence (never done to the paper's model).
        hallucinate: take each frame for a photograph, whose past and future are guessed from it alone.
        world: level the result, and make people stand on one floor.
        start, end: seconds of the source; every: use every n-th frame.
        frame_rate: of sources that state none (folders of images, keypoint files), or in place of what they state.
        image_size: width and height, of keypoint files that state none.
    """

    people: PeopleOptions = field(default_factory=PeopleOptions)
    weights: str = "default"
    features: str = "auto"
    body: str = "open"
    focal: float | None = None
    height: float | None = None
    refine: bool = True
    hallucinate: bool = False
    world: bool = False
    start: float = 0.0
    end: float | None = None
    every: int = 1
    frame_rate: float | None = None
    image_size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        if self.focal is not None and not 10 <= self.focal <= 1e6:
            raise UsageError(f"A focal length of {self.focal:g} pixels is out of range.", "Give the focal length in pixels.")
        if self.height is not None and not 0.5 <= self.height <= 2.6:
            raise UsageError(f"A height of {self.height:g} m is out of range.", "Give the person's height in metres.")


def options_from(values: dict[str, Any]) -> Options:
    """Options from a flat dictionary. Raises UsageError for an unknown name."""
    own = {name for name in Options.__dataclass_fields__ if name != "people"}
    unknown = values.keys() - own - PeopleOptions.__dataclass_fields__.keys()
    if unknown:
        raise UsageError(f"There is no option called {', '.join(sorted(unknown))}.", "See hmr_video.options.Options.")
    people = PeopleOptions(**{name: value for name, value in values.items() if name not in own})
    return Options(people=people, **{name: value for name, value in values.items() if name in own})
