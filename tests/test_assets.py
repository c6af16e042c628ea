"""Where weights and bodies are found, and that what ships is what the manifest lists."""

import json
import shutil
from pathlib import Path

import pytest

from hmr_video import assets
from hmr_video.errors import AssetError
from hmr_video.files import sha256


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HMR_VIDEO_HOME", str(tmp_path))
    return tmp_path


def test_manifest_lists_what_ships() -> None:
    manifest = assets.read_manifest()
    folder = assets.shipped_folder()
    shipped = {path.name for path in folder.iterdir() if path.suffix in (".npz", ".safetensors")}
    assert shipped <= set(manifest)
    for name in shipped:
        entry = manifest[name]
        assert sha256(folder / name) == entry["sha256"], f"run `python -m hmr_video.assets` after replacing {name}"
        assert entry["licence"]
        assert entry["about"]


def test_names_and_paths(home: Path) -> None:
    assert assets.find_body().name == "open_body.npz"
    added = home / "bodies" / "mine.npz"
    added.parent.mkdir()
    added.touch()
    assert assets.find_body("mine") == added
    assert assets.find_body(str(added)) == added
    assert assets.installed_bodies() == [assets.find_body(), added]
    for find in (assets.find_body, assets.find_weights):
        with pytest.raises(AssetError, match="nothing called absent"):
            find("absent")


def test_damage_is_noticed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = home / "shipped"
    folder.mkdir()
    for name in ("open_body.npz", "manifest.json"):
        shutil.copy(assets.shipped_folder() / name, folder / name)
    monkeypatch.setattr(assets, "shipped_folder", lambda: folder)
    assert assets.find_body() == folder / "open_body.npz"
    assets._checked.cache_clear()
    (folder / "open_body.npz").write_bytes(b"not a body")
    with pytest.raises(AssetError, match="checksum") as caught:
        assets.find_body()
    assert caught.value.exit_code == 6
    assets.update_manifest()
    assert assets.find_body() == folder / "open_body.npz"
    assert json.loads((folder / "manifest.json").read_text())["open_body.npz"]["sha256"] == sha256(folder / "open_body.npz")
    (folder / "open_body.npz").unlink()
    assets._checked.cache_clear()
    with pytest.raises(AssetError, match="missing"):
        assets.find_body()
    (folder / "manifest.json").write_text("[]")
    with pytest.raises(AssetError, match="manifest"):
        assets.read_manifest()
