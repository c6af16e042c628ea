"""Which landmark network a machine uses, and that it stays with it."""

from pathlib import Path

import pytest

from hmr_video.console import Reporter
from hmr_video.errors import AssetError, UsageError
from hmr_video.people.keypoints import choice
from hmr_video.people.keypoints.choice import choose_landmarks, settled, store_choice, stored_choice


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """A machine without a choice. What is put into the returned dictionary can be fetched."""
    fetchable: dict[str, Path] = {}

    def get(name: str, reporter: Reporter) -> Path:
        if name not in fetchable:
            raise AssetError("It is not here.", "Bring it.")
        return fetchable[name]

    monkeypatch.setenv("HMR_VIDEO_CACHE", str(tmp_path))
    monkeypatch.setattr(choice, "find_model_file", lambda name: None)
    monkeypatch.setattr(choice, "get_model_file", get)
    return fetchable


def test_the_best_that_can_be_had_is_chosen_once(machine: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HMR_VIDEO_OFFLINE")
    machine["blazepose-full"] = Path("full.tflite")
    first = choose_landmarks("auto", Reporter(quiet=True))
    assert first is not None
    assert first.name == stored_choice() == "blazepose-full"
    machine["blazepose-heavy"] = Path("heavy.tflite")  # a better one turns up later
    assert choose_landmarks("auto", Reporter(quiet=True)) == first
    named = choose_landmarks("blazepose", Reporter(quiet=True))
    assert named is not None
    assert named.path == Path("heavy.tflite")
    assert stored_choice() == "blazepose-full"


def test_without_any_the_detector_serves_and_a_hint_says_so(machine: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HMR_VIDEO_OFFLINE")
    for _ in range(2):
        reporter = Reporter(quiet=True)
        assert choose_landmarks("auto", reporter) is None
        assert "weights get blazepose-heavy" in reporter.notes[0]
        machine["blazepose-heavy"] = Path("heavy.tflite")  # could be fetched by now, but nobody said so
    monkeypatch.setattr(choice, "find_model_file", machine.get)  # `weights get` did
    found = choose_landmarks("auto", Reporter(quiet=True))
    assert found is not None
    assert found.name == stored_choice() == "blazepose-heavy"


def test_offline_nothing_is_decided(machine: dict[str, Path]) -> None:
    machine["blazepose-heavy"] = Path("heavy.tflite")
    assert choose_landmarks("auto", Reporter(quiet=True)) is None
    assert stored_choice() is None


def test_workers_of_a_batch_are_given_what_auto_means(machine: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = Reporter(quiet=True)
    assert settled("auto", quiet) == "none"
    monkeypatch.delenv("HMR_VIDEO_OFFLINE")
    machine["blazepose-full"] = Path("full.tflite")
    assert settled("auto", quiet) == settled("blazepose-full", quiet) == "blazepose-full"


def test_a_choice_that_got_lost_is_an_error_and_no_other_network(machine: dict[str, Path]) -> None:
    store_choice("blazepose-heavy")
    machine["blazepose-full"] = Path("full.tflite")
    with pytest.raises(AssetError):
        choose_landmarks("auto", Reporter(quiet=True))


def test_none_is_none_and_nonsense_is_refused(machine: dict[str, Path], tmp_path: Path) -> None:
    assert choose_landmarks("none", Reporter(quiet=True)) is None
    with pytest.raises(UsageError):
        choose_landmarks("openpose", Reporter(quiet=True))
    with pytest.raises(AssetError):
        choose_landmarks(str(tmp_path / "missing.tflite"), Reporter(quiet=True))
