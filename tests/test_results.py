"""Where results go, and that those of different sources never meet."""

import json
from pathlib import Path

import pytest

from hmr_video.console import Reporter
from hmr_video.errors import OutputError
from hmr_video.results import check_output, folder_names, result_folder


def result_of(source: Path, folder: Path, hallucinated: bool = False) -> None:
    folder.mkdir(parents=True)
    record = {"source": str(source.resolve()), "options": {"hallucinate": hallucinated}}
    (folder / "summary.json").write_text(json.dumps(record))


def test_sources_of_one_name_get_folders_of_their_own(tmp_path: Path) -> None:
    out, reporter = tmp_path / "out", Reporter(quiet=True)
    sources = [tmp_path / name for name in ("a.mkv", "a.mov", "day 2/a.mov")]
    for source in sources:
        result_of(source, result_folder(source, out, reporter))
    names = [path.name for path in sorted(out.iterdir())]
    assert names[:2] == ["a", "a.mov"]
    assert names[2].startswith("a.mov~")
    assert len(reporter.notes) == 2
    assert "holds the result of" in reporter.notes[0]
    assert [result_folder(source, out, reporter).name for source in sources] == names  # and keep them


def test_what_is_hallucinated_does_not_replace_what_is_converted(tmp_path: Path) -> None:
    photo, reporter = tmp_path / "p.jpg", Reporter(quiet=True)
    result_of(photo, tmp_path / "out" / "p")
    assert result_folder(photo, tmp_path / "out", reporter, hallucinated=True).name == "p.jpg"
    assert result_folder(photo, tmp_path / "out", reporter).name == "p"


@pytest.mark.parametrize("name", ["a.mp4", "a", "...mp4", "..", "x" * 255, "\udcff.mp4"])
def test_names(name: str) -> None:
    names = folder_names(name, f"walks/{name}")
    assert not {"", ".", ".."} & set(names[:1]) or name == ".."
    assert all(len(one.encode(errors="surrogateescape")) <= 255 for one in names)
    assert folder_names(name, "other")[-1] != names[-1]


def test_asking_makes_nothing(tmp_path: Path) -> None:
    check_output(tmp_path / "new" / "deep" / "clip", overwrite=False)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="is a file"):
        check_output(tmp_path / "file" / "clip", overwrite=False)
