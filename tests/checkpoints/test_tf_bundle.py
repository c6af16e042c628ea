"""The reader of TensorFlow bundles, against a writer made from the format's description."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hmr_video.checkpoints.tf_bundle import Bundle
from hmr_video.errors import InputError

Write = Callable[..., None]
PREFIX = "model.ckpt-7"
ARRAYS = {
    **{f"scope/fc{i}/weights": np.random.default_rng(i).standard_normal((3, i + 1)).astype(np.float32) for i in range(9)},
    "global_step": np.array(1119816, np.int32),
    "wide/double": np.arange(300.0).reshape(3, 1, 100),
    "wide/half": np.arange(6, dtype=np.float16),
}


@pytest.fixture
def prefix(tmp_path: Path, write_bundle: Write) -> Path:
    write_bundle(tmp_path / PREFIX, ARRAYS)
    return tmp_path / PREFIX


def test_every_variable_comes_back(prefix: Path) -> None:
    bundle = Bundle(prefix)
    assert bundle.variables.keys() == ARRAYS.keys()
    for name, array in ARRAYS.items():
        found = bundle.read(name)
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)


def test_an_index_cut_anywhere_is_refused(prefix: Path) -> None:
    index = prefix.with_name(f"{PREFIX}.index")
    whole = index.read_bytes()
    for length in (0, 10, 47, len(whole) // 2, len(whole) - 1):
        index.write_bytes(whole[:length])
        with pytest.raises(InputError, match="not the index"):
            Bundle(prefix)


@pytest.mark.parametrize("position", [3, 200, 400])
def test_a_damaged_index_is_refused(prefix: Path, position: int) -> None:
    index = prefix.with_name(f"{PREFIX}.index")
    content = bytearray(index.read_bytes())
    content[position] ^= 4
    index.write_bytes(content)
    with pytest.raises(InputError, match="checksum"):
        Bundle(prefix)


def test_damaged_and_missing_data_is_refused_with_a_reason(prefix: Path) -> None:
    data = prefix.with_name(f"{PREFIX}.data-00001-of-00002")
    content = bytearray(data.read_bytes())
    name = next(name for name, variable in Bundle(prefix).variables.items() if variable.shard == 1)
    content[Bundle(prefix).variables[name].offset] ^= 1
    data.write_bytes(content)
    with pytest.raises(InputError, match=f"checksum of {name}"):
        Bundle(prefix).read(name)
    data.write_bytes(content[:-1])
    with pytest.raises(InputError, match="truncated"):
        Bundle(prefix)
    data.unlink()
    with pytest.raises(InputError, match="missing"):
        Bundle(prefix)


def test_another_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.index").write_text("hello" * 50)
    with pytest.raises(InputError, match="another kind of file"):
        Bundle(tmp_path / "notes")
    with pytest.raises(InputError, match="does not exist"):
        Bundle(tmp_path / "absent")
