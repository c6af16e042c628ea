"""What people type at first: each gets an answer that helps, before anything that takes long is loaded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hmr_video.cli.main import run


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["convert", "https://example.org/a.mp4"], 3, "Download it first"),
        (["convert", "a.mp4", "--keypoints=HTTP://example.org/a.json"], 3, "URLs are not read"),
        (["s3://bucket/a.mp4"], 3, "s3://bucket/a.mp4"),
        (["clip.mp4"], 2, "hmr-video convert clip.mp4"),
        (["convert", "clip.mp4", "-o", "foo.glb"], 2, "--format glb"),
        (["batch", ".", "-o", "foo.MP4"], 2, "names a folder"),
        (["convert", "clip.mp4", "-o", "file"], 7, "file is a file"),
        (["convert", "clip.mp4", "--format", "FBX"], 2, "Blender"),
        (["render", "clip.mp4", "-o", "x.gif"], 2, ".png"),
        (["render", "clip.mp4", "-o", "x.png"], 2, "this is a video"),
        (["benchmark", "absent.mp4"], 3, "does not exist"),
        (["evaluate", "absent", "gone"], 3, "absent does not exist"),
    ],
)
def test_answers(
    arguments: list[str],
    code: int,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("clip.mp4").symlink_to(Path(__file__).parents[2] / "samples" / "one_person.mp4")
    Path("file").touch()
    assert run(arguments) == code
    assert told in capsys.readouterr().err
    assert sorted(os.listdir()) == ["clip.mp4", "file"]


def test_a_folder_of_videos_is_a_batch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.MOV").touch()
    assert run([str(tmp_path)]) == 2
    assert f"hmr-video batch {tmp_path}" in capsys.readouterr().err


def test_home_in_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for given in (["--keypoints", "~/absent.json"], ["--keypoints=~/absent.json"]):
        assert run(["convert", *given]) == 3
        assert f"{tmp_path / 'absent.json'} does not exist" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["help"], ["-h"], ["help", "convert"], ["convert", "-h"], ["help", "weights", "get"]])
def test_help_in_every_way(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 0
    assert "Usage: hmr-video" in capsys.readouterr().out


def test_no_help_text_is_lost_to_markup(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    for command in ("convert", "export", "batch", "view", "render", "hallucinate", "evaluate", "benchmark", "label", "train"):
        assert run([command, "-h"]) == 0
        told = capsys.readouterr().out
        assert "list[" not in told
        assert "hmr-video)" not in told


@pytest.mark.parametrize(
    "arguments", [["batch", "absent"], ["label", "absent", "-o", "x"], ["hallucinate", "absent"], ["train", "absent"]]
)
def test_what_is_missing_is_said_without_torch(arguments: list[str]) -> None:
    code = "import sys; from hmr_video.cli.main import run; sys.exit(run(sys.argv[1:]) + 10 * ('torch' in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True).returncode == 3


def test_whose_result_stands_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from hmr_video.errors import OutputError
    from hmr_video.results import check_output

    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "summary.json").write_text('{"source": "/videos/a.mkv", "options": {"hallucinate": false}}')
    with pytest.raises(OutputError, match=r"/videos/a\.mkv"):
        check_output(folder, overwrite=False)
    (folder / "summary.json").write_text("[]")
    with pytest.raises(OutputError, match="a result already"):
        check_output(folder, overwrite=False)
    check_output(tmp_path / "new" / "b", overwrite=False)
    assert not (tmp_path / "new").exists()
