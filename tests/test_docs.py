"""The pages are real: notebooks run and hold no output, files that are named are there, every format is described."""

import json
import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from hmr_video.export import FORMATS

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
PATTERNS = {"export/formats/NAME.py"}
PAGES = [*(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")), *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.slow
@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_from_top_to_bottom(notebook: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [cell for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
    assert not any(cell["outputs"] or cell["execution_count"] for cell in cells)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.mkdtemp", lambda: str(tmp_path))
    names: dict[str, object] = {}
    for cell in cells:
        with redirect_stdout(StringIO()) as printed:
            exec("".join(cell["source"]), names)
        assert printed.getvalue().strip()


def test_there_is_a_notebook() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_files_that_are_named_are_there(page: Path) -> None:
    """Of the source, in backticks, as seen from its root or from the package."""
    named = set(re.findall(r"`((?:\w+/)+\w+\.(?:py|md|toml))`", page.read_text(encoding="utf-8")))
    assert {name for name in named if not any((folder / name).exists() for folder in (ROOT, ROOT / "hmr_video"))} <= PATTERNS


def test_every_room_is_reported() -> None:
    table = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").split("## Rooms")[1].split("##")[0]
    modules = {path.parent for path in (ROOT / "hmr_video").glob("*/__init__.py")} | set((ROOT / "hmr_video").glob("[!_]*.py"))
    assert {path.name for path in modules} <= {name.rstrip("/") for name in re.findall(r"`([\w/.]+)`", table)}


def test_every_format_is_reported() -> None:
    rows = re.findall(r"^\| (`.*?) \|", (ROOT / "docs" / "result-files.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(FORMATS) <= {name for row in rows for name in re.findall(r"`(\w+)`", row)}
