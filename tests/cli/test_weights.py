"""`hmr-video weights`, from the command line."""

import json
from pathlib import Path

import pytest

from hmr_video.checkpoints import save_model
from hmr_video.cli import main
from hmr_video.cli import weights as command
from hmr_video.files import sha256
from hmr_video.model import HMMR, hmr_video_default


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A weight file in the user's folder, and none but that."""
    monkeypatch.setenv("HMR_VIDEO_HOME", str(tmp_path))
    path = tmp_path / "weights" / "mine.safetensors"
    save_model(path, HMMR(hmr_video_default(6, 8, 1)), {"name": "mine", "licence": "CC0", "trained_on": "walks"})
    monkeypatch.setattr(command, "_installed", lambda: [path])
    return path


def test_list_tells_what_is_known(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["weights", "list", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)["weights"]
    assert (told["name"], told["licence"], told["trained_on"]) == ("mine", "CC0", "walks")
    assert (told["features"], told["sha256"]) == ("keypoints", sha256(installed))
    assert main.run(["weights", "list"]) == 0
    assert "CC0" in capsys.readouterr().out


def test_verify_finds_damage(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["weights", "verify"]) == 0
    content = bytearray(installed.read_bytes())
    content[-1] ^= 64
    installed.write_bytes(content)
    assert main.run(["weights", "verify"]) == 6
    assert main.run(["weights", "verify", str(installed.with_name("absent.safetensors"))]) == 6
    assert "checksum" in capsys.readouterr().err


def test_import_of_what_is_no_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.index").write_bytes(bytes(100))
    output = tmp_path / "paper.safetensors"
    assert main.run(["weights", "import", "--hmmr", str(tmp_path / "notes"), "-o", str(output)]) == 3
    assert "another kind of file" in capsys.readouterr().err
    assert not output.exists()
