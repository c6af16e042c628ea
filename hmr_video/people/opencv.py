"""OpenCV, which lacks system libraries more often than not."""

import sys

from hmr_video.errors import AssetError


def import_opencv() -> None:
    """Imports OpenCV, to see whether that works. Raises AssetError."""
    try:
        import cv2  # noqa: F401
    except ImportError as error:
        pip = f"{sys.executable} -m pip"
        raise AssetError(
            f"OpenCV lacks a system library ({error}).",
            "On Debian or Ubuntu: `apt-get update && apt-get install -y libgl1 libglib2.0-0`; or, without system packages: "
            f"`{pip} uninstall -y opencv-python` and `{pip} install --force-reinstall --no-deps opencv-python-headless`.",
        ) from error
