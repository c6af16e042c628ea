"""`hmr-video batch` on real video: converted, skipped, interrupted."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hmr_video.checkpoints.saving import save_model
from hmr_video.cli import main
from hmr_video.model import HMMR
from hmr_video.model.presets import hmr_video_default

CLIP = Path(__file__).parents[2] / "samples" / "one_person.mp4"
PROGRAM = """
import signal
from hmr_video.cli.main import main

signal.signal(signal.SIGINT, signal.default_int_handler)  # of a background job it is ignored
main()
"""


@pytest.fixture
def command(tmp_path: Path) -> list[str]:
    """A batch over one good clip and an empty file, by an untrained model."""
    folder = tmp_path / "in"
    (folder / "day").mkdir(parents=True)
    shutil.copy(CLIP, folder / "day" / "walk.mp4")
    (folder / "empty.mp4").touch()
    save_model(tmp_path / "m.safetensors", HMMR(hmr_video_default(width=8, blocks=1)), {"name": "untrained"})
    weights = str(tmp_path / "m.safetensors")
    return ["batch", str(folder), "-o", str(tmp_path / "out"), "--weights", weights, "--end", "0.2", "--no-refine", "-f", "csv"]


def test_a_dry_run_writes_nothing(tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run([*command, "--dry-run"]) == 0
    assert [line.rsplit("/", 1)[1] for line in capsys.readouterr().out.splitlines()] == ["walk", "empty"]
    assert not (tmp_path / "out").exists()
    assert main.run([*command, "--address", "auto"]) == 2
    assert main.run(["batch", str(tmp_path / "nothing")]) == 3


@pytest.mark.slow
def test_videos_are_converted_once(tmp_path: Path, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    never_done = Path(shutil.copy(CLIP, tmp_path / "in" / "later.mp4"))
    interrupted = subprocess.Popen([sys.executable, "-c", PROGRAM, *command])
    while not (tmp_path / "out" / "manifest.jsonl").exists() and interrupted.poll() is None:
        time.sleep(0.05)
    interrupted.send_signal(signal.SIGINT)
    assert interrupted.wait() == 130
    never_done.unlink()
    assert {path.name for path in (tmp_path / "out" / ".batch").iterdir()} <= {"lock-all"}

    assert main.run([*command, "--json"]) == 5
    report = json.loads(capsys.readouterr().out)
    assert [(Path(item["output"]).name, item["outcome"]) for item in report["items"]] == [("walk", "done"), ("empty", "failed")]
    written = {path.name for path in (tmp_path / "out" / "day" / "walk").iterdir()}
    assert {"person_01.npz", "person_01.csv", "summary.json"} <= written
    assert main.run([*command, "--json"]) == 5
    assert json.loads(capsys.readouterr().out)["earlier"] == 2
