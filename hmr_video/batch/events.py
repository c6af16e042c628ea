"""The log of a batch: JSON lines for machines that watch."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from hmr_video.errors import OutputError


class EventLog:
    """Appends events to a file, or to nothing. Raises OutputError when the file cannot be opened or written."""

    remedy = "Choose another file for --log."

    def __init__(self, path: Path | None) -> None:
        self._path = path or Path(os.devnull)
        with self._telling():
            self._stream: BinaryIO = self._path.open("ab", buffering=0)

    def __enter__(self) -> "EventLog":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if kind is not None:
            self.write("stopped", reason=str(error) or kind.__name__)
        self.close()

    def write(self, event: str, **values: Any) -> None:
        line = json.dumps({"event": event, "time": time.time()} | values) + "\n"
        with self._telling():
            self._stream.write(line.encode("ascii"))

    def close(self) -> None:
        self._stream.close()

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """Makes errors of the system ones that tell what to do."""
        try:
            yield
        except OSError as error:
            raise OutputError(f"{self._path} cannot be written: {error.strerror or error}.", self.remedy) from error
