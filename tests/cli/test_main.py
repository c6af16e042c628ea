import json
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from hmr_video.cli.main import program, run


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("hmr-video 0.")


_QUICK = [
    ["--help"],
    ["convert", "--help"],
    ["doctor"],
    ["weights", "list"],
    ["label", "no such folder", "-o", "x"],
    ["render", "no such folder", "-o", "x.mp4"],
]


@pytest.mark.parametrize("arguments", _QUICK)
def test_who_only_asks_does_not_wait_for_torch(arguments: list[str]) -> None:
    code = f"import sys; from hmr_video.cli.main import run; run({arguments}); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


def test_every_help_text_is_shown_whole(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it is taken for markup, and nothing of Python shows through."""
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.setenv("TERMINAL_WIDTH", "400")
    texts = []
    for name, command in get_command(program()).commands.items():  # type: ignore[attr-defined]
        for path, one in [([name], command), *(([name, inner], two) for inner, two in getattr(command, "commands", {}).items())]:
            assert run([*path, "--help"]) == 0
            shown = " ".join(capsys.readouterr().out.replace("│", " ").split())
            assert "list[str]" not in shown
            texts += [text for parameter in one.params if (text := getattr(parameter, "help", None))]
            assert [text for text in texts if " ".join(text.split()) not in shown] == [], path
            texts.clear()


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


def test_an_interrupt_is_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import hmr_video.cli.convert as module

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "convert_one", interrupt)
    assert run(["convert", "x.mp4"]) == 130
    assert capsys.readouterr().err.strip() == "interrupted: nothing was left half-written"


def test_an_interrupt_ends_a_program_that_holds_on(tmp_path: Path) -> None:
    """A thread that nobody can stop, and a file that is being written."""
    code = f"""
import signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # of a background job it is ignored
from pathlib import Path
from hmr_video.cli import main
from hmr_video.cli import convert as module
from hmr_video.files import replacing

def work(*_):
    with replacing(Path({str(tmp_path / "new" / "x.txt")!r})) as temporary:
        temporary.write_text("half")
        print("writing", flush=True)
        for _ in range(600):
            try:
                time.sleep(0.1)
            except KeyboardInterrupt:
                pass

sys.modules["hmr_video.cli.convert"].convert_one = work
sys.argv = ["hmr-video", "convert", "x.mp4"]
main.main()
"""
    program = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert program.stdout is not None
    assert program.stdout.readline() == "writing\n"
    program.send_signal(signal.SIGINT)
    _, said = program.communicate(timeout=30)
    assert program.returncode == 130
    assert said.strip().endswith("interrupted: nothing was left half-written")
    assert list(tmp_path.iterdir()) == []


def test_json_says_null_of_what_is_no_number(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    nothing = float("nan")
    monkeypatch.setattr("hmr_video.evaluate.shapes.measure_shapes", lambda *_: [("all", {"waist": nothing, "hips": 2.5})])
    assert run(["evaluate", "--shape", "--json"]) == 0
    said = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert said == [{"group": "all", "waist": None, "hips": 2.5}]
