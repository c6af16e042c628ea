"""What people type, as they mean it: `help`, a file without a command, paths with `~`, addresses where a file is meant."""

import os
import re
import shlex
from collections.abc import Collection
from pathlib import Path
from typing import Any

from hmr_video.errors import InputError, UsageError

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/{1,2}(?!/)(.+)")  # `Path` takes one slash of an address away


def as_meant(arguments: list[str], commands: Collection[str]) -> list[str]:
    """The command line with ``help NAME`` as ``NAME --help``. Raises UsageError where a file stands in a command's place."""
    if not arguments:
        return arguments
    first, *others = arguments
    if first == "help":
        return [*others, "--help"]
    path_as_meant(Path(first))
    if first not in commands and not first.startswith("-") and (Path(first).suffix or "/" in first or Path(first).exists()):
        command = "batch" if Path(first).is_dir() else "convert"
        raise UsageError(f"{first} is no command.", f"Write: hmr-video {command} {shlex.join(arguments)}")
    return arguments


def path_as_meant(path: Path) -> Path:
    """``~`` is the home folder, also where the shell left it alone. Raises InputError for addresses on the network."""
    address = _ADDRESS.fullmatch(str(path))
    if address and len(address[1]) > 1 and not path.exists():
        if address[1] == "file":
            raise InputError(f"{path} is an address.", f"Give the path alone: /{address[2]}")
        raise InputError(
            f"{address[1]}://{address[2]} is a URL, and URLs are not read.", "Download it first, then name the file."
        )
    return Path(os.path.expanduser(path))


def value_as_meant(value: Any) -> Any:
    """What a command is given, with all of its paths as :func:`path_as_meant` says."""
    if isinstance(value, Path):
        return path_as_meant(value)
    return [value_as_meant(one) for one in value] if isinstance(value, list | tuple) else value
