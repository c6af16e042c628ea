"""Memory does not grow with the length of a video, results aside."""

import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from hmr_video.console import Reporter
from hmr_video.video import open_video
from hmr_video.video.writer import VideoWriter

SAMPLE = Path(__file__).parents[2] / "samples" / "one_person.mp4"
RATE, SIZE = 30, (320, 180)
GROWTH = 0.15  # of the shorter video's peak
SETTLED = 20.0  # seconds from which the fit works in blocks of full length
RESULT = 20_000  # bytes a frame and person of what is the result: its arrays and those that it is made of
MEASURE = """
import resource, sys
from hmr_video.cli.main import run
code = run(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
sys.exit(code)
"""


def film(path: Path, seconds: float) -> Path:
    """The sample to and fro for so long: one person who never leaves."""
    frames = [cv2.resize(frame, SIZE) for chunk in open_video(SAMPLE, Reporter(quiet=True)).chunks() for frame in chunk.frames]
    swing = frames + frames[-2:0:-1]
    with VideoWriter(path, float(RATE), SIZE) as writer:
        for index in range(round(seconds * RATE)):
            writer.write(swing[index % len(swing)])
    return path


def peak(video: Path, output: Path) -> int:
    """Bytes that a conversion was resident with at most."""
    command = [sys.executable, "-c", MEASURE, "convert", str(video), "-o", str(output), "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return int(done.stdout) * (1 if sys.platform == "darwin" else 1024)


@pytest.mark.slow
def test_a_long_video_takes_no_more_memory(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    seconds = 60 * pytestconfig.getoption("minutes")
    fewer = max(seconds / 10, SETTLED)
    short = peak(film(tmp_path / "short.mp4", fewer), tmp_path)
    long = peak(film(tmp_path / "long.mp4", seconds), tmp_path)
    results = (seconds - fewer) * RATE * RESULT
    print(f"{fewer:g} s: {short / 1e6:.0f} MB; {seconds:g} s: {long / 1e6:.0f} MB")
    assert long - results < (1 + GROWTH) * short
