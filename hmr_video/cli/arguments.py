"""What people type, before Typer reads it: home folders, addresses, a clip without a command, `help`."""

import os
import re
from collections.abc import Collection
from pathlib import Path

from hmr_video.errors import InputError, UsageError

_ADDRESS = re.compile(r"(?:https?|ftps?|sftp|rtsp|rtmp|s3|gs|file)://", re.IGNORECASE)


def prepared(arguments: list[str], commands: Collection[str]) -> list[str]:
    """The arguments as a shell would have made them, and ``help`` as ``--help``. Raises InputError and UsageError."""
    for argument in arguments:
        if _ADDRESS.match(argument.partition("=")[2] if argument.startswith("-") else argument):
            raise InputError(f"{argument} is an address, and URLs are not read.", "Download it first, then give the file's path.")
    arguments = [re.sub(r"^((?:--?[\w-]+=)?)(~.*)", _at_home, argument, flags=re.DOTALL) for argument in arguments]
    if arguments and arguments[0] == "help":
        return [*arguments[1:], "--help"]
    first = arguments[0] if arguments else ""
    if first and not first.startswith("-") and first not in commands and (Path(first).suffix or Path(first).exists()):
        kind = "batch" if _many_videos(Path(first)) else "convert"
        raise UsageError(f"{first} is no command.", f"To convert it: hmr-video {kind} {first}")
    return arguments


def _at_home(found: re.Match[str]) -> str:
    """``~`` in quotes, or after ``=``, which the shell leaves as it is."""
    return found[1] + os.path.expanduser(found[2])


def _many_videos(folder: Path) -> bool:
    from hmr_video.video.kinds import VIDEOS

    return folder.is_dir() and any(path.suffix.lower() in VIDEOS for path in folder.iterdir())
