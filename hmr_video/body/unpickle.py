"""Reads the pickles that SMPL is published in, and runs nothing of what they hold.

Nothing that a pickle names is ever imported. The few names that SMPL files need stand for inert classes of this module, which
only note what they are given; arrays are then made from the raw bytes. Every other name is refused. The interpreter is the
standard library's in pure Python, in which no count that a file states becomes memory that the file does not fill.
"""

import math
import pickle
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmr_video.errors import InputError

_LARGEST_FILE = 2**30  # bytes; the largest SMPL file has a quarter of it
_NUMBERS = frozenset(kind + size for kind in "iu" for size in "1248") | {"b1", "f2", "f4", "f8"}


class UnsafePickleError(pickle.UnpicklingError):
    """Something in a pickle that no SMPL file holds."""


class _Inert:
    """Keeps its arguments and its state, does nothing. Having __setstate__ also bars a pickle from changing the class itself."""

    arguments: tuple[Any, ...] = ()
    state: Any = None

    def __new__(cls, *arguments: Any) -> "_Inert":
        return super().__new__(cls)

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _NumberType(_Inert):
    """``numpy.dtype``: only plain numbers."""

    def resolve(self) -> np.dtype[Any]:
        code = self.arguments[0] if self.arguments else None
        if code not in _NUMBERS:
            raise UnsafePickleError(f"an array of type {str(code)[:20]!r}")
        order = self.state[1] if isinstance(self.state, tuple) and len(self.state) > 1 else "="
        if order not in ("<", ">", "=", "|"):
            raise UnsafePickleError("an array of unknown byte order")
        return np.dtype(code).newbyteorder(order)


class _Array(_Inert):
    """``numpy.ndarray``, made by ``numpy.core.multiarray._reconstruct``."""

    def resolve(self) -> NDArray[Any]:
        if not (isinstance(self.state, tuple) and len(self.state) == 5):
            raise UnsafePickleError("an array without contents")
        _, shape, number_type, columns_first, raw = self.state
        if not isinstance(number_type, _NumberType) or not _is_shape(shape):
            raise UnsafePickleError("an array of unknown form")
        dtype, content = number_type.resolve(), _raw_bytes(raw)
        if math.prod(shape) * dtype.itemsize != len(content):
            raise UnsafePickleError("an array whose size is not that of its contents")
        flat = np.frombuffer(content, dtype).astype(dtype.newbyteorder("="))
        return flat.reshape(shape, order="F" if columns_first else "C")


class _ArrayClass(_Inert):
    """``numpy.ndarray`` itself, which is only ever handed to ``_reconstruct``."""


class _Scalar(_Inert):
    """``numpy.core.multiarray.scalar``."""

    def resolve(self) -> NDArray[Any]:
        number_type, raw = self.arguments
        if not isinstance(number_type, _NumberType):
            raise UnsafePickleError("a number of unknown type")
        return np.frombuffer(_raw_bytes(raw), number_type.resolve(), count=1)[0]


class _Sparse(_Inert):
    """A matrix of ``scipy.sparse`` in compressed columns or rows."""

    columns = True

    def resolve(self) -> NDArray[Any]:
        from scipy.sparse import csc_matrix, csr_matrix

        state = self.state if isinstance(self.state, dict) else {}
        data, indices, pointers = (resolve(state.get(key)) for key in ("data", "indices", "indptr"))
        shape = resolve(state.get("_shape", state.get("shape")))
        if not _is_shape(shape) or len(shape) != 2 or math.prod(shape) > 24 * 100_000:
            raise UnsafePickleError("a sparse matrix of unknown form")
        matrix = (csc_matrix if self.columns else csr_matrix)((data, indices, pointers), shape)
        matrix.check_format(full_check=True)
        return np.asarray(matrix.toarray())


class _SparseRows(_Sparse):
    columns = False


class _Chumpy(_Inert):
    """Anything of ``chumpy``, which is not needed: of its state only the array ``x`` (or ``r``) is kept."""

    def resolve(self) -> Any:
        state = self.state if isinstance(self.state, dict) else {}
        for key in ("x", "r"):
            if key in state:
                return resolve(state[key])
        raise UnsafePickleError("a chumpy expression that was not evaluated before it was saved")


class _Reconstructor(_Inert):
    """``copy_reg._reconstructor(cls, base, state)``, how Python 2 makes instances."""

    def __new__(cls, *arguments: Any) -> _Inert:  # type: ignore[misc]
        if not arguments or not (isinstance(arguments[0], type) and issubclass(arguments[0], _Inert)):
            raise UnsafePickleError("an instance of an unknown class")
        return arguments[0]()


class _Encoded(_Inert):
    """``_codecs.encode(text, "latin1")``, how Python 3 writes bytes for Python 2."""

    def resolve(self) -> bytes:
        if len(self.arguments) != 2 or not isinstance(self.arguments[0], str) or self.arguments[1] != "latin1":
            raise UnsafePickleError("text of unknown encoding")
        return self.arguments[0].encode("latin1")


class _NoBytes(_Inert):
    """``bytes()``, how Python 3 writes empty bytes for Python 2."""

    def resolve(self) -> bytes:
        if self.arguments:
            raise UnsafePickleError("bytes made from something")
        return b""


_NAMES: dict[tuple[str, str], type[_Inert]] = {
    **{(module, "_reconstruct"): _Array for module in ("numpy.core.multiarray", "numpy._core.multiarray")},
    **{(module, "scalar"): _Scalar for module in ("numpy.core.multiarray", "numpy._core.multiarray")},
    ("numpy", "ndarray"): _ArrayClass,
    ("numpy", "dtype"): _NumberType,
    **{(module, "csc_matrix"): _Sparse for module in ("scipy.sparse", "scipy.sparse.csc", "scipy.sparse._csc")},
    **{(module, "csr_matrix"): _SparseRows for module in ("scipy.sparse", "scipy.sparse.csr", "scipy.sparse._csr")},
    **{(module, "_reconstructor"): _Reconstructor for module in ("copy_reg", "copyreg")},
    **{(module, "object"): _Inert for module in ("__builtin__", "builtins")},
    **{(module, "bytes"): _NoBytes for module in ("__builtin__", "builtins")},
    ("_codecs", "encode"): _Encoded,
}


class _Unpickler(pickle._Unpickler):
    """The pure-Python unpickler, with names looked up in our table."""

    def find_class(self, module: str, name: str) -> type[_Inert]:
        if module == "chumpy" or module.startswith("chumpy."):
            return _Chumpy
        try:
            return _NAMES[module, name]
        except KeyError:
            raise UnsafePickleError(f"the name {module}.{name}"[:80]) from None


def read_pickle(path: Path) -> dict[str, Any]:
    """The dictionary in a pickle of SMPL: arrays for arrays, sparse matrices and chumpy objects; text and numbers as they are.

    Chumpy expressions that were never evaluated are left out. Raises InputError, having run nothing, when there is anything else.
    """
    remedy = "Download SMPL again from its authors, or convert it to NPZ."
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise UnsafePickleError("more than a gigabyte")
        content = _Unpickler(BytesIO(path.read_bytes()), encoding="latin1").load()
        if not isinstance(content, dict):
            raise UnsafePickleError("no dictionary")
        return {key: value for key, value in _resolve_entries(content) if isinstance(key, str)}
    except UnsafePickleError as error:
        raise InputError(f"{path} is no SMPL file: it holds {error}. Nothing of it was run.", remedy) from error
    except Exception as error:  # a damaged pickle fails in many ways, deep recursion and memory among them
        raise InputError(f"{path} cannot be read as a pickle ({type(error).__name__}).", remedy) from error


def _resolve_entries(content: dict[Any, Any]) -> list[tuple[Any, Any]]:
    """SMPL files hold an unevaluated expression for the joints, which nobody needs."""
    resolved = []
    for key, value in content.items():
        if isinstance(value, _Chumpy) and not (isinstance(value.state, dict) and {"x", "r"} & value.state.keys()):
            continue
        resolved.append((key, resolve(value)))
    return resolved


def resolve(value: Any) -> Any:
    """What a value read from a pickle stands for. Containers are not looked into. Raises UnsafePickleError."""
    if isinstance(value, _Inert):
        method = getattr(value, "resolve", None)
        if method is None:
            raise UnsafePickleError("an object that is no array")
        return method()
    return value


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, tuple) and len(shape) <= 4 and all(isinstance(size, int) and 0 <= size < 2**31 for size in shape)


def _raw_bytes(raw: Any) -> bytes:
    raw = resolve(raw)
    if isinstance(raw, str):  # Python 2's strings are bytes, read as latin1
        raw = raw.encode("latin1")
    if not isinstance(raw, bytes):
        raise UnsafePickleError("an array of objects")
    return raw
