"""A folder as people have them: good videos, damaged ones, empty ones, and workers that are killed while it is converted."""

import json
import os
import random
import signal
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from hmr_video.checkpoints.saving import save_model
from hmr_video.console import Reporter
from hmr_video.model import HMMR
from hmr_video.model.presets import hmr_video_default
from hmr_video.video import open_video
from hmr_video.video.writer import VideoWriter

SAMPLE = Path(__file__).parents[2] / "samples" / "one_person.mp4"
FRAMES, SIZE = 12, (160, 120)
EXPECTED = {"good": "done", "nobody": "nobody", "headless": "failed", "empty": "failed", "huge": "failed"}
ORDER = ("good", "good", "headless", "good", "empty", "nobody", "huge", "good", "good")
HUGE = b"GIF89a" + struct.pack("<HHBBB", 65535, 65535, 0, 0, 0) + b"," + struct.pack("<HHHHB", 0, 0, 65535, 65535, 0) + b"\x08\0;"


def film(path: Path, frames: list[np.ndarray]) -> None:
    with VideoWriter(path, 15.0, SIZE) as writer:
        for frame in frames:
            writer.write(frame)


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config, seed: int) -> Path:
    """So many small videos as --videos says, each good one cut from another place of the sample; the names tell the kinds."""
    folder, chance = tmp_path_factory.mktemp("videos"), random.Random(seed)
    frames = [frame for chunk in open_video(SAMPLE, Reporter(quiet=True)).chunks() for frame in chunk.frames[::2]]
    frames = [cv2.resize(frame[:, 210:930], SIZE, interpolation=cv2.INTER_AREA) for frame in frames]
    for index in range(pytestconfig.getoption("videos")):
        kind = ORDER[index % len(ORDER)]
        path = folder / f"{index % 3}" / f"{index:02}_{kind}.mp4"
        path.parent.mkdir(exist_ok=True)
        at = chance.randrange(len(frames) - FRAMES)
        if kind == "empty":
            path.touch()
        elif kind == "huge":
            path.with_suffix(".gif").write_bytes(HUGE)
        elif kind == "nobody":
            film(path, [np.full((SIZE[1], SIZE[0], 3), 20 * index % 256, np.uint8)] * FRAMES)
        else:
            film(path, frames[at : at + FRAMES])
            if kind == "headless":
                path.write_bytes(path.read_bytes()[400:])
    return folder


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "untrained.safetensors"
    save_model(path, HMMR(hmr_video_default(width=8, blocks=1)), {"name": "untrained"})
    return path


def local_workers(run: int) -> list[int]:
    """The worker processes of a run."""
    import psutil

    return [child.pid for child in psutil.Process(run).children() if "spawn_main" in " ".join(child.cmdline())]


def actors(run: int) -> list[int]:
    """The workers on the simulated machines, which this process has started."""
    import psutil

    below = psutil.Process().children(recursive=True)
    return [child.pid for child in below if any("_Actor" in word for word in child.cmdline())]


def finished(manifest: Path) -> int:
    """How many items are through."""
    text = manifest.read_text() if manifest.exists() else ""
    return sum(f'"event": "{outcome}"' in line for line in text.splitlines() for outcome in ("done", "nobody", "failed"))


def convert_under_fire(
    command: list[str], output: Path, total: int, victims: Callable[[int], list[int]], chance: random.Random
) -> str:
    """Runs a batch and kills a worker now and then, spread over the work; returns the report."""
    kills = max(1, total // 6)
    process = subprocess.Popen([sys.executable, "-m", "hmr_video", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    for kill in range(kills):
        while finished(output / "manifest.jsonl") < total * kill // kills and process.poll() is None:
            time.sleep(0.05)
        time.sleep(chance.uniform(0, 1))
        while process.poll() is None:
            try:
                os.kill(chance.choice(victims(process.pid)), signal.SIGKILL)
                break
            except (IndexError, OSError):  # none has been started yet, or it was just replaced
                time.sleep(0.05)
    said, errors = process.communicate()
    assert process.returncode == 5, errors.decode()
    return said.decode()


def check(videos: Path, output: Path, said: str) -> None:
    """All good ones are there, none was done twice, and what the report says is so."""
    report = json.loads(said)
    items = {Path(item["source"]).stem: item for item in report["items"]}
    assert {name: item["outcome"] for name, item in items.items()} == {name: EXPECTED[name.split("_")[1]] for name in items}
    assert len(items) == report["total"] == sum(path.is_file() for path in videos.rglob("*"))
    for outcome, count in Counter(item["outcome"] for item in items.values()).items():
        assert report[outcome] == count
    good = {name: Path(item["output"]) for name, item in items.items() if item["outcome"] == "done"}
    assert {path.parent for path in output.rglob("summary.json")} == set(good.values())
    for name, folder in good.items():
        summary = json.loads((folder / "summary.json").read_text())
        assert items[name]["frames"] == summary["frames"] == FRAMES
        assert items[name]["people"] == len(summary["people"]) == len(list(folder.glob("person_*.npz"))) > 0
    assert all(item["reason"] for item in items.values() if item["outcome"] != "done")
    events = [json.loads(line) for line in (output / "manifest.jsonl").read_text().splitlines()]
    ended = Counter(event["name"] for event in events if event["event"] in ("done", "nobody", "failed"))
    assert len(ended) == len(items)
    assert set(ended.values()) == {1}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="finds the workers as Linux tells them")
@pytest.mark.parametrize("engine", ["local", "ray"])
def test_a_mixed_folder_survives_killed_workers(
    tmp_path: Path, videos: Path, weights: Path, seed: int, engine: str, request: pytest.FixtureRequest
) -> None:
    command = ["batch", str(videos), "-o", str(tmp_path / "out"), "--weights", str(weights), "--no-refine", "--json", "--quiet"]
    total = sum(path.is_file() for path in videos.rglob("*"))
    if engine == "ray":
        address = request.getfixturevalue("cluster")
        command += ["--engine", "ray", "--address", address, "--cpus-per-worker", "1"]
    else:
        command += ["--workers", "2"]
    victims = actors if engine == "ray" else local_workers
    said = convert_under_fire(command, tmp_path / "out", total, victims, random.Random(seed))
    check(videos, tmp_path / "out", said)
