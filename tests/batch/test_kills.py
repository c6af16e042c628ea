"""Batches killed at random moments: what exists is whole, and the last run leaves what an undisturbed one would have."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from batch_of_texts import run_texts

from hmr_video.batch.runner import BatchOptions

PROGRAM = Path(__file__).with_name("batch_of_texts.py")
ITEMS_PER_KILL = 5  # more than a run gets through before it is killed


def results(output: Path) -> dict[str, bytes]:
    """Every file of every result, hidden ones included."""
    files = (path for path in output.rglob("*") if path.is_file() and path.relative_to(output).parts[0] != ".batch")
    return {str(path.relative_to(output)): path.read_bytes() for path in files if path.name != "manifest.jsonl"}


def children(process: int) -> list[int]:
    """The processes that another one has started."""
    try:
        return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except OSError:  # it is gone, or this is no Linux
        return []


def size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@pytest.mark.slow
def test_killed_runs_resume_to_the_same_bytes(tmp_path: Path, pytestconfig: pytest.Config, seed: int) -> None:
    """Now the run is killed, now one of its workers, whatever they are at: starting, writing, renaming, noting it down."""
    kills, chance = pytestconfig.getoption("kills"), random.Random(seed)
    names = [f"{index:03}.txt" for index in range(ITEMS_PER_KILL * kills)]
    folder, output = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for name in names:
        (folder / name).write_text(f"slow {name}")
    whole = {f"{Path(name).stem}/{file}": text for name in names for file, text in result_of(name).items()}
    manifest = output / "manifest.jsonl"
    for _ in range(kills):
        before = size(manifest)
        process = subprocess.Popen([sys.executable, str(PROGRAM), str(folder), str(output), "2"], stderr=subprocess.PIPE)
        while size(manifest) == before and process.poll() is None:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.6))
        for victim in chance.sample(children(process.pid), 1) if chance.random() < 0.3 and children(process.pid) else []:
            os.kill(victim, signal.SIGKILL)
            time.sleep(chance.uniform(0, 0.3))
        process.kill()
        said = process.communicate()[1].decode()
        assert process.returncode == -signal.SIGKILL, said  # neither done before its time nor in trouble
        assert results(output).items() <= whole.items()
    run_texts(folder, BatchOptions(output, "key"), workers=2)
    assert results(output) == whole
    assert not [path for path in (output / ".batch").iterdir() if path.name != "lock-all"]
    finished = Counter(entry["name"] for entry in entries(manifest) if entry["event"] == "done")
    assert finished == Counter(names)  # all, and none twice


def result_of(name: str) -> dict[str, bytes]:
    return {"summary.json": b"{}", "person_01.npz": f"slow {name}".encode()}


def entries(manifest: Path) -> list[dict[str, str]]:
    """The lines of a manifest; what was being written when a kill came is no line of any meaning."""
    records = []
    for line in manifest.read_text().splitlines():
        try:
            records.append(json.loads(line))
        except ValueError:
            assert not line.endswith("}")
    return records


def test_a_torn_line_costs_one_item(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.txt").write_text("good")
    options = BatchOptions(tmp_path / "out", "key")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "manifest.jsonl").write_bytes(b'{"event": "done", "name": "a.txt", "out')
    assert [item.earlier for item in run_texts(tmp_path / "in", options).items] == [False]
    assert [item.earlier for item in run_texts(tmp_path / "in", options).items] == [True]
