"""The networks of others: found, fetched from a made-up folder of wheels, refused when they are not what they should be."""

import os
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest

from hmr_video import assets
from hmr_video.assets import MODEL_FILES, ModelFile, find_model_file, get_model_file
from hmr_video.cli.main import run
from hmr_video.console import Reporter
from hmr_video.errors import AssetError
from hmr_video.fetch import NpmPackage, Url, Wheel

CONTENT = b"layers" * 1000
FILE = ModelFile(
    "made-up", "made_up.pt", sha256(CONTENT).hexdigest(), len(CONTENT), "CC0", (Wheel("made-up-networks==1.0", 1000),)
)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, an index that is an empty folder, and the made-up file in the table."""
    (tmp_path / "index").mkdir()
    for name, value in {"HMR_VIDEO_CACHE": "cache", "PIP_FIND_LINKS": "index", "PIP_CACHE_DIR": "pip"}.items():
        monkeypatch.setenv(name, str(tmp_path / value))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("HMR_VIDEO_OFFLINE", raising=False)
    monkeypatch.setitem(MODEL_FILES, FILE.name, FILE)
    return tmp_path / "cache"


def add_wheel(folder: Path, content: bytes = CONTENT, name: str = FILE.file_name) -> None:
    """A wheel for another Python than any, whose code would fail."""
    with zipfile.ZipFile(folder / "made_up_networks-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("made_up_networks/__init__.py", "raise SystemExit('run')")
        wheel.writestr(f"made_up_networks/{name}", content)
        metadata = "Metadata-Version: 2.1\nName: made-up-networks\nVersion: 1.0\nRequires-Python: <3\nRequires-Dist: absent\n"
        wheel.writestr("made_up_networks-1.0.dist-info/METADATA", metadata)
        wheel.writestr("made_up_networks-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("made_up_networks-1.0.dist-info/RECORD", "")


def test_a_wheel_of_the_users_index(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_wheel(cache.parent / "index")
    assert find_model_file(FILE.name) is None
    assert run(["weights", "get", FILE.name]) == 0
    said = capsys.readouterr()
    assert "made_up.pt" in said.err
    assert "made-up-networks==1.0" in said.err
    assert find_model_file(FILE.name) == cache / "models" / "made_up.pt"
    assert run(["weights", "get", FILE.name]) == 0
    assert "Fetching" not in capsys.readouterr().err
    assert [path.name for path in (cache / "models").iterdir()] == ["made_up.pt"]


def test_nothing_is_fetched_offline(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_wheel(cache.parent / "index")
    monkeypatch.setenv("HMR_VIDEO_OFFLINE", "1")
    with pytest.raises(AssetError, match="nothing may be fetched") as caught:
        get_model_file(FILE.name, Reporter(quiet=True))
    assert "weights get made-up" in caught.value.remedy
    assert str(cache / "models" / "made_up.pt") in caught.value.remedy
    assert not cache.exists()


@pytest.mark.parametrize("content", [b"else" * 1500, CONTENT + b"more", b""])
def test_another_file_is_refused(cache: Path, content: bytes) -> None:
    add_wheel(cache.parent / "index", content)
    with pytest.raises(AssetError, match=r"another file|larger"):
        get_model_file(FILE.name, Reporter(quiet=True))
    assert not cache.exists()


def test_every_source_is_tried_and_named(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    away = (NpmPackage("@made-up/networks@1.0.0", 1000), Url((cache.parent / "absent").as_uri(), 1000))
    here = Url((cache.parent / "file").as_uri(), 1000)
    monkeypatch.setitem(MODEL_FILES, FILE.name, replace(FILE, sources=FILE.sources + away))
    monkeypatch.setattr("hmr_video.fetch.shutil.which", lambda name: None)
    with pytest.raises(AssetError) as caught:
        get_model_file(FILE.name, Reporter(quiet=True))
    for word in ("pip", "npm is not installed", "absent"):
        assert word in caught.value.problem
    (cache.parent / "file").write_bytes(CONTENT)
    monkeypatch.setitem(MODEL_FILES, FILE.name, replace(FILE, sources=(*FILE.sources, *away, here)))
    assert get_model_file(FILE.name, Reporter(quiet=True)).read_bytes() == CONTENT


def test_no_pip_is_said(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hmr_video.fetch.importlib.util.find_spec", lambda name: None)
    monkeypatch.setattr("hmr_video.fetch.shutil.which", lambda name: None)
    with pytest.raises(AssetError, match="pip is not installed"):
        get_model_file(FILE.name, Reporter(quiet=True))


def test_a_damaged_copy_is_fetched_again(cache: Path) -> None:
    FILE.cached.parent.mkdir(parents=True)
    FILE.cached.write_bytes(CONTENT[:-1])
    assert find_model_file(FILE.name) is None
    with pytest.raises(AssetError, match="checksum is another"):
        get_model_file(FILE.name, Reporter(quiet=True))
    add_wheel(cache.parent / "index")
    assert get_model_file(FILE.name, Reporter(quiet=True)).read_bytes() == CONTENT


def test_a_kill_in_the_middle_leaves_nothing_that_counts(cache: Path, tmp_path: Path) -> None:
    """Killed while an address is silent after half of the file: nothing is there, and the next try brings it."""
    script = f"""
import socket, threading
from dataclasses import replace
from hmr_video import assets
from hmr_video.console import Reporter
from hmr_video.fetch import Url
server = socket.create_server(("127.0.0.1", 0))
def answer():
    asker, _ = server.accept()
    asker.recv(1000)
    asker.sendall(b"HTTP/1.0 200 OK\\r\\nContent-Length: {len(CONTENT)}\\r\\n\\r\\n" + {CONTENT[:3000]!r})
    print("half", flush=True)
    threading.Event().wait()
threading.Thread(target=answer, daemon=True).start()
url = Url(f"http://127.0.0.1:{{server.getsockname()[1]}}/made_up.pt", {len(CONTENT)})
assets.MODEL_FILES["made-up"] = assets.ModelFile("made-up", "made_up.pt", {FILE.sha256!r}, {len(CONTENT)}, "CC0", (url,))
assets.get_model_file("made-up", Reporter(quiet=True))
"""
    environment = os.environ | {"TMPDIR": str(tmp_path), "no_proxy": "127.0.0.1"}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        time.sleep(0.2)
        process.kill()
    assert find_model_file(FILE.name) is None
    add_wheel(cache.parent / "index")
    assert get_model_file(FILE.name, Reporter(quiet=True)).read_bytes() == CONTENT


def test_the_table_is_complete() -> None:
    for name, file in MODEL_FILES.items():
        assert file.name == name
        assert len(file.sha256) == 64
        assert file.licence
        assert file.sources
    with pytest.raises(AssetError, match="no model file called"):
        assets.get_model_file("absent", Reporter(quiet=True))
