"""The manifest of a batch: one line of JSON per event, appended and synced, from which a later run resumes.

Events: ``run`` begins a run; ``started``, then ``done``, ``nobody`` or ``failed`` tell of an item. An item's last event counts.
A torn or foreign line is passed over: the worst it can do is that a video is converted again.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from hmr_video.batch.events import EventLog
from hmr_video.batch.outputs import is_safe
from hmr_video.errors import OutputError

FINAL = ("done", "nobody", "failed")
_MAX_LINE = 1_000_000


@dataclass(frozen=True)
class Entry:
    """What the manifest last said of an item.

    key: hash of the options that it was converted with; output: relative to the batch's output; sha256, stamp: see
    `content`; reason: why it failed.
    """

    event: str
    name: str
    key: str
    output: PurePosixPath
    time: float
    sha256: str
    stamp: str
    reason: str
    frames: int
    people: int


def read_entries(files: list[Path]) -> dict[str, Entry]:
    """Item name -> its last entry, of all manifests of one output."""
    entries = [entry for file in files for entry in _entries(file)]
    return {entry.name: entry for entry in sorted(entries, key=lambda entry: entry.time)}


class Manifest(EventLog):
    """Appends events to a manifest file; when :meth:`write` returns, one has reached the disk. Raises OutputError."""

    remedy = "Check the folder, its permissions and the free space; then run the same command again."

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with self._telling():
            if path.stat().st_size > 0 and path.read_bytes()[-1:] != b"\n":
                self._stream.write(b"\n")  # what was being written when the power went keeps to a line of its own

    def write(self, event: str, **values: Any) -> None:
        super().write(event, **values)
        with self._telling():
            os.fsync(self._stream.fileno())


def _entries(file: Path) -> Iterator[Entry]:
    try:
        with file.open("rb") as stream:
            while line := stream.readline(_MAX_LINE):
                if (entry := _entry(line)) is not None:
                    yield entry
    except OSError as error:
        raise OutputError(f"{file} cannot be read: {error.strerror or error}.", "Check its permissions.") from error


def _entry(line: bytes) -> Entry | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(record, dict) or record.get("event") not in (*FINAL, "started"):
        return None
    texts = {name: record.get(name, "") for name in ("event", "name", "key", "output", "sha256", "stamp", "reason")}
    numbers = {name: record.get(name, 0) for name in ("time", "frames", "people")}
    if not all(isinstance(text, str) for text in texts.values()) or not all(_is_number(value) for value in numbers.values()):
        return None
    output = PurePosixPath(texts.pop("output"))
    return Entry(output=output, **texts, **numbers) if is_safe(output) else None


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15
