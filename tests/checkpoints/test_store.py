"""Weight files: what goes in comes out, and damage is noticed."""

from pathlib import Path

import pytest
import torch

from hmr_video.checkpoints import load_model, load_tensors
from hmr_video.checkpoints.saving import save_model, verify
from hmr_video.errors import AssetError, OutputError
from hmr_video.model import HMMR
from hmr_video.model.presets import hmr_video_default

CONFIG = hmr_video_default(feature_size=9, width=16, blocks=1)


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, HMMR]:
    model = HMMR(CONFIG).eval()
    path = tmp_path / "model.safetensors"
    save_model(path, model, {"name": "test", "licence": "Apache-2.0"}, {"smpl.parents": torch.arange(24)}, torch.float16)
    return path, model


def test_half_precision_round_trip(saved: tuple[Path, HMMR]) -> None:
    path, model = saved
    loaded, metadata = load_model(path)
    features = torch.randn(1, 4, 9)
    assert loaded.config == CONFIG
    assert metadata["licence"] == "Apache-2.0"
    assert next(loaded.parameters()).dtype == torch.float32
    torch.testing.assert_close(loaded(features).present.rotations, model(features).present.rotations, atol=2e-2, rtol=0)
    assert load_tensors(path, "smpl.")["parents"].tolist() == list(range(24))
    verify(path)


def test_a_flipped_bit_is_noticed(saved: tuple[Path, HMMR]) -> None:
    path, _ = saved
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)
    with pytest.raises(AssetError, match="checksum"):
        verify(path)


def test_what_is_no_weight_file_is_refused_with_a_reason(saved: tuple[Path, HMMR], tmp_path: Path) -> None:
    path, model = saved
    with pytest.raises(AssetError, match="No weights"):
        load_model(tmp_path / "absent.safetensors")
    with pytest.raises(OutputError, match="exists"):
        save_model(path, model, {})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(AssetError, match="damaged"):
        load_model(path)
    path.write_text("hello")
    with pytest.raises(AssetError, match="damaged"):
        load_model(path)


def test_weights_that_do_not_fit_their_config_are_refused(tmp_path: Path) -> None:
    model = HMMR(CONFIG)
    model.regressor.fc3 = torch.nn.Linear(3, 3)
    save_model(tmp_path / "odd.safetensors", model, {})
    with pytest.raises(AssetError, match="do not fit"):
        load_model(tmp_path / "odd.safetensors")
