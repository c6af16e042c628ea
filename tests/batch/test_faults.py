"""Disks that are full or read-only, inputs that go away: the documented exit code, and no half of a file."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from batch_of_texts import run_texts

from hmr_video.batch.events import EventLog
from hmr_video.batch.manifest import Manifest
from hmr_video.batch.runner import BatchOptions
from hmr_video.cli.main import run
from hmr_video.errors import OutputError

FULL = Path("/dev/full")  # takes no byte


@pytest.fixture
def keypoints(tmp_path: Path) -> list[str]:
    """The command line that converts somebody seen in three frames."""
    points = np.concatenate([np.random.default_rng(0).uniform(80, 240, (3, 17, 2)), np.full((3, 17, 1), 0.9)], -1)
    np.savez(tmp_path / "k.npz", keypoints2d=points, image_size=[320, 320], mocap_frame_rate=30.0)
    return ["convert", "--keypoints", str(tmp_path / "k.npz"), "--no-refine", "--quiet"]


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """Bytes of a file beyond ``size`` are refused, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_fills_up_leaves_nothing_behind(tmp_path: Path, keypoints: list[str]) -> None:
    output = tmp_path / "out"
    with files_up_to(100_000):  # room for the person, not for the meshes
        assert run([*keypoints, "-o", str(output), "--format", "ply"]) == 7
    assert not output.exists()
    assert run([*keypoints, "-o", str(output)]) == 0
    before = {path.name: path.read_bytes() for path in (output / "k").iterdir()}
    with files_up_to(100_000):
        assert run([*keypoints, "-o", str(output), "--format", "ply", "--overwrite"]) == 7
    assert {path.name: path.read_bytes() for path in (output / "k").iterdir()} == before


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a folder that not even root may write to")
def test_outputs_that_cannot_be_made(tmp_path: Path, keypoints: list[str]) -> None:
    (tmp_path / "file").touch()
    for output in ("/proc/out", str(tmp_path / "file"), str(tmp_path / "file" / "out")):
        assert run([*keypoints, "-o", output]) == 7
        (tmp_path / "a.mp4").touch()
        assert run(["batch", str(tmp_path), "-o", output, "--quiet"]) == 7


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
def test_a_manifest_or_log_that_cannot_grow_stops_the_run() -> None:
    with pytest.raises(OutputError, match="No space left"):
        Manifest(FULL).write("run")
    with pytest.raises(OutputError, match="--log"), EventLog(FULL) as log:
        log.write("run")


def test_an_input_that_goes_away_is_one_failure(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name, text in {"a": "remove", "b": "good", "z": "good"}.items():
        (tmp_path / "in" / f"{name}.txt").write_text(text)
    report = run_texts(tmp_path / "in", BatchOptions(tmp_path / "out", "key"))
    assert [item.outcome for item in report.items] == ["done", "done", "failed"]
    assert report.items[2].reason.endswith("z.txt does not exist.")
