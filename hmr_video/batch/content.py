"""What tells one input from another: its bytes, and cheaper, what the file system says of them."""

import hashlib
import os
from pathlib import Path

from hmr_video.errors import InputError
from hmr_video.files import sha256
from hmr_video.video.photos import images_of


def content_hash(source: Path) -> str:
    """SHA-256 of a file, or of the names and bytes of a folder's images; 64 hexadecimal digits. Raises InputError."""
    try:
        if not source.is_dir():
            return sha256(source)
        listing = "\n".join(f"{sha256(image)} {image.name!a}" for image in images_of(source))
        return hashlib.sha256(listing.encode()).hexdigest()
    except OSError as error:
        problem = f"{source} does not exist." if isinstance(error, FileNotFoundError) else f"{source} cannot be read: {error}."
        raise InputError(problem, "Check the path and its permissions.") from error


def stamp(source: Path) -> str:
    """Size and times of a file: while they stay, so does the content. Empty for folders and what is missing."""
    facts = _facts(source)
    return "" if facts is None else f"{facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns}"


def byte_count(source: Path) -> int:
    """The size of a file in bytes, as a measure of the work in it; 0 for folders and what is missing."""
    facts = _facts(source)
    return 0 if facts is None else facts.st_size


def _facts(source: Path) -> os.stat_result | None:
    """What the file system says of a file; None of folders and what is missing."""
    try:
        return None if source.is_dir() else source.stat()
    except (OSError, ValueError):
        return None
