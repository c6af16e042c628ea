"""Reads the pickles that SMPL is published in, and runs nothing of what they hold.

Nothing that a pickle names is ever imported. The few names that SMPL files need stand for inert classes of this module, which
only note what they are given; arrays are then made from the raw bytes. Every other name stands for something that forgets what
it is given, and is refused where it is needed. The interpreter is the standard library's in pure Python, in which no
count that a file states becomes memory that the file does not fill.
"""

import math
import pickle
import struct
from collections.abc import Collection
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar

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


class _Foreign(_Inert):
    """Anything that SMPL files do not need: a class, a function and what they make, all in one. Keeps nothing but its name."""

    def __new__(cls, *arguments: Any, **named: Any) -> _Inert:  # type: ignore[misc]
        return cls if isinstance(cls, _Foreign) else object.__new__(cls)

    def __init__(self, name: str) -> None:
        self.name = name

    def __setstate__(self, state: Any) -> None:
        pass

    def _forget(self, *arguments: Any, **named: Any) -> "_Foreign":
        return self

    __call__ = __setitem__ = append = extend = add = update = _forget

    def resolve(self) -> Any:
        raise UnsafePickleError(f"the name {self.name}"[:80])


class _NumberType(_Inert):
    """``numpy.dtype``: only plain numbers."""

    @property
    def code(self) -> Any:
        return self.arguments[0] if self.arguments else None

    def resolve(self) -> np.dtype[Any]:
        code = self.code
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
        if (
            number_type.code == "O8"
            and isinstance(raw, list)
            and len(raw) == math.prod(shape) == 1
            and isinstance(raw[0], _Inert)
        ):
            return resolve(raw[0])  # an object that numpy wrapped, as it does with sparse matrices
        dtype, content = number_type.resolve(), _raw_bytes(raw)
        if math.prod(shape) * dtype.itemsize != len(content):
            raise UnsafePickleError("an array whose size is not that of its contents")
        flat = np.frombuffer(content, dtype).astype(dtype.newbyteorder("="))
        return flat.reshape(shape, order="F" if columns_first else "C")


class _Buffer(_Inert):
    """``numpy.core.numeric._frombuffer(bytes, type, shape, order)``, how arrays are written since protocol 5."""

    def resolve(self) -> NDArray[Any]:
        if len(self.arguments) != 4:
            raise UnsafePickleError("an array of unknown form")
        raw, number_type, shape, order = self.arguments
        whole = _Array()
        whole.__setstate__((1, shape, number_type, order == "F", raw))
        return whole.resolve()


class _ArrayClass(_Inert):
    """``numpy.ndarray`` itself, or ``numpy.matrix``, which are only ever handed to ``_reconstruct``."""


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
        known = arguments and isinstance(arguments[0], type) and issubclass(arguments[0], _Inert)
        if not known and not (arguments and isinstance(arguments[0], _Foreign)):
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
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _Array for core in ("core", "_core")},  # numpy 1 and 2
    **{(f"numpy.{core}.multiarray", "scalar"): _Scalar for core in ("core", "_core")},
    **{(f"numpy.{core}.numeric", "_frombuffer"): _Buffer for core in ("core", "_core")},
    **{(module, "matrix"): _ArrayClass for module in ("numpy", "numpy.matrixlib.defmatrix")},
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

    dispatch: ClassVar[dict[int, Any]] = dict(pickle._Unpickler.dispatch)

    def find_class(self, module: str, name: str) -> Any:
        if module == "chumpy" or module.startswith("chumpy."):
            return _Chumpy
        return _NAMES.get((module, name)) or _Foreign(f"{module}.{name}")

    def load_bytearray8(self) -> None:
        """As the standard library's, which takes memory for as many bytes as the file states."""
        (count,) = struct.unpack("<Q", self.read(8))  # type: ignore[attr-defined]
        content = self.read(min(count, _LARGEST_FILE))  # type: ignore[attr-defined]
        if len(content) != count:
            raise UnsafePickleError("fewer bytes than it states")
        self.append(bytearray(content))  # type: ignore[attr-defined]

    dispatch[pickle.BYTEARRAY8[0]] = load_bytearray8


def read_pickle(path: Path, keys: Collection[str] | None = None) -> dict[str, Any]:
    """The dictionary in a pickle of SMPL: arrays for arrays, sparse matrices and chumpy objects; text and numbers as they are.

    ``keys``: the entries that are needed; what the others hold does not matter. Chumpy expressions that were never evaluated are
    left out. Raises InputError, having run nothing, when the needed ones (all, without ``keys``) hold anything else.
    """
    remedy = "Download SMPL again from its authors, or convert it to NPZ."
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise UnsafePickleError("more than a gigabyte")
        content = load_inert(path.read_bytes())
        if not isinstance(content, dict):
            raise UnsafePickleError("no dictionary")
        wanted = {key: value for key, value in content.items() if isinstance(key, str) and (keys is None or key in keys)}
        return {key: resolve(value) for key, value in wanted.items() if not _is_unevaluated(value)}
    except UnsafePickleError as error:
        raise InputError(f"{path} is no SMPL file: it holds {error}. Nothing of it was run.", remedy) from error
    except Exception as error:  # a damaged pickle fails in many ways, deep recursion and memory among them
        raise InputError(f"{path} cannot be read as a pickle ({type(error).__name__}).", remedy) from error


def load_inert(content: bytes) -> Any:
    """What a pickle holds, with inert stand-ins for all objects: see :func:`resolve`. Damaged ones raise errors of many kinds."""
    return _Unpickler(BytesIO(content), encoding="latin1").load()


def _is_unevaluated(value: Any) -> bool:
    """SMPL files hold an expression for the joints, which nobody needs."""
    return isinstance(value, _Chumpy) and not (isinstance(value.state, dict) and {"x", "r"} & value.state.keys())


def resolve(value: Any) -> Any:
    """What a value read from a pickle stands for. Containers stay as they are. Raises UnsafePickleError."""
    if isinstance(value, _Inert):
        method = getattr(value, "resolve", None)
        if method is None:
            raise UnsafePickleError("an object that is no array")
        return method()
    _refuse_foreign(value)
    return value


def _refuse_foreign(value: Any) -> None:
    """Raises UnsafePickleError where a value, or what a container holds, is a name or an object that no SMPL file needs."""
    if isinstance(value, type):
        raise UnsafePickleError(f"the name {getattr(value, 'name', value.__name__)}"[:80])
    if isinstance(value, _Foreign):
        value.resolve()
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list | tuple | set | frozenset):
        for each in value:
            _refuse_foreign(each)


def _is_shape(shape: Any) -> bool:
    return isinstance(shape, tuple) and len(shape) <= 4 and all(isinstance(size, int) and 0 <= size < 2**31 for size in shape)


def _raw_bytes(raw: Any) -> bytes:
    raw = resolve(raw)
    if isinstance(raw, str):  # Python 2's strings are bytes, read as latin1
        raw = raw.encode("latin1")
    if not isinstance(raw, bytes | bytearray):
        raise UnsafePickleError("an array of objects")
    return bytes(raw)
