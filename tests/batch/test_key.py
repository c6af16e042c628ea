"""What makes a batch do its work again: other options, other bytes of any network, another engine."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from hmr_video.batch.converter import options_key
from hmr_video.console import Reporter
from hmr_video.options import Options
from hmr_video.people import PeopleOptions

QUIET = Reporter(quiet=True)


@pytest.fixture
def options(tmp_path: Path) -> Options:
    """Networks in files of one's own, which are hashed and not run."""
    for name in ("mine.pt", "mine.tflite"):
        (tmp_path / name).write_bytes(b"layers")
    return Options(PeopleOptions(detector=str(tmp_path / "mine.pt"), landmarks=str(tmp_path / "mine.tflite"), device="cpu"))


@pytest.mark.parametrize("name", ["mine.pt", "mine.tflite"])
def test_bytes_count(options: Options, tmp_path: Path, name: str) -> None:
    before = options_key(options, ("glb",), QUIET)
    shutil.copy(tmp_path / name, tmp_path / "copy")
    assert options_key(options, ("glb",), QUIET) == before
    (tmp_path / name).write_bytes(b"other layers")
    assert options_key(options, ("glb",), QUIET) != before
    shutil.copy(tmp_path / "copy", tmp_path / name)
    assert options_key(options, ("glb",), QUIET) == before


def test_the_engine_counts_and_not_its_name(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = []
    for engine in (("openvino", "cpu"), ("torch", "cpu"), ("torch", "cuda")):
        monkeypatch.setattr("hmr_video.batch.converter.choose_engine", lambda wanted, device, engine=engine: engine)
        keys.append(options_key(options, (), QUIET))
    assert len(set(keys)) == 3


def test_options_and_formats_count(options: Options) -> None:
    keys = {options_key(options, formats, QUIET) for formats in ((), ("glb",), ("glb", "bvh"), ("bvh", "glb"))}
    assert len(keys) == 3
    assert options_key(replace(options, refine=False), (), QUIET) not in keys
