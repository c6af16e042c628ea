"""JSON as files hold it: with or without a byte-order mark, packed by gzip or not."""

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

from hmr_video.errors import InputError
from hmr_video.people.keypoints.files.evidence import FORMATS

_LARGEST = 2**31  # bytes


def read_json(path: Path) -> Any:
    """The content of a JSON file; of JSON Lines the list of them. Raises InputError."""
    try:
        content = read_bytes(path)
        return _parsed(content) if content.strip() else None
    except (OSError, EOFError, zlib.error, ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON ({str(error)[:200]}).", FORMATS) from error


def _parsed(content: bytes) -> Any:
    """One document, or several, one a line. Raises ValueError."""
    try:
        return json.loads(content)
    except json.JSONDecodeError as error:
        if not error.msg.startswith("Extra data"):
            raise
        return [json.loads(line) for line in content.splitlines() if line.strip()]


def read_bytes(path: Path) -> bytes:
    """A file's bytes, unpacked where gzip has packed them. Raises OSError, EOFError and zlib.error."""
    content = path.read_bytes()
    if not content.startswith(b"\x1f\x8b"):
        return content
    with gzip.open(path) as stream:
        content = stream.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise OSError("it unpacks to more than two gigabytes")
    return content
