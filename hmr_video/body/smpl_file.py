"""A user's own SMPL file: checked, and converted to arrays without pickle."""

import hashlib
import zipfile
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hmr_video.assets import SHIPPED_BODY, user_folder
from hmr_video.body.unpickle import UnsafePickleError, load_inert, read_pickle, resolve
from hmr_video.errors import AssetError, InputError, OutputError, UsageError
from hmr_video.files import replacing
from hmr_video.geometry.skeleton import PARENTS

Arrays = dict[str, NDArray[Any]]

VERTICES, FACES, JOINTS, BETAS, POSE_FEATURES = 6890, 13776, 24, 10, 207
LICENCE = "SMPL, Copyright Max-Planck-Gesellschaft: for non-commercial research only, not to be passed on (smpl.is.tue.mpg.de)."
_KEYS = ("v_template", "shapedirs", "posedirs", "J_regressor", "weights", "kintree_table", "f")
_LARGEST_ARRAYS = 2**31  # bytes, unpacked
_REMEDY = "Give the file SMPL_NEUTRAL.pkl, SMPL_MALE.pkl or SMPL_FEMALE.pkl of the SMPL project, or its NPZ."


def read_smpl(path: Path) -> Arrays:
    """The arrays of an SMPL file, PKL or NPZ, in float32, checked. Raises InputError.

    v_template (6890, 3), shapedirs (6890, 3, 10), posedirs (6890, 3, 207), J_regressor (24, 6890), weights (6890, 24),
    kintree_table (2, 24), f (13776, 3).
    """
    if not path.exists():
        raise InputError(f"{path} does not exist.", "Check the path.")
    if path.is_dir():
        raise InputError(f"{path} is a folder where a file is meant.", _REMEDY)
    content = _read_npz(path) if zipfile.is_zipfile(path) else read_pickle(path, _KEYS)
    missing = [key for key in _KEYS if key not in content]
    if missing:
        raise InputError(f"{path} is no SMPL file: it lacks {', '.join(missing)}.", _REMEDY)
    try:
        _refuse_relatives(path, content)
        arrays: Arrays = {key: np.asarray(content[key], _type_of(key)) for key in _KEYS}
        arrays["shapedirs"] = arrays["shapedirs"][..., :BETAS]
    except (IndexError, OverflowError, TypeError, ValueError) as error:
        raise InputError(f"{path} is no SMPL file: not all its entries are arrays of numbers.", _REMEDY) from error
    _check(path, arrays)
    return arrays


def add_smpl(path: Path, name: str | None = None, overwrite: bool = False) -> Path:
    """Converts an SMPL file into the user's folder of bodies; returns the NPZ. Raises InputError, UsageError, OutputError."""
    name = path.stem.lower() if name is None else name
    if (
        not name
        or name == SHIPPED_BODY
        or not all(letter.isalnum() or letter in "_-." for letter in name)
        or name.startswith(".")
    ):
        raise UsageError(f"{name!r} cannot be a body's name.", "Choose letters, digits, - and _ with --name; open is taken.")
    arrays = read_smpl(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    output = user_folder() / "bodies" / f"{name}.npz"
    entries: dict[str, Any] = arrays | {"kind": np.array("smpl"), "licence": np.array(LICENCE), "source_sha256": np.array(digest)}
    with replacing(output, overwrite) as temporary:
        np.savez(temporary, **entries)
    return output


def remove_body(name: str) -> None:
    """Deletes a body that the user added. Raises AssetError when there is none, OutputError when it cannot be deleted."""
    folder = user_folder() / "bodies"
    if name not in {path.stem for path in folder.glob("*.npz")}:
        raise AssetError(f"You have added no body called {name}.", "`hmr-video body list` shows what is here.")
    try:
        (folder / f"{name}.npz").unlink()
    except OSError as error:
        raise OutputError(
            f"{folder / name}.npz cannot be deleted: {error.strerror}.", "Check the folder's permissions."
        ) from error


def _read_npz(path: Path) -> Mapping[str, NDArray[Any]]:
    """The needed arrays of an NPZ, those of objects, which are pickles, among them. Raises InputError."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > _LARGEST_ARRAYS:
                raise InputError(f"{path} is no SMPL file: it unpacks to more than two gigabytes.", _REMEDY)
            present = {Path(name).stem for name in archive.namelist()}
            return {key: _read_npy(archive.read(f"{key}.npy")) for key in _KEYS if key in present}
    except UnsafePickleError as error:
        raise InputError(f"{path} is no SMPL file: it holds {error}. Nothing of it was run.", _REMEDY) from error
    except InputError:
        raise
    except Exception as error:  # zip, zlib, header and pickle refusals: all mean the same to the user
        raise InputError(f"{path} cannot be read as NPZ ({type(error).__name__}).", _REMEDY) from error


def _read_npy(content: bytes) -> Any:
    """An array as numpy saves it, of objects or not."""
    stream = BytesIO(content)
    read_header = np.lib.format.read_array_header_1_0
    if np.lib.format.read_magic(stream) != (1, 0):
        read_header = np.lib.format.read_array_header_2_0
    if read_header(stream)[2].hasobject:
        return resolve(load_inert(stream.read()))
    return np.load(BytesIO(content), allow_pickle=False)


def _type_of(key: str) -> type:
    return np.int64 if key in ("f", "kintree_table") else np.float32


def _refuse_relatives(path: Path, content: Mapping[str, Any]) -> None:
    tree = np.asarray(content["kintree_table"])
    count = tree.shape[-1] if tree.ndim == 2 else 0
    relative = {52: "SMPL-H", 55: "SMPL-X"}.get(count)
    if relative:
        raise InputError(f"{path} is a file of {relative} ({count} joints), which is not supported.", _REMEDY)


def _check(path: Path, arrays: Arrays) -> None:
    """Raises InputError unless shapes are SMPL's and values make sense."""
    shapes = {
        "v_template": (VERTICES, 3),
        "shapedirs": (VERTICES, 3, BETAS),
        "posedirs": (VERTICES, 3, POSE_FEATURES),
        "J_regressor": (JOINTS, VERTICES),
        "weights": (VERTICES, JOINTS),
        "kintree_table": (2, JOINTS),
        "f": (FACES, 3),
    }
    wrong = [f"{key} has shape {arrays[key].shape} for {shape}" for key, shape in shapes.items() if arrays[key].shape != shape]
    if wrong:
        raise InputError(f"{path} is no SMPL file: {wrong[0]}.", _REMEDY)
    sound = (
        all(np.isfinite(array).all() for array in arrays.values())
        and tuple(arrays["kintree_table"][0, 1:]) == PARENTS[1:]
        and arrays["f"].min() >= 0
        and arrays["f"].max() < VERTICES
        and np.allclose(arrays["weights"].sum(1), 1, atol=1e-2)
        and np.allclose(arrays["J_regressor"].sum(1), 1, atol=1e-2)
    )
    if not sound:
        raise InputError(f"{path} is damaged: its numbers are not those of a body.", _REMEDY)
