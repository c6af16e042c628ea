"""What people type, as they mean it, and what they are told where it cannot be meant."""

from dataclasses import asdict
from pathlib import Path

import pytest

from hmr_video.cli.main import run
from hmr_video.cli.shared import check_folder, split_formats
from hmr_video.cli.wording import as_meant, path_as_meant
from hmr_video.errors import InputError, OutputError, UsageError
from hmr_video.export import check_formats
from hmr_video.options import Options


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["clip.mp4", "--world"], "hmr-video convert clip.mp4 --world"),
        (["my clip.mp4"], "hmr-video convert 'my clip.mp4'"),
        (["https://example.org/a.mp4"], "https://example.org/a.mp4 is a URL"),
        (["convert", "https://example.org/a.mp4"], "https://example.org/a.mp4 is a URL"),
        (["convert", "x.mp4", "--keypoints", "http://example.org/a.json"], "http://example.org/a.json is a URL"),
        (["batch", "s3://bucket/videos"], "s3://bucket/videos is a URL"),
        (["convert", "file:///tmp/a.mp4"], "/tmp/a.mp4"),
        (["convert", "x.mp4", "-o", "foo.GLB"], "--format glb"),
        (["convert", "x.mp4", "-o", "foo.mp4"], "-o names a folder"),
        (["convert", "x.mp4", "-f", "abc"], "Blender"),
        (["export", "x", "-f", "gltf"], "glb"),
        (["convert", "x.mp4", "--device", "gpu"], "auto, cpu, cuda"),
        (["batch", "x", "--device", "gpu"], "auto, cpu, cuda"),
    ],
)
def test_the_remedy_names_what_is_meant(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) in (2, 3)
    assert said in capsys.readouterr().err.replace("\n", " ")


def test_a_folder_in_the_place_of_a_command_is_a_batch(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="hmr-video batch"):
        as_meant([str(tmp_path)], ["convert"])


@pytest.mark.parametrize("arguments", [["-h"], ["help"], ["convert", "-h"], ["help", "convert"], ["help", "weights", "list"]])
def test_help_is_found(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 0
    assert "Usage: " in capsys.readouterr().out


def test_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert path_as_meant(Path("~/a.mp4")) == tmp_path / "a.mp4"
    assert path_as_meant(Path("C:/a.mp4")) == Path("C:/a.mp4")
    assert path_as_meant(Path("a~b:c.mp4")) == Path("a~b:c.mp4")
    with pytest.raises(InputError, match="rtsp://camera/1 is a URL"):
        path_as_meant(Path("rtsp://camera/1"))


@pytest.mark.parametrize("option", ["--weights", "--body", "--detector"])
def test_names_that_may_be_paths(option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import hmr_video.cli.convert as module

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    seen: list[Options] = []
    monkeypatch.setattr(module, "convert_one", lambda source, keypoints, output, options, *others: seen.append(options))
    run(["convert", "x.mp4", option, "~/mine"])
    given = asdict(seen[0])
    assert (given | given["people"])[option[2:]] == str(tmp_path / "mine")


def test_formats_in_any_case() -> None:
    assert split_formats(["GLB, .Bvh", "obj,,"]) == ["glb", "bvh", "obj"]
    with pytest.raises(UsageError, match="Choose from"):
        check_formats(["nonsense"])


def test_results_go_into_folders(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "really.mp4").mkdir()
    with pytest.raises(OutputError, match="is a file"):
        check_folder(tmp_path / "file")
    check_folder(tmp_path / "really.mp4")
    check_folder(tmp_path / "v1.2")
