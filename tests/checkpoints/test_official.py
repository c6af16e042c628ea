"""The import of the published checkpoint, on a small copy of it: same names, fewer channels."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hmr_video.checkpoints import load_model, load_tensors, official
from hmr_video.checkpoints.image_encoder import load_image_encoder
from hmr_video.errors import AssetError, InputError
from hmr_video.files import sha256
from hmr_video.model import HMMRConfig

SMALL = HMMRConfig(4, 4, False, groups=2, norm_over_time=True, rotation="axis_angle", dropout=0.5, keypoints=25, hidden=3)
Arrays = dict[str, np.ndarray]


@pytest.fixture
def arrays(monkeypatch: pytest.MonkeyPatch) -> Arrays:
    """A checkpoint without discriminator, with an optimiser's slots, of a body of five vertices."""
    monkeypatch.setattr(official, "hmmr_paper", lambda: SMALL)
    body = [official.Entry("smpl.v_template", "v_template", (5, 3), lambda array: array)]
    monkeypatch.setattr(official, "SMPL_ENTRIES", body)
    generator = np.random.default_rng(0)
    values = {entry.official: generator.standard_normal(entry.shape).astype(np.float32) for entry in official.hmmr_entries()}
    assert {"AZ_FC_block2_conv1block_0/weights", "single_view_ief_past5/3D_module/fc3/biases", "mean_param"} <= values.keys()
    unused = {"mean_param/Adam": np.zeros((1, 85), np.float32), "mean_var": np.zeros(3, np.float32)}
    return values | unused | {"global_step": np.array(7, np.int64)}


def test_import(arrays: Arrays, tmp_path: Path, write_bundle: Callable[..., None]) -> None:
    write_bundle(tmp_path / "model.ckpt-7", arrays, shards=1)
    output = tmp_path / "paper.safetensors"
    report = official.import_official(tmp_path / "model.ckpt-7", None, _triangles(tmp_path, 4), output)
    assert report.taken == len(arrays) - 3
    assert report.unused == ["mean_var"]
    assert len(report.missing) == len(official.discriminator_entries())

    model, metadata = load_model(output)
    kernel = arrays["AZ_FC_block2_conv2block_1/weights"]  # (3, 1, in, out)
    found = model.state_dict()["temporal.blocks.1.conv2.linear.weight"]
    for tap in range(3):
        np.testing.assert_array_equal(found[:, 4 * tap : 4 * tap + 4].numpy(), kernel[tap, 0].T)
    assert model.config == SMALL
    assert json.loads(metadata["source"])["model.ckpt-7.data-00000-of-00001"] == sha256(
        tmp_path / "model.ckpt-7.data-00000-of-00001"
    )
    np.testing.assert_array_equal(load_tensors(output, "smpl.")["v_template"], arrays["v_template"])
    assert load_tensors(output, "smpl.")["f"].tolist() == [[0, 1, 4]]
    with pytest.raises(InputError, match="triangles of 5 vertices"):
        official.import_official(tmp_path / "model.ckpt-7", None, _triangles(tmp_path, 5), output, overwrite=True)
    with pytest.raises(AssetError, match="no image encoder"):
        load_image_encoder(output)


def _triangles(folder: Path, last: int) -> Path:
    np.save(folder / "faces.npy", np.array([[0, 1, last]], np.uint32))
    return folder / "faces.npy"


def test_a_missing_variable_a_wrong_shape_and_nonsense_are_refused(
    arrays: Arrays, tmp_path: Path, write_bundle: Callable[..., None]
) -> None:
    def refusal(changed: Arrays) -> str:
        write_bundle(tmp_path / "model.ckpt-7", changed)
        with pytest.raises(InputError) as caught:
            official.import_official(tmp_path / "model.ckpt-7", None, None, tmp_path / "paper.safetensors")
        assert not (tmp_path / "paper.safetensors").exists()
        return caught.value.problem

    name = "fc2_res/fc2/weights"
    assert name in refusal({key: value for key, value in arrays.items() if key != name})
    assert "shape (4, 5)" in refusal(arrays | {name: np.zeros((4, 5), np.float32)})
    assert "not finite" in refusal(arrays | {name: np.full((4, 4), np.nan, np.float32)})


def test_smpl_constants_take_the_layout_of_smpl() -> None:
    entries = {entry.name: entry for entry in official.SMPL_ENTRIES}
    shapes = {name: entry.convert(np.zeros(entry.shape, np.float32)).shape for name, entry in entries.items() if "dirs" in name}
    assert shapes == {"smpl.shapedirs": (6890, 3, 10), "smpl.posedirs": (6890, 3, 207)}
    directions = np.zeros((10, 20670), np.float32)
    directions[4, 3 * 17 + 2] = 1  # shape 4 moves vertex 17 along z
    assert entries["smpl.shapedirs"].convert(directions)[17, 2, 4] == 1


def test_the_order_of_blocks_and_units_is_slims() -> None:
    names = {entry.name: entry.official for entry in official.image_encoder_entries()}
    assert names["image_encoder.blocks.2.5.norm2.running_var"].startswith("resnet_v2_50/block3/unit_6/bottleneck_v2/conv2/BatchN")
    assert len(names) == 270  # as many as HMR's checkpoint has under resnet_v2_50
