"""OpenCV, which lacks system libraries more often than not."""

from hmr_video.errors import AssetError


def import_opencv() -> None:
    """Imports OpenCV, to see whether that works. Raises AssetError."""
    try:
        import cv2  # noqa: F401
    except ModuleNotFoundError as error:
        raise AssetError(f"OpenCV is not installed ({error}).", "Install hmr-video again.") from error
    except ImportError as error:
        raise AssetError(
            f"OpenCV lacks a system library ({error}).",
            "On Debian or Ubuntu, as root: apt-get update && apt-get install -y --no-install-recommends libgl1 libglib2.0-0;"
            " or else: pip uninstall -y opencv-python && pip install opencv-python-headless.",
        ) from error
