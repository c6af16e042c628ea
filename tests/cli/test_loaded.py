"""What a command loads is what a newcomer reads to follow it: `convert` of an ordinary clip stays that short."""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parents[2] / "samples" / "one_person.mp4"
MOST_LINES = 8500  # of one person before a camera that stands
# As Python tells of each import; not of the command's own module, which is looked up by its name.
IMPORTED = re.compile(r"^import time: +\d+ \| +\d+ \| +(hmr_video[\w.]*)$", re.MULTILINE)


@pytest.mark.slow
def test_convert_loads_little_of_the_package(blazepose: Path, tmp_path: Path) -> None:
    command = ["convert", str(SAMPLE), "-o", str(tmp_path), "--landmarks", str(blazepose), "--quiet"]
    done = subprocess.run([sys.executable, "-X", "importtime", "-m", "hmr_video", *command], capture_output=True, text=True)
    assert done.returncode == 0
    specs = [find_spec(name) for name in set(IMPORTED.findall(done.stderr))]
    files = [Path(spec.origin) for spec in specs if spec is not None and spec.origin is not None]
    assert len(files) > 50
    assert sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files) <= MOST_LINES
