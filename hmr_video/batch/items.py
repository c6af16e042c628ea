"""Which videos a batch is about: folders walked, lists read, every file once."""

import hashlib
import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import groupby
from pathlib import Path, PurePosixPath

from hmr_video.errors import InputError, UsageError
from hmr_video.results import SUMMARY
from hmr_video.video.animations import is_animated
from hmr_video.video.kinds import PHOTOGRAPHS, VIDEOS


@dataclass(frozen=True)
class Item:
    """One input. ``source``: where it lies; ``name``: what it is called in this batch, relative to the batch's root."""

    source: Path
    name: str


def find_videos(
    folder: Path, include: Sequence[str], exclude: Sequence[str], output: Path, note: Callable[[str], None]
) -> list[Item]:
    """What `convert` takes below ``folder``, by name. Hidden files, what lies in ``output``, and results are left out.

    include, exclude: globs over the path from ``folder`` or over the file's name; without ``include``, what has the ending of a
    video or a photograph, and as one item a folder that holds nothing but the numbered frames of a clip. A file that several
    links lead to is one item. Folders that cannot be read are noted. Raises InputError.
    """
    if not folder.is_dir():
        problem = f"{folder} is a file." if folder.exists() else f"{folder} does not exist."
        raise InputError(problem, "Name a folder of videos; `hmr-video convert` converts a single one.")
    names = (path.relative_to(folder) for path in _files(folder, output, note))
    wanted = [name for name in names if _wanted(name, include, exclude)]
    if not include:
        wanted = _with_clips(folder, wanted)
    return _once(Item(folder / name, name.as_posix() if name.parts else folder.resolve().name) for name in wanted)


def listed_videos(text: bytes, root: Path) -> list[Item]:
    """The items of a list: a path a line, or each ended by a zero byte (as `find -print0` writes them).

    Relative paths begin at ``root``; what lies outside of it is named by its whole path.
    """
    lines = text.split(b"\0") if b"\0" in text else text.splitlines()
    start = os.path.abspath(root)
    items = []
    for path in (os.path.abspath(os.path.join(start, os.fsdecode(line))) for line in lines if line.strip()):
        below = os.path.commonpath([start, path]) == start and path != start
        name = Path(os.path.relpath(path, start)) if below else Path(*Path(path).parts[1:])
        items.append(Item(Path(path), name.as_posix()))
    return _once(items)


def parse_shard(value: str | None) -> tuple[int, int] | None:
    """``3/16`` -> (3, 16). Raises UsageError."""
    if value is None:
        return None
    index, _, count = value.partition("/")
    if not (index.isdecimal() and count.isdecimal() and 1 <= int(index) <= int(count) <= 1_000_000):
        raise UsageError(f"--shard {value} means nothing.", "Write 3/16 for the third of sixteen parts.")
    return int(index), int(count)


def in_shard(item: Item, shard: tuple[int, int] | None) -> bool:
    """Whether an item belongs to part i of n; decided by its name alone, so that new files move no others."""
    if shard is None:
        return True
    index, count = shard
    digest = hashlib.sha256(os.fsencode(item.name)).digest()
    return int.from_bytes(digest[:8]) % count == index - 1


def _wanted(name: Path, include: Sequence[str], exclude: Sequence[str]) -> bool:
    def fits(patterns: Sequence[str]) -> bool:
        return any(fnmatchcase(text, pattern) for pattern in patterns for text in (name.as_posix(), name.name))

    return (fits(include) if include else name.suffix.lower() in VIDEOS | PHOTOGRAPHS) and not fits(exclude)


def _with_clips(folder: Path, names: list[Path]) -> list[Path]:
    """The files, but folders in place of the frames of clips, which are photographs whose names differ by a number alone."""
    kept: list[Path] = []
    for parent, files in groupby(sorted(names, key=lambda name: name.parent), lambda name: name.parent):
        group = list(files)
        frames = group[0].suffix.lower() in PHOTOGRAPHS and len({re.sub("[0-9]+", "0", name.name) for name in group}) == 1
        kept += [parent] if frames and len(group) > 1 and not is_animated(folder / group[0]) else group
    return kept


def _files(folder: Path, output: Path, note: Callable[[str], None]) -> Iterator[Path]:
    """All files below ``folder`` but hidden ones and results; links are followed, each real folder is entered once."""
    entered = {os.path.realpath(output)} - {os.path.realpath(folder)}

    def skipped(error: OSError) -> None:
        note(f"{error.filename} cannot be read ({error.strerror}) and was left out.")

    for top, folders, files in os.walk(folder, followlinks=True, onerror=skipped):
        real = os.path.realpath(top)
        if real in entered or (SUMMARY in files and any(PurePosixPath(name).match("person_[0-9]*.npz") for name in files)):
            folders.clear()
            continue
        entered.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(top, name) for name in sorted(files) if not name.startswith("."))


def _once(items: Iterator[Item] | list[Item]) -> list[Item]:
    """The items sorted by name; of several names of one file, the first."""
    first: dict[str, Item] = {}
    for item in sorted(items, key=lambda item: item.name):
        first.setdefault(os.path.realpath(item.source), item)
    return list(first.values())
