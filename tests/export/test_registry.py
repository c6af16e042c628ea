"""A format is one module and one line of the table; everything that speaks of formats follows."""

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from hmr_video.cli.shared import FORMAT_NAMES
from hmr_video.cli.shared import Rig as RigOption
from hmr_video.errors import OutputError, UsageError
from hmr_video.export import export
from hmr_video.export.registry import FORMATS, ExportOptions, Format, NewFiles
from hmr_video.export.rigs.names import RIGS
from hmr_video.motion import Motion

if TYPE_CHECKING:
    from hmr_video.body import Body


def _write(motions: list[Motion], body: "Body", files: NewFiles, options: ExportOptions) -> None:
    with files.new("person_01.count") as path:
        path.write_text(str(len(motions[0])))


def test_a_format_is_a_module_and_a_line(motion: Motion, body: "Body", tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("hmr_video.export.formats.count")
    module.write = _write  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(FORMATS, "count", Format("formats.count.write", ("{}.count",)))
    assert export([motion], body, tmp_path, ["count"]) == [tmp_path / "person_01.count"]
    assert (tmp_path / "person_01.count").read_text() == "20"
    with pytest.raises(OutputError):
        export([motion], body, tmp_path, ["count"])
    with pytest.raises(UsageError, match="bones only"):
        export([motion], body, tmp_path, ["count"], ExportOptions(rig="mixamo", overwrite=True))
    with pytest.raises(UsageError) as error:
        export([motion], body, tmp_path, ["counts"])
    assert "count" in str(error.value.remedy).split(", ")[-1]


def test_the_help_names_every_format_and_rig() -> None:
    assert FORMAT_NAMES.split(". ")[0].split(", ") == list(FORMATS)
    assert all(name in RigOption.__metadata__[0].help for name in RIGS)  # type: ignore[attr-defined]
