"""The key by which a later run knows that it would do the same."""

from dataclasses import replace
from pathlib import Path

import pytest

from hmr_video.batch import converter, labeller
from hmr_video.batch.converter import options_key
from hmr_video.batch.labeller import labelling_key
from hmr_video.options import Options, PeopleOptions


@pytest.fixture
def detector(tmp_path: Path) -> Path:
    path = tmp_path / "my.pt"
    path.write_bytes(b"first")
    return path


@pytest.mark.parametrize("key", [lambda options: options_key(options, ("glb",)), labelling_key])
def test_the_detector_s_bytes_and_what_runs_it_count(key, detector: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = Options(people=PeopleOptions(detector=str(detector)))

    def on(engine: str, device: str) -> str:
        for module in (converter, labeller):
            monkeypatch.setattr(module, "choose_engine", lambda *_: (engine, device))
        return key(options)

    first = on("openvino", "cpu")
    assert on("openvino", "cpu") == first
    assert len({first, on("torch", "cpu"), on("torch", "cuda"), on("torch", "mps")}) == 4
    assert on("torch", "cuda") == on("torch", "cuda:1")  # one kind of device
    detector.write_bytes(b"second")
    assert on("openvino", "cpu") != first


def test_a_cluster_s_machines_may_have_what_this_one_has_not(detector: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(converter, "choose_engine", lambda *_: pytest.fail("asked this machine"))
    options = Options(people=PeopleOptions(detector=str(detector), device="cuda:7"))
    assert options_key(options, (), elsewhere=True) != options_key(
        Options(people=replace(options.people, device="cpu")), (), True
    )


def test_what_is_spelled_out_is_what_would_have_been_taken(detector: Path) -> None:
    people = PeopleOptions(detector=str(detector), engine="torch", device="cpu")
    assert options_key(Options(people=people), ()) == options_key(Options(people=replace(people, device="auto")), ())
    assert options_key(Options(people=people), ()) != options_key(Options(people=people, height=1.8), ())


def test_the_landmark_network_s_bytes_count(tmp_path: Path) -> None:
    network = tmp_path / "own.tflite"
    settings = Options(people=PeopleOptions(landmarks=str(network)))
    keys = []
    for content in (b"one", b"other", b"one"):
        network.write_bytes(content)
        keys.append(options_key(settings, ()))
    assert keys[0] == keys[2] != keys[1]
    assert options_key(Options(people=PeopleOptions(landmarks="none")), ()) not in keys
