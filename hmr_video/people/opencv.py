"""OpenCV, which lacks system libraries more often than not."""

from hmr_video.errors import AssetError


def import_opencv() -> None:
    """Imports OpenCV, to see whether that works. Raises AssetError."""
    try:
        import cv2  # noqa: F401
    except ImportError as error:
        raise AssetError(
            f"OpenCV lacks a system library ({error}).",
            "On Debian or Ubuntu: apt-get install libgl1 libglib2.0-0; or put opencv-python-headless in OpenCV's place.",
        ) from error
