"""decord, which reads ordinary files faster than PyAV; whether a file is one, `hmr_video.video.containers` decides."""

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hmr_video.video.source import Array, Frame

_THREADS = 1  # several conceal an error otherwise each time


class DecordReader:
    """A file whose frames are ``size``, width and height, and are shown at ``times`` (N,) s."""

    def __init__(self, path: Path, size: tuple[int, int], times: Array) -> None:
        self._path, self._size, self._times = path, size, times

    def is_able(self) -> bool:
        """Whether decord is here and begins to read the file as it should."""
        try:
            import decord
        except (ImportError, OSError):
            return False
        decord.logging.set_level(decord.logging.FATAL)
        with contextlib.suppress(Exception):  # decord raises a zoo of types; whatever it is, PyAV takes over
            video = self._open()
            return len(video) == len(self._times) and self._fits(video.next())
        return False

    def frames(self) -> Iterator[Frame]:
        """Frames until the end or until decord gives up; the caller carries on with PyAV from there.

        Always from the start: where decord seeks to may be another picture.
        """
        video = self._open()
        for frame_id, time in enumerate(self._times):
            try:
                image = video.next().asnumpy()
            except Exception as error:  # decord's own error class is a bare Exception
                logging.getLogger(__name__).debug("decord stopped at frame %d: %s", frame_id, error)
                return
            if not self._fits(image):
                return
            yield Frame(frame_id, float(time), image)

    def _open(self) -> Any:
        import decord

        return decord.VideoReader(str(self._path.absolute()), num_threads=_THREADS)

    def _fits(self, image: Any) -> bool:
        return bool(image.shape == (self._size[1], self._size[0], 3))
