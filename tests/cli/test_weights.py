"""`hmr-video weights`, from the command line."""

import json
from pathlib import Path

import pytest
import torch

from hmr_video import assets
from hmr_video.checkpoints import load_model
from hmr_video.checkpoints.saving import save_model
from hmr_video.cli import main
from hmr_video.files import sha256
from hmr_video.model import HMMR
from hmr_video.model.presets import hmr_video_default


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


def test_the_mean_of_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [tmp_path / f"{name}.safetensors" for name in ("one", "two", "wide")]
    models = [HMMR(hmr_video_default(6, width, 1)) for width in (8, 8, 16)]
    for file, model in zip(files, models, strict=True):
        save_model(file, model, {"name": file.stem, "licence": "CC0", "trained_on": "walks"})
    mean = tmp_path / "mean.safetensors"
    assert main.run(["weights", "average", *map(str, files[:2]), "-o", str(mean)]) == 0
    model, metadata = load_model(mean)
    wanted = [sum(values) / 2 for values in zip(*(model.state_dict().values() for model in models[:2]), strict=True)]
    for found, value in zip(model.state_dict().values(), wanted, strict=True):
        torch.testing.assert_close(found, value, rtol=1e-3, atol=1e-5)
    assert (metadata["name"], metadata["licence"], metadata["source"]) == ("mean", "CC0", "the mean of one; two")
    assert main.run(["weights", "average", *map(str, files[1:]), "-o", str(mean), "--overwrite"]) == 2
    assert "different kinds" in capsys.readouterr().err
    assert main.run(["weights", "average", str(files[0]), "-o", str(mean)]) == 2
