"""Nothing is sent anywhere: whole commands, the first of an installation among them, never reach for the network."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CLIP = Path(__file__).parents[2] / "samples" / "one_person.mp4"

# Python runs a module of this name at the start of every process, workers included. It notes and forbids what would leave the
# machine, before any library can catch it.
WATCHMAN = """
import os, sys

def watch(event, arguments):
    outward = event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        outward = isinstance(arguments[1], tuple)  # not a socket of this machine's own, whose address is a path
    if outward:
        with open(os.environ["ATTEMPTS"], "a") as attempts:
            print(event, arguments[1:] if event == "socket.connect" else arguments, file=attempts)
        raise OSError(f"the network is cut off: {event}")

sys.addaudithook(watch)
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """That of a user who has never run any of this before, watched; no variable of a CI or of a tester stops telemetry."""
    (tmp_path / "watch").mkdir()
    (tmp_path / "watch" / "sitecustomize.py").write_text(WATCHMAN)
    (tmp_path / "home").mkdir()
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LD_LIBRARY_PATH", "OMP_NUM_THREADS")}
    home = {name: str(tmp_path / "home") for name in ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME")}
    own = {
        "PYTHONPATH": str(tmp_path / "watch"),
        "HMR_VIDEO_CACHE": str(tmp_path / "cache"),
        "HMR_VIDEO_OFFLINE": "1",
        "ATTEMPTS": str(tmp_path / "attempts"),
    }
    return kept | home | own


def offline(arguments: list[str], environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs a program in a network namespace that holds nothing, where the system lets us make one."""
    shut = ["unshare", "--map-root-user", "--net", "--"]
    may = shutil.which("unshare") is not None and subprocess.run([*shut, "true"], capture_output=True).returncode == 0
    program = [*(shut if may else []), sys.executable, *arguments]
    return subprocess.run(program, env=environment, cwd=folder, capture_output=True, text=True)


def test_the_watchman_sees_every_process(tmp_path: Path, environment: dict[str, str]) -> None:
    """Else the tests below would pass whatever happened."""
    lookup = "import socket; socket.getaddrinfo('example.org', 80)"
    call = "import socket; socket.socket().connect(('192.0.2.1', 80))"
    for code in (lookup, f"import subprocess, sys; subprocess.check_call([sys.executable, '-c', {call!r}])"):
        assert offline(["-c", code], environment, tmp_path).returncode == 1
    assert [line.split()[0] for line in (tmp_path / "attempts").read_text().splitlines()] == [
        "socket.getaddrinfo",
        "socket.connect",
    ]


@pytest.mark.slow
def test_no_command_reaches_for_the_network(tmp_path: Path, environment: dict[str, str]) -> None:
    """The first run exports the detector, the second only loads it: OpenVINO would report both. The batch works in a worker."""
    (tmp_path / "in").mkdir()
    shutil.copy(CLIP, tmp_path / "in" / "walk.mp4")
    convert = ["convert", str(CLIP), "--end", "0.2", "--format", "glb,html", "-o", "one"]
    again = [*convert[:-1], "two"]
    batch = ["batch", "in", "--end", "0.2", "--detector-engine", "torch", "--tracker", "botsort", "-o", "many"]
    for command in (convert, again, batch):
        done = offline(["-m", "hmr_video", *command], environment, tmp_path)
        assert done.returncode == 0, done.stderr
    assert any((tmp_path / "cache" / "openvino").iterdir())
    assert (tmp_path / "many" / "walk" / "summary.json").is_file()
    assert not (tmp_path / "attempts").exists(), (tmp_path / "attempts").read_text()
    assert not (tmp_path / "home" / "intel").exists()  # where OpenVINO would keep who we are
