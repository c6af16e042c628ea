"""The detector that looks at some frames only: where it must look at those between, and where people are if it need not."""

from collections.abc import Callable

import numpy as np
import pytest

from hmr_video.options import PeopleOptions
from hmr_video.people.detect.between import interpolated, linked, uneventful
from hmr_video.people.detect.detections import Detections
from hmr_video.people.detect.detector import Detector

POSE = np.column_stack([20 * (-1.0) ** np.arange(17), np.linspace(-60, 60, 17), np.full(17, 0.9)])


def people(*places: float, scores: float = 0.9) -> Detections:
    """Somebody 160 pixels tall at each of these x."""
    middle = np.array([[x, 100.0] for x in places]).reshape(-1, 2)
    poses = POSE + np.pad(middle, ((0, 0), (0, 1)))[:, None]
    return Detections(np.tile(middle, 2) + np.array([-40, -80, 40, 80]), np.full(len(places), scores), poses)


def test_people_who_just_move_on_need_no_look() -> None:
    assert uneventful(people(100, 400), people(405, 106))
    assert uneventful(people(), people())
    halfway = interpolated(people(100, 400), people(405, 106), 0.5)
    assert halfway.boxes[:, 0].tolist() == [63, 362.5]
    np.testing.assert_allclose(halfway.keypoints, people(103, 402.5).keypoints)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (people(100), people(100, 400)),  # somebody came
        (people(100, 400), people(100)),  # or went
        (people(100, 160), people(100, 160)),  # two met
        (people(100), people(160)),  # too fast to be the same for sure
        (people(100), people(125)),  # fast
    ],
)
def test_events_need_a_look(first: Detections, second: Detections) -> None:
    assert not uneventful(first, second)


def test_exchanged_sides_need_a_look() -> None:
    one = people(100)
    mirrored = Detections(one.boxes, one.scores, one.keypoints[:, [0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15]])
    assert not uneventful(one, mirrored)


def test_shadows_need_no_look_and_are_nowhere_between() -> None:
    shadow = people(100, 400)
    shadow.scores[1] = 0.15
    assert uneventful(people(100), shadow)
    assert len(interpolated(people(100), shadow, 0.3)) == 1
    assert linked(people(), shadow).shape == (0, 2)


@pytest.fixture
def watching(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], tuple[Detector, list[int]]]:
    """A detector of one person whose x is the picture's brightness, and the brightnesses that it looked at."""

    def make(every: int) -> tuple[Detector, list[int]]:
        looks: list[int] = []

        class Network:
            stride, engine = 32, "torch"

            def __call__(self, images, confidence, overlap):  # type: ignore[no-untyped-def]
                seen = [int(image[0, 0, 0]) for image in images]
                looks.extend(seen)
                return [people(x) for x in seen]

        monkeypatch.setattr("hmr_video.people.detect.detector.load_network", lambda *arguments: Network())
        return Detector(PeopleOptions(engine="torch", device="cpu", input_size=320), every=every), looks

    return make


def brightness(*levels: int) -> np.ndarray:
    return np.stack([np.full((200, 320, 3), level, np.uint8) for level in levels])


def test_between_looks_people_are_where_both_put_them(watching: Callable[[int], tuple[Detector, list[int]]]) -> None:
    levels = list(range(100, 124, 3))
    detector, looks = watching(3)
    found = detector(brightness(*levels))
    assert looks == [levels[index] for index in (0, 3, 6, 7)]
    every_frame = watching(1)[0](brightness(*levels))
    for one, other in zip(found, every_frame, strict=True):
        np.testing.assert_allclose(one.keypoints, other.keypoints)


def test_a_leap_is_looked_at_in_all_frames(watching: Callable[[int], tuple[Detector, list[int]]]) -> None:
    detector, looks = watching(3)
    found = detector(brightness(50, 50, 50, 50, 50, 200, 200, 200))
    assert sorted(looks) == sorted([50, 50, 200, 200, 50, 200])
    assert [int(one.boxes[0, [0, 2]].mean()) for one in found] == [50, 50, 50, 50, 50, 200, 200, 200]


def test_who_was_lost_is_looked_for_in_every_frame_for_a_while(watching: Callable[[int], tuple[Detector, list[int]]]) -> None:
    detector, looks = watching(2)
    detector(brightness(50, 50, 200))
    looks.clear()
    for _ in range(4):
        detector(brightness(200, 200, 200, 200, 200))
    assert len(looks) == 5 * 4
    looks.clear()
    detector(brightness(200, 200, 200, 200, 200))
    detector(brightness(200, 200, 200, 200, 200))
    assert len(looks) < 5 * 2
