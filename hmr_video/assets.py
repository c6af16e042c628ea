"""Where weights and bodies lie: those that ship, and those that the user added."""

import os
from pathlib import Path

import platformdirs

from hmr_video.errors import AssetError

SHIPPED_WEIGHTS = "default"
SHIPPED_BODY = "open"


def shipped_folder() -> Path:
    """The folder `weights`: inside the package once installed, at the top of a checkout."""
    package = Path(__file__).parent
    return next((folder for folder in (package / "weights", package.parent / "weights") if folder.is_dir()), package / "weights")


def user_folder() -> Path:
    """The folder for what the user added; HMR_VIDEO_HOME overrides the platform's own."""
    override = os.environ.get("HMR_VIDEO_HOME")
    return Path(override) if override else Path(platformdirs.user_data_dir("hmr-video"))


def find_weights(name: str = SHIPPED_WEIGHTS) -> Path:
    """The weight file called ``name``, or at that path. Raises AssetError."""
    return _find(
        name, "weights", ".safetensors", {SHIPPED_WEIGHTS: "model.safetensors"}, "`hmr-video weights list` shows what is here."
    )


def find_body(name: str = SHIPPED_BODY) -> Path:
    """The body file called ``name``, or at that path. Raises AssetError."""
    return _find(name, "bodies", ".npz", {SHIPPED_BODY: "open_body.npz"}, "Add one with `hmr-video body add FILE`.")


def _find(name: str, folder: str, suffix: str, shipped: dict[str, str], remedy: str) -> Path:
    if name in shipped:
        path = shipped_folder() / shipped[name]
        if not path.is_file():
            raise AssetError(f"{path} is missing.", "Install hmr-video again.")
        return path
    for path in (user_folder() / folder / f"{name}{suffix}", Path(name)):
        if path.is_file():
            return path
    raise AssetError(f"There is nothing called {name}.", remedy)
