"""The second look at a video's people, through a network that finds coloured dots."""

import numpy as np
import pytest

from hmr_video.console import Reporter
from hmr_video.people.keypoints.landmarks import in_company, see_landmarks, within_short_gaps
from hmr_video.people.keypoints.network import Looks
from hmr_video.people.track.tracks import People, Track
from hmr_video.video import Chunk

T, SIDE, RATE = 9, 320, 30.0


class DotFinder:
    """Says that every landmark lies at the middle of the red in the crop."""

    engine, size = "test", 128

    def __init__(self) -> None:
        self.crops = 0

    def __call__(self, crops):
        points, masks = [], []
        for crop in crops:
            self.crops += 1
            masks.append(crop[..., 0] > 100)
            red = np.argwhere(crop[..., 0] > 100)
            middle = red.mean(0)[::-1] + 0.5 if len(red) else np.zeros(2)
            points.append(np.tile([*middle, 0.9 * bool(len(red))], (29, 1)))
        return Looks(np.array(points).reshape(-1, 29, 3), np.ones(len(points)), np.array(masks).reshape(-1, self.size, self.size))


class Clip:
    """Frames with a red dot that walks to the right; those after ``readable`` cannot be read again."""

    def __init__(self, readable: int = T, step: int = 4) -> None:
        self.readable, self.step = readable, step

    def chunks(self, size: int = 32):
        for start in range(0, self.readable, self.step):
            ids = np.arange(start, min(start + self.step, self.readable))
            frames = np.zeros((len(ids), SIDE, SIDE, 3), np.uint8)
            for frame, number in zip(frames, ids, strict=True):
                x, y = dot(number).astype(int)
                frame[y - 4 : y + 4, x - 4 : x + 4, 0] = 255
            yield Chunk(frames, ids, ids / RATE)


def dot(number: int) -> np.ndarray:
    return np.array([120 + 8 * number, 160])


def walker(detected: np.ndarray) -> Track:
    """A track whose detector puts all limbs near the dot, but 6 pixels too high."""
    spread = np.column_stack([np.linspace(-20, 20, 17), np.linspace(-60, 60, 17)])
    keypoints = np.stack([np.column_stack([dot(frame) + spread - [0, 6], np.full(17, 0.9)]) for frame in range(T)])
    boxes = np.stack([np.concatenate([dot(frame) - [40, 80], dot(frame) + np.array([40, 80])]) for frame in range(T)]).astype(
        float
    )
    return Track(np.arange(T), boxes, keypoints * detected[:, None, None], detected)


def people(*tracks: Track) -> People:
    return People(list(tracks), (SIDE, SIDE), RATE, np.arange(T) / RATE)


def test_each_frame_of_who_runs_is_looked_at_once_and_points_come_back_to_the_picture(monkeypatch):
    monkeypatch.setitem(globals(), "dot", lambda number: np.array([100 + 15 * number, 160]))
    finder = DotFinder()
    seen = see_landmarks(Clip(), people(walker(np.ones(T, bool))), finder, "dots", Reporter(quiet=True))
    assert seen.landmark_network == "dots"
    assert finder.crops == T
    ends = seen.tracks[0].landmarks[:, 17:, :2]
    assert ends == pytest.approx(np.stack([np.tile(dot(frame), (12, 1)) for frame in range(T)]), abs=1.5)


def test_frames_that_cannot_be_read_again_keep_the_detectors_points():
    track = walker(np.ones(T, bool))
    seen = see_landmarks(Clip(readable=5), people(track), DotFinder(), "dots", Reporter(quiet=True)).tracks[0]
    assert seen.keypoints[5:] == pytest.approx(track.keypoints[5:])
    assert not seen.landmarks[5:, 17:, 2].any()


def test_nobody_is_looked_for_in_long_gaps():
    detected = np.ones(T, bool)
    detected[1:7] = False  # 0.2 s
    finder = DotFinder()
    seen = see_landmarks(Clip(), people(walker(detected)), finder, "dots", Reporter(quiet=True)).tracks[0]
    assert finder.crops == 3
    assert not seen.landmarks[1:7, :, 2].any()
    assert within_short_gaps(np.array([1, 0, 0, 1, 0, 1], bool), 1).tolist() == [True, False, False, True, True, True]


def test_of_who_rests_some_frames_are_looked_at_and_nothing_is_made_up_in_long_gaps(monkeypatch):
    monkeypatch.setitem(globals(), "dot", lambda number: np.array([160, 160]))
    detected = np.ones(T, bool)
    whole, broken = DotFinder(), DotFinder()
    seen = see_landmarks(Clip(step=T), people(walker(detected)), whole, "dots", Reporter(quiet=True)).tracks[0]
    assert whole.crops == 5
    assert seen.landmarks[:, 17:, :2] == pytest.approx(np.full((T, 12, 2), 160.0), abs=1.5)
    detected[1:7] = False
    seen = see_landmarks(Clip(step=T), people(walker(detected)), broken, "dots", Reporter(quiet=True)).tracks[0]
    assert broken.crops == 3
    assert not seen.landmarks[1:7, :, 2].any()


def test_company_is_where_boxes_cover_each_other():
    one, other = walker(np.ones(T, bool)), walker(np.ones(T, bool))
    far = Track(other.frame_ids, other.boxes + np.array([0, 300, 0, 300]), other.landmarks, other.detected)
    late = Track(one.frame_ids[6:], one.boxes[6:], one.landmarks[6:], one.detected[6:])
    assert not any(frames.any() for frames in in_company([one, far]))
    assert in_company([one, late])[0].tolist() == [False] * 6 + [True] * 3


def test_silhouettes_are_kept_when_asked_for_and_lie_in_the_picture():
    crowd = people(walker(np.ones(T, bool)))
    seen = see_landmarks(Clip(readable=5), crowd, DotFinder(), "dots", Reporter(quiet=True), silhouettes=True).tracks[0]
    for frame in range(5):
        mask = seen.silhouettes.in_picture(frame, (SIDE, SIDE))
        assert np.argwhere(mask).mean(0)[::-1] + 0.5 == pytest.approx(dot(frame), abs=1)
        assert mask.sum() == pytest.approx(64, rel=0.3)
    assert seen.silhouettes.in_picture(5, (SIDE, SIDE)) is None
    assert see_landmarks(Clip(), crowd, DotFinder(), "dots", Reporter(quiet=True)).tracks[0].silhouettes is None
