import subprocess
import sys

import pytest

from hmr_video.cli.main import run


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("hmr-video 0.")


def test_help_does_not_wait_for_torch() -> None:
    code = "import sys; from hmr_video.cli.main import run; run(['convert', '--help']); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


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
