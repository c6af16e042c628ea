"""What a command loads is what a newcomer reads to follow it: `convert` of an ordinary clip stays that short."""

import subprocess
import sys
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[2] / "samples" / "one_person.mp4"
MOST_LINES = 10_950  # of one person before a camera that stands
RUN = """
import sys
from pathlib import Path
from hmr_video.cli.main import run
code = run(sys.argv[1:])
files = {module.__file__ for name, module in sys.modules.items() if name.partition(".")[0] == "hmr_video"}
print(sum(len(Path(file).read_text(encoding="utf-8").splitlines()) for file in files))
sys.exit(code)
"""


@pytest.mark.slow
def test_convert_loads_little_of_the_package(blazepose: Path, tmp_path: Path) -> None:
    command = ["convert", str(SAMPLE), "-o", str(tmp_path), "--landmarks", str(blazepose), "--quiet"]
    done = subprocess.run([sys.executable, "-c", RUN, *command], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) <= MOST_LINES
