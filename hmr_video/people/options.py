"""`PeopleOptions`: how people are found."""

from dataclasses import dataclass

from hmr_video.device import check_name
from hmr_video.errors import UsageError
from hmr_video.people.keypoints.choice import check_choice

ENGINES = ("auto", "openvino", "torch")
TRACKERS = ("bytetrack", "botsort")


@dataclass(frozen=True)
class PeopleOptions:
    """How people are detected, tracked and chosen.

    Attributes:
        detector: name or path of YOLO pose weights. The default comes with the installation.
        engine: ``openvino``, ``torch``, or ``auto``: OpenVINO on a CPU where it is installed, else torch.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` (the N-th GPU, from 0) or ``mps``.
        tracker: ``bytetrack``, or ``botsort``, which also follows a camera that zooms or rolls and is slower.
        landmarks: the network that looks closely at each person: ``blazepose``, ``blazepose-full``, ``rtmpose``, a file,
            ``none`` for the detector's own points, or ``auto``: what this machine chose at first, see
            `hmr_video.people.keypoints.choice`.
        people: ``all``, ``largest``, or how many of the largest to keep.
        confidence: detections below are ignored; low, because the tracker keeps a person through faint frames.
        image_size: longest side of the detector's input in pixels; None chooses by how small people appear.
    """

    detector: str = "yolo11n-pose"
    engine: str = "auto"
    device: str = "auto"
    tracker: str = "bytetrack"
    landmarks: str = "auto"
    people: str = "all"
    confidence: float = 0.1
    image_size: int | None = None

    def __post_init__(self) -> None:
        check_name(self.device)
        if self.engine not in ENGINES:
            raise UsageError(f"There is no engine {self.engine}.", f"Choose one of {', '.join(ENGINES)}.")
        if self.tracker not in TRACKERS:
            raise UsageError(f"There is no tracker {self.tracker}.", f"Choose one of {', '.join(TRACKERS)}.")
        check_choice(self.landmarks)
        if self.people not in ("all", "largest") and not (self.people.isdecimal() and int(self.people) > 0):
            raise UsageError(f"--people {self.people} means nothing.", "Give all, largest, or a number above 0.")
        if not 0 < self.confidence < 1:
            raise UsageError(f"A confidence of {self.confidence} is out of range.", "Give a number between 0 and 1.")
        if self.image_size is not None and not 64 <= self.image_size <= 4096:
            raise UsageError(f"A detector input of {self.image_size} pixels is out of range.", "Give 64 to 4096.")

    @property
    def limit(self) -> int | None:
        """How many people to keep, None for all."""
        return {"all": None, "largest": 1}[self.people] if self.people in ("all", "largest") else int(self.people)
