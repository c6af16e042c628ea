import resource
import subprocess
import sys
from pathlib import Path

import pytest

from hmr_video.cli.main import run


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("hmr-video 0.")


@pytest.mark.parametrize("arguments", [["--help"], ["convert", "--help"], ["doctor"], ["weights", "list"]])
def test_who_only_asks_does_not_wait_for_torch(arguments: list[str]) -> None:
    code = f"import sys; from hmr_video.cli.main import run; run({arguments}); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_people_are_found_while_torch_is_loaded() -> None:
    code = "import sys, hmr_video.pipeline; sys.exit(bool({'torch', 'scipy', 'ultralytics'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_help_takes_no_longer_than_three_bare_programs(tmp_path: Path) -> None:
    """The processor's time of each, the least of five in turns: others may be at work."""
    (tmp_path / "bare.py").write_text(
        "import typer\n\napp = typer.Typer()\n\n\n@app.command()\ndef greet(name: str) -> None:\n    print(name)\n\n\napp()\n"
    )
    programs = [[str(tmp_path / "bare.py"), "--help"], ["-m", "hmr_video", "--help"]]
    bare, ours = (min(times) for times in zip(*([_processor_time(one) for one in programs] for _ in range(5)), strict=True))
    assert ours < 3 * bare


def _processor_time(arguments: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_a_bug_of_ours_is_one_and_shows_no_traceback_unless_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import hmr_video.cli.convert as module

    def fail(*_: object) -> None:
        raise RuntimeError("oh [dear]")

    monkeypatch.setattr(module, "convert_one", fail)
    assert run(["convert", "x.mp4"]) == 1
    said = capsys.readouterr().err
    assert "oh [dear]" in said
    assert "Traceback" not in said
    assert run(["convert", "x.mp4"], debug=True) == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    import hmr_video.cli.convert as module

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "convert_one", interrupt)
    assert run(["convert", "x.mp4"]) == 130
