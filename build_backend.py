"""Hatchling, which builds the package, after a look at the system: what it lacks is said before gigabytes are downloaded."""

import ctypes
import os
import sys
from typing import Any

from hatchling import build
from hatchling.build import *  # noqa: F403

OF_OPENCV = {"libGL.so.1": "libgl1", "libglib-2.0.so.0": "libglib2.0-0"}  # by library, the Debian package


def get_requires_for_build_wheel(config_settings: dict[str, Any] | None = None) -> list[str]:
    """What pip asks first of all."""
    check_system()
    return build.get_requires_for_build_wheel(config_settings)


def get_requires_for_build_editable(config_settings: dict[str, Any] | None = None) -> list[str]:
    """The same, for ``pip install -e``."""
    check_system()
    return build.get_requires_for_build_editable(config_settings)


def check_system() -> None:
    """Ends the build on a Linux where OpenCV could not be loaded, unless HMR_VIDEO_SKIP_CHECK is set."""
    missing = [library for library in OF_OPENCV if not _loads(library)]
    if sys.platform != "linux" or not missing or os.environ.get("HMR_VIDEO_SKIP_CHECK"):
        return
    sys.exit(
        f"error: OpenCV, which will be installed, needs {' and '.join(missing)}.\nOn Debian or Ubuntu, as root:\n\n"
        f"    apt-get update && apt-get install -y --no-install-recommends {' '.join(OF_OPENCV[name] for name in missing)}\n\n"
        "HMR_VIDEO_SKIP_CHECK=1 installs all the same: for opencv-python-headless in its place, see README.md."
    )


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
