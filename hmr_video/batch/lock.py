"""One run at a time per output folder, or one per shard."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from hmr_video.errors import OutputError

Shard = tuple[int, int] | None


def shard_tag(shard: Shard) -> str:
    """``all``, or ``3-of-16``."""
    return "all" if shard is None else f"{shard[0]}-of-{shard[1]}"


@contextmanager
def locked(folder: Path, shard: Shard) -> Iterator[None]:
    """Holds ``folder`` (the batch's state) for this process: alone, or beside other shards of the same division.

    The system lets go of the lock when its holder dies, however it dies. Raises OutputError.
    """
    with _held(folder, shard_tag(shard)):
        for path in sorted(folder.glob("lock-*")):
            tag = path.name.removeprefix("lock-")
            if _conflicts(tag, shard):
                with _held(folder, tag):
                    pass
        holder = _holder_file(folder, shard_tag(shard))
        holder.write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
        try:
            yield
        finally:
            holder.unlink(missing_ok=True)


@contextmanager
def _held(folder: Path, tag: str) -> Iterator[None]:
    lock = FileLock(folder / f"lock-{tag}", timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise OutputError(
            f"A batch is running into {folder.parent} already ({_holder(folder, tag)}).",
            "Wait for it or stop it, or choose another output folder.",
        ) from None
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be written: {error.strerror or error}.", "Check the folder, its permissions and the free space."
        ) from error
    try:
        yield
    finally:
        lock.release()


def _conflicts(tag: str, shard: Shard) -> bool:
    """Whether a run under another lock would touch the same items."""
    return tag != shard_tag(shard) and (shard is None or not tag.endswith(f"-of-{shard[1]}"))


def _holder_file(folder: Path, tag: str) -> Path:
    return folder / f"holder-{tag}.json"


def _holder(folder: Path, tag: str) -> str:
    try:
        holder = json.loads(_holder_file(folder, tag).read_bytes())
        return f"process {int(holder['pid'])} on {holder['host']}"
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return "another process"
