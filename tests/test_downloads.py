"""Sources that fail: silent ones, endless ones, and what is told of the others."""

import sys
import time
from pathlib import Path

import pytest

from hmr_video import downloads
from hmr_video.downloads import DownloadError, Url


def test_silence_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A firewall that drops what it forbids: neither pip nor npm hears of it for minutes."""
    monkeypatch.setattr(downloads, "_SILENCE", 0.3)
    begun = time.monotonic()
    with pytest.raises(DownloadError, match="nothing came"):
        downloads._run([sys.executable, "-c", "import time; time.sleep(60)"], tmp_path, 1000, lambda count: None)
    assert time.monotonic() - begun < 30


@pytest.mark.slow
def test_what_comes_slowly_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "_SILENCE", 1.5)
    slow = "import time\nfor _ in range(10):\n    time.sleep(0.3)\n    open('come', 'ab').write(bytes(100)) and None"
    downloads._run([sys.executable, "-c", slow], tmp_path, 1000, lambda count: None)
    assert (tmp_path / "come").stat().st_size == 1000


def test_a_file_without_end_is_given_up(tmp_path: Path) -> None:
    (tmp_path / "endless").write_bytes(bytes(500_000))
    with pytest.raises(DownloadError, match="larger"):
        Url((tmp_path / "endless").as_uri(), 1000).bring("taken", tmp_path, lambda count: None)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            "WARNING: Retrying : connection broken by x\nERROR: No matching distribution",
            "there is no connection to the index",
        ),
        ("ERROR: Could not find a version\nERROR: No matching distribution", "No matching distribution"),
        ("npm error code E404\nnpm error 404 Not Found\nnpm error A complete log of this run", "404 Not Found"),
        ("Killed\n", "Killed"),
        ("", ""),
    ],
)
def test_of_all_that_was_said_the_reason_is_reported(said: str, reason: str) -> None:
    assert downloads._reason(said) == reason
