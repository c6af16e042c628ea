"""From a name to a body."""

from functools import lru_cache

import numpy as np

from hmr_video.assets import find_body
from hmr_video.body.base import Body
from hmr_video.body.open import OpenBody, four_influences
from hmr_video.errors import AssetError, InputError
from hmr_video.files import sha256
from hmr_video.motion import load_arrays


@lru_cache(maxsize=4)
def load_body(name: str = "open") -> Body:
    """The body of a name or path, loaded once per process.

    Args:
        name: ``open``, a body that the user added, or the path of a body or weight file that holds one.

    Returns:
        The body, in smplx's frame: metres, y up, +x the subject's left, facing +z.

    Raises:
        AssetError: when it is missing, damaged, or a pickle that was not added.
    """
    path = find_body(name)
    if path.suffix == ".safetensors":
        from hmr_video.body.published import read_published_body

        return read_published_body(path)
    if path.suffix == ".pkl":
        raise AssetError(f"{path} is a pickle, which is not used as it is.", f"Run `hmr-video body add {path}` once.")
    try:
        arrays = load_arrays(path)
        if "posedirs" not in arrays:
            weights = four_influences(np.asarray(arrays["weights"], np.float64))
            return OpenBody(dict(arrays) | {"weights": weights}, name, sha256(path))
        from hmr_video.body.smpl import SmplBody

        return SmplBody(arrays, name, sha256(path))
    except KeyError as error:
        raise AssetError(f"{path} lacks {error}.", "Install hmr-video again, or add the body again.") from error
    except InputError as error:
        raise AssetError(error.problem, "Install hmr-video again, or add the body again.") from error
