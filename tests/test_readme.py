"""The README's commands are real: each is parsed by the program, and those of a first hour are run on a sample."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main

from hmr_video.cli.main import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^hmr-video (.*?)(?:\s+#.*)?$", README, re.MULTILINE)
RUN = ("export", "render", "view", "hallucinate", "doctor")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_names_options_that_exist(command: str) -> None:
    name, *arguments = command.split()
    known = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]
    known = getattr(known, "commands", {}).get(arguments[0], known) if arguments else known  # of a group, the command in it
    options = {option for parameter in known.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {argument for argument in arguments if argument.startswith("-")} <= options


def test_the_first_command_is_the_one_that_ci_runs() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for step in re.findall(r"^python3 -m venv .*$", README, re.MULTILINE):
        for part in step.split(" && "):
            assert part in script


@pytest.mark.slow
def test_the_first_hour_works_as_written(tmp_path: Path) -> None:
    """In a folder with a clip and a photograph: convert, then everything that the README shows to do with the result."""
    clip = tmp_path / "clip.mp4"
    shutil.copy(ROOT / "samples" / "one_person.mp4", clip)
    _photograph(clip, tmp_path / "photo.jpg")
    _run(["convert", "clip.mp4", "--end", "0.4"], tmp_path)
    for command in COMMANDS:
        name, *arguments = command.split()
        if name in RUN:
            _run([name, *arguments, *(["--no-open"] if name == "view" else [])], tmp_path)
    assert (tmp_path / "hmr-out" / "clip" / "overlay.mp4").stat().st_size > 1000
    assert (tmp_path / "hmr-out" / "clip" / "view.html").stat().st_size > 100_000
    assert (tmp_path / "hmr-out" / "clip" / "amass" / "person_01_amass.npz").exists()
    assert (tmp_path / "hmr-out" / "photo" / "person_01.npz").exists()


def _run(arguments: list[str], folder: Path) -> None:
    program = [sys.executable, "-m", "hmr_video", *arguments]
    done = subprocess.run(program, cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{arguments}: {done.stderr}"


def _photograph(clip: Path, photo: Path) -> None:
    from PIL import Image

    from hmr_video.console import Reporter
    from hmr_video.video import open_video

    Image.fromarray(next(open_video(clip, Reporter(quiet=True)).chunks(1)).frames[0]).save(photo)
