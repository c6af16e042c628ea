"""A converter that does what its source says, so that scheduling can be tested without video."""

import os
import signal
import time
from pathlib import Path

from hmr_video.console import Reporter
from hmr_video.errors import AssetError, InputError, NobodyFoundError
from hmr_video.files import replacing


class ScriptedConverter:
    """Sources are texts of words: ``nobody bad bug die sleep asset full remove``; ``once``: only at the first attempt.

    ``remove`` deletes ``z.txt`` beside the source, which becomes a result like all others. ``loading``: seconds that loading
    models takes, once in each process.
    """

    def __init__(self, loading: float = 0.0) -> None:
        self._loading = loading

    def prepare(self) -> None:
        time.sleep(self._loading)
        self._loading = 0.0

    def __call__(self, source: Path, folder: Path, reporter: Reporter) -> dict[str, int]:
        words = source.read_text().split()
        if "once" in words:
            mark = source.with_name(f".{source.name}.tried")
            words = [] if mark.exists() else words
            mark.touch()
        with reporter.progress("Finding people", 5) as advance:
            advance(5)
        if "nobody" in words:
            raise NobodyFoundError("Nobody was found.", "Look again.")
        if "bad" in words:
            raise InputError(f"{source} is damaged.", "Make it again.")
        if "bug" in words:
            raise RuntimeError("unheard of")
        if "asset" in words:
            raise AssetError("There are no weights.", "Install again.")
        if "full" in words:
            with replacing(folder):
                raise OSError(28, "No space left on device")
        if "remove" in words:
            source.with_name("z.txt").unlink()
        if "die" in words:
            os.kill(os.getpid(), signal.SIGKILL)
        if "sleep" in words:
            time.sleep(600)
        pause = 0.04 if "slow" in words else 0.0
        with replacing(folder) as temporary:
            temporary.mkdir()
            for name, content in (("summary.json", b"{}"), ("person_01.npz", source.read_bytes())):
                with (temporary / name).open("wb") as stream:
                    for half in (content[:1], content[1:]):
                        time.sleep(pause)
                        stream.write(half)
                        stream.flush()
        return {"frames": 5, "people": 1}
