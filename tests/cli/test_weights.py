"""`hmr-video weights`, from the command line."""

import json
from pathlib import Path

import pytest

from hmr_video import assets
from hmr_video.checkpoints import save_model
from hmr_video.cli import main
from hmr_video.files import sha256
from hmr_video.model import HMMR, hmr_video_default


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A shipped weight file with its manifest, and one that the user added."""
    shipped, added = tmp_path / "shipped" / "model.safetensors", tmp_path / "home" / "weights" / "mine.safetensors"
    model = HMMR(hmr_video_default(6, 8, 1))
    save_model(shipped, model, {"name": "ours", "licence": "Apache-2.0", "trained_on": "runs"})
    save_model(added, model, {"name": "mine", "licence": "CC0", "trained_on": "walks"})
    (shipped.parent / "manifest.json").write_text(json.dumps({shipped.name: {"sha256": sha256(shipped)}}))
    monkeypatch.setattr(assets, "shipped_folder", lambda: shipped.parent)
    monkeypatch.setenv("HMR_VIDEO_HOME", str(tmp_path / "home"))
    return shipped, added


def test_list_tells_what_is_known(installed: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["weights", "list", "--json"]) == 0
    ours, mine = json.loads(capsys.readouterr().out)["weights"]
    assert ours["name"] == "ours"
    assert (mine["name"], mine["licence"], mine["trained_on"]) == ("mine", "CC0", "walks")
    assert (mine["features"], mine["sha256"]) == ("keypoints", sha256(installed[1]))
    assert main.run(["weights", "list"]) == 0
    assert "CC0" in capsys.readouterr().out


def test_verify_finds_damage(installed: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["weights", "verify"]) == 0
    assert main.run(["weights", "verify", "mine"]) == 0
    content = bytearray(installed[1].read_bytes())
    content[-1] ^= 64
    installed[1].write_bytes(content)
    assert main.run(["weights", "verify"]) == 6
    assert main.run(["weights", "verify", "absent"]) == 6
    assert "checksum" in capsys.readouterr().err


def test_import_of_what_is_no_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "notes.index").write_bytes(bytes(100))
    output = tmp_path / "paper.safetensors"
    assert main.run(["weights", "import", "--hmmr", str(tmp_path / "notes"), "-o", str(output)]) == 3
    assert "another kind of file" in capsys.readouterr().err
    assert not output.exists()
