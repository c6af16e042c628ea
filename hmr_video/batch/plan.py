"""What is left to do: the items against the manifest."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hmr_video.batch.content import content_hash, stamp
from hmr_video.batch.items import Item
from hmr_video.batch.manifest import Entry
from hmr_video.batch.outputs import assign_outputs
from hmr_video.errors import InputError
from hmr_video.results import SUMMARY


@dataclass(frozen=True)
class Planned:
    """An item, the folder of its result, and what an earlier run with the same options said of the same content.

    ours: that run began to write ``output`` and did not finish, so that it may be replaced. stale: it finished, but with other
    options or other content.
    """

    item: Item
    output: Path
    earlier: Entry | None = None
    ours: bool = False
    stale: bool = False


def plan(items: Iterable[Item], output: Path, entries: Mapping[str, Entry], key: str) -> list[Planned]:
    """All items with their outputs below ``output``, in the order of their names."""
    outputs = assign_outputs(items, {name: entry.output for name, entry in entries.items()})
    planned = []
    for item in sorted(items, key=lambda item: item.name):
        folder, entry = output / outputs[item.name], entries.get(item.name)
        earlier = entry if entry is not None and _still_true(entry, item, folder, key) else None
        event = None if entry is None else entry.event
        stale = event == "done" and earlier is None
        planned.append(Planned(item, folder, earlier, ours=event == "started", stale=stale))
    return planned


def _still_true(entry: Entry, item: Item, output: Path, key: str) -> bool:
    """Whether converting the item would end as the manifest says it did."""
    if entry.key != key or entry.event == "started":
        return False
    if entry.event == "done" and not (output / SUMMARY).is_file():
        return False
    return (entry.stamp != "" and entry.stamp == stamp(item.source)) or entry.sha256 == _hash_if_any(item.source)


def _hash_if_any(source: Path) -> str:
    try:
        return content_hash(source)
    except InputError:
        return ""
