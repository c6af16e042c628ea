"""The log of a batch: JSON lines for machines that watch."""

import json
import time
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from hmr_video.errors import OutputError


class EventLog:
    """Appends events to a file, or to nothing. Raises OutputError when the file cannot be opened or written."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._stream: TextIO | None = None

    def __enter__(self) -> "EventLog":
        if self._path is not None:
            try:
                self._stream = self._path.open("a", encoding="ascii", buffering=1)
            except OSError as error:
                raise self._cannot_write(error) from error
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None:
            self.write("stopped", reason=str(error) or kind.__name__)
        if self._stream is not None:
            self._stream.close()

    def write(self, event: str, **values: Any) -> None:
        if self._stream is not None:
            try:
                self._stream.write(json.dumps({"time": time.time(), "event": event} | values) + "\n")
            except OSError as error:
                raise self._cannot_write(error) from error

    def _cannot_write(self, error: OSError) -> OutputError:
        return OutputError(f"{self._path} cannot be written: {error.strerror or error}.", "Choose another file for --log.")
