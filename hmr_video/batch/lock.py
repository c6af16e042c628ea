"""One run at a time per output folder, or one per shard."""

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from hmr_video.errors import OutputError

Shard = tuple[int, int] | None
_BYTE = 1 << 30  # Windows locks bytes, and keeps others from reading them: one far behind the content


def shard_tag(shard: Shard) -> str:
    """``all``, or ``3-of-16``."""
    return "all" if shard is None else f"{shard[0]}-of-{shard[1]}"


@contextmanager
def locked(folder: Path, shard: Shard) -> Iterator[None]:
    """Holds ``folder`` (the batch's state) for this process: alone, or beside other shards of the same division.

    The system lets go of the lock when its holder dies, however it dies: no lock is ever stale. Raises OutputError.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        stream = (folder / f"lock-{shard_tag(shard)}").open("a+b")
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be written: {error.strerror or error}.", "Check the folder, its permissions and the free space."
        ) from error
    with stream:
        if not _try_lock(stream):
            raise _taken(folder, stream)
        for path in sorted(folder.glob("lock-*")):
            if _conflicts(path.name.removeprefix("lock-"), shard):
                with path.open("a+b") as other:
                    if not _try_lock(other):
                        raise _taken(folder, other)
        stream.truncate(0)
        stream.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode())
        stream.flush()
        yield


def _conflicts(tag: str, shard: Shard) -> bool:
    """Whether a run under another lock would touch the same items."""
    return tag != shard_tag(shard) and (shard is None or not tag.endswith(f"-of-{shard[1]}"))


def _taken(folder: Path, stream: BinaryIO) -> OutputError:
    try:
        stream.seek(0)
        holder = json.loads(stream.read(1000))
        who = f"process {int(holder['pid'])} on {holder['host']}"
    except (OSError, ValueError, KeyError, TypeError, OverflowError, RecursionError):
        who = "another process"
    return OutputError(
        f"A batch is running into {folder.parent} already ({who}).", "Wait for it or stop it, or choose another output folder."
    )


def _try_lock(stream: BinaryIO) -> bool:
    """Locks an open file for this process until it is closed; False when another one holds it."""
    try:
        if sys.platform == "win32":
            import msvcrt

            stream.seek(_BYTE)
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError as error:
        raise OutputError(
            f"{stream.name!s} cannot be locked: {error.strerror or error}.",
            "Choose an output folder on a file system with locks (NFS and Lustre have them as a mount option).",
        ) from error
    return True
