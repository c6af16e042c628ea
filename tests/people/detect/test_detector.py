import sys
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
import torch

from hmr_video.console import Reporter
from hmr_video.errors import AssetError, NobodyFoundError, UsageError
from hmr_video.motion import Motion
from hmr_video.options import PeopleOptions
from hmr_video.people import find_people
from hmr_video.people.detect.detections import Detections, box_overlap, suppress
from hmr_video.people.detect.detector import _LOOK_EVERY, CLOSE_SIZE, IMAGE_SIZES, Detector, letterbox, sufficient_size
from hmr_video.people.detect.engine import choose_engine, load_network
from hmr_video.people.detect.opencv import import_opencv
from hmr_video.people.detect.ultralytics import import_ultralytics
from hmr_video.people.detect.weights import find_detector
from hmr_video.people.track.appearance import colour_distance, torso_colours
from hmr_video.video import open_video

SAMPLES = Path(__file__).parents[3] / "samples"


def detections(*heights: float, score: float = 0.9) -> Detections:
    boxes = np.array([[10.0, 10.0, 10.0 + 0.4 * height, 10.0 + height] for height in heights]).reshape(-1, 4)
    return Detections(boxes, np.full(len(heights), score), np.zeros((len(heights), 17, 3)))


def test_letterbox_keeps_the_shape_and_pads_to_the_stride():
    image = letterbox(np.full((360, 640, 3), 200, np.uint8), 320, 32)
    assert image.shape == (192, 320, 3)
    assert (image[:180] == 200).all()
    assert (image[180:] == 114).all()


def test_of_boxes_on_one_person_the_best_stays():
    boxes = np.array([[0, 0, 10, 10], [100, 0, 110, 10], [0, 0, 10, 12], [0, 0, 10, 30]], float)
    scores = np.array([0.5, 0.3, 0.9, 0.2])
    assert suppress(boxes, scores, 0.7).tolist() == [2, 1, 3]  # the first overlaps the third by 10 / 12
    assert suppress(boxes[:0], scores[:0], 0.7).tolist() == []


def test_the_input_is_as_large_as_the_smallest_subject_needs():
    assert sufficient_size(detections(), 1920) == 640
    assert sufficient_size(detections(700.0), 1920) == 640
    assert sufficient_size(detections(330.0), 1920) == 960
    assert sufficient_size(detections(300.0, 110.0), 1920) == 1280
    assert sufficient_size(detections(700.0, 110.0), 1920) == 640  # the second stands far behind
    assert sufficient_size(detections(110.0, score=0.2), 1920) == 640
    assert sufficient_size(detections(700.0, 690.0), 1920, closely=True) == CLOSE_SIZE
    assert sufficient_size(detections(700.0, 110.0), 1920, closely=True) == 640  # the second would be lost


def test_small_people_are_looked_for_every_few_seconds(monkeypatch):
    class Blind:
        """A network that sees nobody, and remembers the widths of what it was shown."""

        stride, engine = 32, "torch"
        widths: ClassVar[list[int]] = []

        def __call__(self, images, confidence, overlap):
            seen = [image.shape[1] for image in images]
            self.widths += seen
            return [detections()] * len(seen)

    monkeypatch.setattr("hmr_video.people.detect.detector.load_network", lambda *arguments: Blind())
    detector = Detector(PeopleOptions(engine="torch", device="cpu"))
    for _ in range(3 * _LOOK_EVERY // 16):
        assert len(detector(np.zeros((16, 90, 160, 3), np.uint8))) == 16
    assert Blind.widths.count(IMAGE_SIZES[-1]) == 3
    assert Blind.widths.count(IMAGE_SIZES[0]) == 3 * _LOOK_EVERY


def test_the_input_shrinks_when_small_people_have_gone(monkeypatch):
    class Shots:
        """A network that sees somebody of 20 lines in 160 pixels' width while the picture is dark, of 80 when it is bright."""

        stride, engine = 32, "torch"
        widths: ClassVar[list[int]] = []

        def __call__(self, images, confidence, overlap):
            found = []
            for image in images:
                self.widths.append(image.shape[1])
                tall = (20 if image[0, 0, 0] < 100 else 80) * image.shape[1] / 160
                found.append(detections(tall))
            return found

    monkeypatch.setattr("hmr_video.people.detect.detector.load_network", lambda *arguments: Shots())
    detector = Detector(PeopleOptions(engine="torch", device="cpu"))
    for brightness in (0, 0, 200, 200):
        detector(np.full((4, 90, 160, 3), brightness, np.uint8))
    large, small = IMAGE_SIZES[-1], IMAGE_SIZES[0]
    assert Shots.widths == [large] + 12 * [large] + [large] + 4 * [small]


def test_colours_tell_shirts_apart():
    frame = np.zeros((200, 200, 3), np.uint8)
    frame[:, 100:] = (250, 30, 30)
    people = Detections(np.array([[0, 0, 90, 200], [5, 0, 95, 200], [105, 0, 195, 200.0]]), np.ones(3), np.zeros((3, 17, 3)))
    colours = torso_colours(frame, people)
    np.testing.assert_allclose((colours**2).sum(1), 1.0)
    assert colour_distance(colours[0], colours[1]) == pytest.approx(0.0)
    assert colour_distance(colours[0], colours[2]) == pytest.approx(1.0)
    assert torso_colours(frame, detections()).shape == (0, 64)


@pytest.mark.parametrize(
    "options",
    [{"engine": "tpu"}, {"tracker": "sort"}, {"people": "0"}, {"people": "some"}, {"confidence": 1.5}, {"input_size": 3}],
)
def test_meaningless_options(options):
    with pytest.raises(UsageError):
        PeopleOptions(**options)


def test_engine_choice(monkeypatch):
    assert choose_engine("torch", "cpu") == ("torch", "cpu")
    monkeypatch.setattr("hmr_video.people.detect.engine.util.find_spec", lambda name: None)
    assert choose_engine("auto", "cpu") == ("torch", "cpu")
    with pytest.raises(AssetError, match="not installed"):
        choose_engine("openvino", "cpu")
    monkeypatch.setattr("hmr_video.people.detect.engine.util.find_spec", lambda name: object())
    assert choose_engine("auto", "cpu") == ("openvino", "cpu")


def test_missing_and_wrong_weights(tmp_path, monkeypatch):
    monkeypatch.setenv("HMR_VIDEO_CACHE", str(tmp_path))
    with pytest.raises(AssetError, match="does not exist"):
        find_detector(str(tmp_path / "mine.pt"))
    monkeypatch.setenv("HMR_VIDEO_OFFLINE", "1")
    with pytest.raises(AssetError, match="could not be downloaded"):
        find_detector("yolo11x-pose")
    monkeypatch.setattr("hmr_video.assets._in_distribution", lambda model: [])
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "yolo11n-pose.pt").write_bytes(b"something else")
    with pytest.raises(AssetError, match="weights get yolo11n-pose"):
        find_detector("yolo11n-pose")


def test_a_missing_system_library_has_a_remedy(monkeypatch):
    class Broken:
        def find_spec(self, name, path=None, target=None):
            if name == "cv2":
                raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")

    monkeypatch.delitem(sys.modules, "cv2", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(AssetError) as caught:
        import_opencv()
    assert "libgl1 libglib2.0-0" in caught.value.remedy


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["torch", "openvino"])
def test_nobody_in_a_wall_and_not_a_word_said(tmp_path, monkeypatch, capfd, engine):
    pytest.importorskip("openvino" if engine == "openvino" else "torch")
    monkeypatch.setenv("HMR_VIDEO_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    from PIL import Image

    Image.new("RGB", (320, 240), (120, 110, 100)).save(tmp_path / "wall.png")
    reporter = Reporter(quiet=True)
    with pytest.raises(NobodyFoundError):
        find_people(open_video(tmp_path / "wall.png", reporter), PeopleOptions(engine=engine), reporter)
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "")
    assert {path.name for path in tmp_path.iterdir()} == {"wall.png", "cache"}


@pytest.mark.slow
def test_engines_agree(tmp_path, monkeypatch):
    """On a frame with two people, and on noise, where anything may be found anywhere, at the edges too; in float32."""
    pytest.importorskip("openvino")
    monkeypatch.setenv("HMR_VIDEO_CACHE", str(tmp_path))
    monkeypatch.setattr("hmr_video.people.detect.openvino.has_bfloat16", lambda: False)
    weights = find_detector("yolo11n-pose")
    first, second = (load_network(weights, engine, "cpu") for engine in ("torch", "openvino"))
    assert first.stride == second.stride == 32
    frame = next(open_video(SAMPLES / "two_crossing.mp4", Reporter(quiet=True)).chunks(1)).frames[0]
    noise = np.random.default_rng(0).integers(0, 256, (96, 160, 3), dtype=np.uint8)
    for image, confidence, least in ((letterbox(frame, 640, 32), 0.1, 2), (noise, 0.001, 1)):
        (expected,), (found,) = (network([image], confidence, 0.7) for network in (first, second))
        sure = np.flatnonzero(expected.scores > 2 * confidence)
        assert len(sure) >= least
        for index in sure:
            same = box_overlap(expected.boxes[index], found.boxes).argmax()
            np.testing.assert_allclose(found.scores[same], expected.scores[index], rtol=5e-4)
            np.testing.assert_allclose(found.boxes[same], expected.boxes[index], atol=0.01)
            np.testing.assert_allclose(found.keypoints[same, :, :2], expected.keypoints[index, :, :2], atol=0.01)


@pytest.mark.slow
def test_bfloat16_costs_no_accuracy(monkeypatch):
    """Single points differ, now and then grossly; how far the points of many frames are from the truth does not."""
    pytest.importorskip("openvino")
    weights = find_detector("yolo11n-pose")
    errors = []
    for precision in ("of this processor", "float32"):
        if precision == "float32":
            monkeypatch.setattr("hmr_video.people.detect.openvino.has_bfloat16", lambda: False)
        errors.append(errors_on_the_samples(load_network(weights, "openvino", "cpu")))
    (found, exact), missed = errors, [np.isinf(one).mean() for one in errors]
    assert np.median(found) == pytest.approx(np.median(exact), rel=0.05)
    assert (found < 0.05).mean() == pytest.approx((exact < 0.05).mean(), abs=0.02)
    assert missed[0] == pytest.approx(missed[1], abs=0.02)


def errors_on_the_samples(network):
    """How far each limb point of each third frame is from the truth, in box heights; infinitely far if the person is missed."""
    errors = []
    for clip in sorted(SAMPLES.glob("*.mp4")):
        people = [Motion.load(file) for file in sorted(SAMPLES.glob(f"{clip.stem}*.npz"))]
        frames = np.concatenate([chunk.frames for chunk in open_video(clip, Reporter(quiet=True)).chunks()])[::3]
        scale = 640 / max(frames.shape[1:3])
        for index, found in enumerate(network((letterbox(frame, 640, network.stride) for frame in frames), 0.25, 0.7)):
            for person in people:
                box, points = person.boxes[3 * index] * scale, person.keypoints2d[3 * index, 5:, :2] * scale
                overlaps = box_overlap(box, found.boxes)
                if len(overlaps) == 0 or overlaps.max() < 0.3:
                    errors += [np.inf] * len(points)
                    continue
                distance = np.linalg.norm(found.keypoints[overlaps.argmax(), 5:, :2] - points, axis=-1)
                errors += list(distance / (box[3] - box[1]))
    return np.array(errors)


@pytest.mark.slow
def test_another_kind_of_network_is_for_torch_alone(tmp_path, monkeypatch):
    pytest.importorskip("openvino")
    monkeypatch.setenv("HMR_VIDEO_CACHE", str(tmp_path))
    import_ultralytics()
    from ultralytics import YOLO

    torch.save({"model": YOLO("yolo26n-pose.yaml", task="pose").model}, tmp_path / "other.pt")
    with pytest.raises(AssetError, match="another kind") as caught:
        load_network(tmp_path / "other.pt", "openvino", "cpu")
    assert "--detector-engine torch" in caught.value.remedy
    assert load_network(tmp_path / "other.pt", "torch", "cpu")([np.zeros((64, 64, 3), np.uint8)], 0.9, 0.7)[0].keypoints.shape[
        1:
    ] == (17, 3)
