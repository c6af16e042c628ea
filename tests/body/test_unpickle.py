"""Reading SMPL's pickles: what Python 2 and chumpy wrote is understood, what could run anything is refused and does not run."""

import io
import os
import pickle
import struct
import sys
import types
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csc_matrix

from hmr_video.body.unpickle import read_pickle
from hmr_video.errors import InputError


def _saved(tmp_path: Path, content: object, protocol: int = 2) -> Path:
    path = tmp_path / "body.pkl"
    path.write_bytes(pickle.dumps(content, protocol))
    return path


class _Runs:
    """Pickles as a call."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call


def _touch(path: Path) -> _Runs:
    return _Runs(os.system, f"touch {path}")


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_of_every_protocol(tmp_path: Path, protocol: int) -> None:
    content = {
        "floats": np.arange(12.0).reshape(3, 4),
        "columns": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
        "unsigned": np.array([[1, 2**32 - 1]], np.uint32),
        "big_endian": np.arange(3, dtype=">f8"),
        "empty": np.zeros((0, 3)),
        "text": "lbs",
    }
    found = read_pickle(_saved(tmp_path, content, protocol))
    assert found["text"] == "lbs"
    for key in ("floats", "columns", "unsigned", "big_endian", "empty"):
        np.testing.assert_array_equal(found[key], content[key])
        assert found[key].dtype == content[key].dtype.newbyteorder("=")


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("core", ["core", "_core"])
@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_arrays_of_every_numpy(tmp_path: Path, protocol: int, core: str) -> None:
    """numpy 2 moved what arrays are loaded by: `numpy.core` became `numpy._core`."""
    raw = pickle.dumps({"a": np.arange(3.0), "n": np.float64(2.5), "m": np.matrix([[1.0, 2.0]])}, protocol)
    here = b"numpy._core." if b"numpy._core." in raw else b"numpy.core."
    for module in (b"multiarray", b"numeric"):
        for text in (here + module, f"numpy.{core}.".encode() + module):  # short strings of binary protocols state their length
            raw = raw.replace(b"\x8c" + bytes([len(here + module)]) + here + module, b"\x8c" + bytes([len(text)]) + text)
        raw = raw.replace(b"c" + here + module, f"cnumpy.{core}.".encode() + module)
    (tmp_path / "body.pkl").write_bytes(_without_frames(raw))
    found = read_pickle(tmp_path / "body.pkl")
    np.testing.assert_array_equal(found["a"], [0, 1, 2])
    assert found["n"] == 2.5
    np.testing.assert_array_equal(found["m"], [[1, 2]])


def _without_frames(raw: bytes) -> bytes:
    """Protocol 4 states the lengths of parts, which need not be there."""
    frame = raw.find(b"\x95")
    return raw if raw[1:2] not in (b"\x04", b"\x05") or frame != 2 else raw[:2] + raw[11:]


class _Note:
    """An object of somebody's own, as people leave them in files."""

    def __init__(self) -> None:
        self.text, self.parts = "hello", [1, 2]


def test_entries_that_nobody_needs_may_hold_anything(tmp_path: Path) -> None:
    target = tmp_path / "touched"
    content = {"f": np.arange(3), "note": _Note(), "order": OrderedDict(a=1), "seen": {1, 2}, "call": _touch(target)}
    for protocol in range(6):
        path = _saved(tmp_path, content, protocol)
        assert list(read_pickle(path, ["f", "v_template"])) == ["f"]
        with pytest.raises(InputError, match="_Note"):
            read_pickle(path)
    assert not target.exists()


def test_sparse_matrix(tmp_path: Path) -> None:
    dense = np.array([[0, 1.5, 0], [2.0, 0, 0.5]])
    for matrix in (csc_matrix(dense), csc_matrix(dense).tocsr()):
        np.testing.assert_array_equal(read_pickle(_saved(tmp_path, {"J_regressor": matrix}))["J_regressor"], dense)


def test_python_2_strings_are_bytes(tmp_path: Path) -> None:
    """Python 2 wrote an array's bytes as a string of one-byte characters."""
    raw = np.array([1.5, -2.0]).tobytes()
    content = (
        b"\x80\x02}U\x01acnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x02\x85cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U"
        + bytes([len(raw)])
        + raw
        + b"tbs."
    )
    (tmp_path / "old.pkl").write_bytes(content)
    np.testing.assert_array_equal(read_pickle(tmp_path / "old.pkl")["a"], [1.5, -2.0])


@pytest.fixture
def chumpy(monkeypatch: pytest.MonkeyPatch) -> type:
    """A stand-in for chumpy's class, gone again when the file is read."""
    module = types.ModuleType("chumpy.ch")
    node = type("Ch", (), {"__module__": "chumpy.ch"})
    module.Ch = node  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "chumpy", types.ModuleType("chumpy"))
    monkeypatch.setitem(sys.modules, "chumpy.ch", module)
    return node


@pytest.mark.parametrize("protocol", [0, 2])
def test_chumpy_keeps_its_array(tmp_path: Path, chumpy: type, monkeypatch: pytest.MonkeyPatch, protocol: int) -> None:
    node, lazy = chumpy(), chumpy()
    node.x, node.dirty = np.arange(3.0), "no"
    lazy.terms = ["never evaluated"]
    path = _saved(tmp_path, {"shapedirs": node, "J": lazy}, protocol)
    monkeypatch.undo()
    found = read_pickle(path)
    assert "chumpy" not in sys.modules
    np.testing.assert_array_equal(found["shapedirs"], [0, 1, 2])
    assert "J" not in found


def _malicious(target: Path) -> dict[str, object]:
    objects = np.array([_touch(target), None], dtype=object)
    held = np.zeros(2)
    return {
        "a call": _touch(target),
        "a call in a dictionary": {"v_template": _touch(target)},
        "a call in an array of objects": {"v_template": objects},
        "a call beside an array": {"v_template": held, "f": [_touch(target)]},
        "evaluation": {"v_template": _Runs(eval, "1")},
        "a class": {"v_template": OrderedDict(a=1)},
        "numpy's own loader": {"v_template": _Runs(np.load, str(target))},
        "a getter": {"v_template": _Runs(getattr, held, "tofile")},
    }


@pytest.mark.parametrize("kind", list(_malicious(Path("x"))))
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_calls_are_refused_and_not_run(tmp_path: Path, kind: str, protocol: int) -> None:
    target = tmp_path / "touched"
    with pytest.raises(InputError) as caught:
        read_pickle(_saved(tmp_path, _malicious(target)[kind], protocol))
    assert not target.exists()
    assert caught.value.exit_code == 3


_RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n"
_EMPTY = _RECONSTRUCT + b"(cnumpy\nndarray\n(I0\ntS'b'\ntR"
_F8 = b"cnumpy\ndtype\n(S'f8'\nI0\nI1\ntR(I3\nS'<'\nNNNI-1\nI-1\nI0\ntb"


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(_EMPTY + b"(I1\n(I3\nt" + _F8 + b"I00\nS'12345678'\ntb", id="too little content"),
        pytest.param(_EMPTY + b"(I1\n(I99999999\nI99999999\nt" + _F8 + b"I00\nS''\ntb", id="huge shape"),
        pytest.param(_EMPTY + b"(I1\n(I-1\nt" + _F8 + b"I00\nS''\ntb", id="negative shape"),
        pytest.param(_EMPTY + b"(I1\n(I1\ntcnumpy\ndtype\n(S'O8'\nI0\nI1\ntRI00\n(lp0\nNatb", id="objects"),
        pytest.param(_EMPTY + b"(I1\n(I1\ntcnumpy\ndtype\n(S'V8'\nI0\nI1\ntRI00\nS'12345678'\ntb", id="structure"),
        pytest.param(_EMPTY + b"(I1\n(I1\ntS'f8'\nI00\nS'12345678'\ntb", id="type that is text"),
        pytest.param(_EMPTY, id="no state"),
        pytest.param(_RECONSTRUCT + b"(dS'__setstate__'\nNsb", id="state for a class"),
        pytest.param(_RECONSTRUCT + b"(N(dS'resolve'\nNstb", id="attributes for a class"),
        pytest.param(b"c__builtin__\nobject\n)R", id="bare object"),
        pytest.param(b"ccopy_reg\n_reconstructor\n(cos\nsystem\nc__builtin__\nobject\nNtR", id="reconstructor of a function"),
        pytest.param(b"(S'true'\nios\nsystem\n", id="INST opcode"),
        pytest.param(b"(cos\nsystem\nS'true'\no", id="OBJ opcode"),
        pytest.param(b"\x82\x01", id="extension registry"),
        pytest.param(b"P1\n", id="persistent id"),
        pytest.param(b"cchumpy.ch\nCh\n)\x81}S'x'\ncos\nsystem\nsb", id="call inside chumpy"),
        pytest.param(b"cnumpy.core.multiarray.os\nsystem\n(S'true'\ntR", id="dotted module"),
        pytest.param(b"\x80\x04\x8c\x15numpy.core.multiarray\x8c\x10_reconstruct.__a\x93", id="dotted name"),
    ],
)
def test_forged_programs_are_refused(tmp_path: Path, program: bytes) -> None:
    path = tmp_path / "forged.pkl"
    path.write_bytes(b"(dS'v'\n" + program + b"s.")
    with pytest.raises(InputError):
        read_pickle(path)
    held = read_pickle(_saved(tmp_path, {"a": np.ones(2)}))  # and nothing of the reader was changed
    np.testing.assert_array_equal(held["a"], [1, 1])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no pickle",
        b"\x80\x02]q\x00.",
        b"\x96" + struct.pack("<Q", 2**62),
        b"r" + struct.pack("<I", 2**32 - 1),
        b"(" * 100_000,
    ],
)
def test_damaged_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "damaged.pkl"
    path.write_bytes(content)
    with pytest.raises(InputError):
        read_pickle(path)


def test_refuses_what_python_would_run(tmp_path: Path) -> None:
    """The file that is refused is one that pickle itself does run: the tests above test something."""
    target = tmp_path / "touched"
    pickle.load(io.BytesIO(pickle.dumps(_touch(target))))
    assert target.exists()
