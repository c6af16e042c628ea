"""Files that are whole or not there: written under a temporary name, then renamed."""

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import platformdirs

from hmr_video.errors import OutputError

_unfinished: set[Path] = set()


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Raises OutputError when ``path`` exists and may not be replaced: to be asked before long work, too."""
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already.", "Pass --overwrite to replace it, or choose another output.")


@contextmanager
def replacing(path: Path, overwrite: bool = False) -> Iterator[Path]:
    """Yields a temporary path beside ``path`` (a file or a folder may be made there) and renames it when all went well.

    Raises OutputError when ``path`` exists and ``overwrite`` is off, or when it cannot be written.
    """
    refuse_existing(path, overwrite)
    # Names in a folder may be up to 255 bytes: a long one is cut for the temporary's sake. The suffix stays, writers look at it.
    temporary = path.with_name(f".{path.stem[:40]}.{secrets.token_hex(4)}.partial{path.suffix}")
    made = [parent for parent in path.parents if not parent.exists()]
    _unfinished.update((temporary, *made))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        if path.is_dir():
            shutil.rmtree(path)
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(
            f"{path} cannot be written: {error.strerror or error}.", "Check the folder, its permissions and the free space."
        ) from error
    finally:
        _remove(temporary)
        for folder in made:
            _remove_empty(folder)
        _unfinished.difference_update((temporary, *made))


def abandon_unfinished() -> None:
    """Removes what :func:`replacing` is in the middle of: for a program that ends without unwinding."""
    for path in sorted(_unfinished, key=lambda path: len(path.parts), reverse=True):
        if path.name.endswith(f".partial{path.suffix}"):
            _remove(path)
        else:
            _remove_empty(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _remove_empty(folder: Path) -> None:
    with suppress(OSError):  # not empty, or gone
        folder.rmdir()


def sha256(path: Path) -> str:
    """The SHA-256 of a file, as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def cache_folder() -> Path:
    """The folder for what can be made or fetched again; HMR_VIDEO_CACHE overrides the platform's own."""
    override = os.environ.get("HMR_VIDEO_CACHE")
    return Path(override) if override else Path(platformdirs.user_cache_dir("hmr-video"))
