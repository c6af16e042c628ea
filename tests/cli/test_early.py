"""What is missing is said before anything that takes seconds to load."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hmr_video.console import Reporter
from hmr_video.errors import AssetError
from hmr_video.options import Options
from hmr_video.pipeline import run

SAMPLE = Path(__file__).parents[2] / "samples" / "one_person.mp4"


@pytest.mark.parametrize(
    "arguments",
    [
        ["convert", "absent.mp4"],
        ["convert", "--keypoints", __file__, "--video", "absent.mp4"],
        ["batch", "absent"],
        ["hallucinate", "absent.jpg"],
        ["benchmark", "absent.mp4"],
        ["evaluate", "absent", "gone"],
        ["evaluate", "--mocap", "absent"],
        ["train", "absent"],
        ["export", "absent", "-f", "glb"],
        ["view", "absent"],
    ],
)
def test_a_missing_input_is_reported_without_torch(arguments: list[str], tmp_path: Path) -> None:
    code = "import sys; from hmr_video.cli.main import run; sys.exit(run(sys.argv[1:]) + 10 * ('torch' in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 3
    assert "does not exist" in done.stderr
    assert not os.listdir(tmp_path)


def test_a_missing_system_library_is_reported_before_anything_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise AssetError("OpenCV lacks a system library.", "Install it.")

    def fetch(wanted: str, reporter: Reporter) -> None:
        pytest.fail("something would be fetched")

    monkeypatch.setattr("hmr_video.pipeline.import_opencv", broken)
    monkeypatch.setattr("hmr_video.pipeline.choose_landmarks", fetch)
    with pytest.raises(AssetError, match="system library"):
        run(SAMPLE, Options(), Reporter(quiet=True))
