"""Where each item's result goes: the tree of the inputs, mirrored."""

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from hmr_video.batch.items import Item
from hmr_video.results import NAME_BYTES, folder_names

STATE_FOLDER = ".batch"  # of a batch's output: its lock, and results that are not finished
MANIFEST = "manifest.jsonl"


def assign_outputs(items: Iterable[Item], pinned: Mapping[str, PurePosixPath]) -> dict[str, PurePosixPath]:
    """Item name -> the folder of its result, relative to the output: ``walks/a.mp4`` -> ``walks/a``.

    The extension stays where names would clash (``a.mp4`` and ``a.avi``, or a folder ``a`` beside them; case does not tell
    names apart, some file systems ignore it). No result lies inside another's. ``pinned``: assigned in an earlier run, kept.
    """
    items = sorted(items, key=lambda item: item.name)
    parents = {_key(parent) for item in items for parent in PurePosixPath(item.name).parents}
    parents |= {_key(parent) for output in pinned.values() for parent in output.parents}
    stems = Counter(_key(_stem(item)) for item in items)
    outputs = {item.name: pinned[item.name] for item in items if item.name in pinned}
    taken = {_key(output) for output in pinned.values()}
    for item in items:
        if item.name in outputs:
            continue
        for candidate in _candidates(item, lone=stems[_key(_stem(item))] == 1):
            lies_within = any(_key(parent) in taken for parent in candidate.parents)
            if not (_key(candidate) in taken or _key(candidate) in parents or lies_within or _reserved(candidate)):
                outputs[item.name] = candidate
                taken.add(_key(candidate))
                break
    return outputs


def is_safe(output: PurePosixPath) -> bool:
    """Whether a path that was read from a file stays inside the folder it is relative to."""
    try:
        sizes = [len(os.fsencode(part)) for part in output.parts]
    except UnicodeEncodeError:
        return False
    if not sizes or max(sizes) > NAME_BYTES or output.is_absolute() or _reserved(output):
        return False
    return ".." not in output.parts and "\0" not in str(output)


def _candidates(item: Item, lone: bool) -> Iterator[PurePosixPath]:
    path = PurePosixPath(item.name)
    names = folder_names(path.name, item.name)
    yield from (path.parent / name for name in (names if lone else names[-2:]))
    yield PurePosixPath(names[-1])


def _stem(item: Item) -> PurePosixPath:
    path = PurePosixPath(item.name)
    return path.parent / path.stem


def _key(path: PurePosixPath) -> str:
    return unicodedata.normalize("NFC", str(path)).casefold()


def _reserved(output: PurePosixPath) -> bool:
    first = output.parts[0].casefold()
    return first == STATE_FOLDER or (first.startswith("manifest") and first.endswith(".jsonl"))
