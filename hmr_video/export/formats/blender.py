"""Blender, where there is one, in a process of its own: it is never imported here."""

import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from hmr_video.errors import OutputError, UsageError

_VARIABLE = "HMR_VIDEO_BLENDER"
_REMEDY = (
    'With Python 3.11 or 3.13: pip install ".[fbx]", in the folder of the source. With any: install Blender, and name its '
    f"program in the environment variable {_VARIABLE} if it is not on the path."
)


def find_blender() -> list[str]:
    """The command that a Blender script is put behind. Raises UsageError where there is no Blender.

    It is the program that HMR_VIDEO_BLENDER names (Blender, or a Python with the package `bpy`), this Python where it has `bpy`,
    or the `blender` on the path.
    """
    named = os.environ.get(_VARIABLE)
    program = shutil.which(named or "blender")
    if named and program is None:
        raise UsageError(f"{_VARIABLE} names {named}, which is no program.", _REMEDY)
    if named is None and find_spec("bpy") is not None:
        return [sys.executable]
    if program is None:
        raise UsageError("FBX is read and written by Blender, which is not here.", _REMEDY)
    is_python = Path(program).name.lower().startswith("python")
    return [program] if is_python else [program, "--background", "--factory-startup", "--python-exit-code", "1", "--python"]


def run_script(script: Path, *arguments: Path) -> None:
    """Runs a script in Blender, which finds the arguments behind a `--`, the file to write last. Raises OutputError when it
    fails, UsageError where there is no Blender."""
    command = [*find_blender(), str(script), "--", *map(str, arguments)]
    safe = os.environ | {"PYTHONSAFEPATH": "1"}  # what lies beside the script are no modules of Blender's
    ended = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False, env=safe
    )
    if ended.returncode:
        said = [line for line in (ended.stderr or ended.stdout).splitlines() if line.strip()]
        reason = said[-1].strip() if said else f"exit code {ended.returncode}"
        raise OutputError(f"Blender could not write {arguments[-1].name}: {reason}.", "Try another version of Blender.")
