"""The README's lines are real: each is parsed, as those of the pages are; those of its `bash` and `python` blocks are run, its
table is compared."""

import re
import shutil
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
import typer.main

from hmr_video.assets import find_model_file
from hmr_video.cli.main import program, run
from hmr_video.files import cache_folder

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [README, *(page.read_text(encoding="utf-8") for page in sorted((ROOT / "docs").rglob("*.md")))]
COMMANDS = sorted(
    {
        command
        for page in PAGES
        for pattern in (r"^ *hmr-video (.*?)(?:\s+#.*)?$", r"`hmr-video (\w[^`]*)`")
        for command in re.findall(pattern, page, re.MULTILINE)
    }
)
ELSEWHERE = (  # what tests cannot run: it installs, fetches, or is pytest itself
    "apt-get ",
    "python3 -m venv ",
    ".venv/bin/pip ",
    "HMR_VIDEO_SKIP_CHECK=1 .venv/bin/pip ",
    ".venv/bin/pytest",
    "pytest ",
    ". .venv/bin/activate",
    "hmr-video weights get ",
)
EVALUATION = "evaluate --samples"
ROWS = {
    "MPJPE, mm": ["mpjpe"],
    "PA-MPJPE, mm": ["pa_mpjpe"],
    "PVE, mm": ["pve"],
    "acceleration error, mm/frame²": ["acceleration_error"],
    "acceleration, predicted and true, mm/frame²": ["acceleration", "true_acceleration"],
}
# Between processors, and versions of the libraries, positions differ by 2 % at most, a dancer's accelerations by 12 %.
TOLERANCE, OF_ACCELERATIONS = 0.04, 0.15


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_names_options_that_exist(command: str) -> None:
    name, *arguments = command.split()
    known = typer.main.get_command(program()).commands[name]  # type: ignore[attr-defined]
    known = getattr(known, "commands", {}).get(arguments[0], known) if arguments else known  # of a group, the command in it
    options = {"--help"} | {option for parameter in known.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert {argument for argument in arguments if argument.startswith("-")} <= options


def test_the_first_command_is_the_one_that_ci_runs() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for step in re.findall(r"^python3 -m venv .*$", README, re.MULTILINE):
        for part in step.split(" && "):
            assert part in script


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What each line of the `bash` and `python` blocks prints, run in order, in a folder with the samples as in a fresh clone.

    `evaluate` chooses its landmark network as on a new machine; the others do as in all tests.
    """
    folder, usual = tmp_path_factory.mktemp("clone"), cache_folder()
    shutil.copytree(ROOT / "samples", folder / "samples")
    printed = {"folder": str(folder)}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr("webbrowser.open", lambda address: True)
        for language, block in re.findall(r"^```(bash|python)\n(.*?)^```", README, re.MULTILINE | re.DOTALL):
            if language == "python":
                printed["python"] = _output_of(lambda block=block: exec(block, {}))
                continue
            for arguments in _lines(block):
                new = arguments == EVALUATION and find_model_file("blazepose-heavy") is not None
                patch.setenv("HMR_VIDEO_CACHE", str(_new_cache(folder / "cache", usual) if new else usual))
                printed[arguments] = _output_of(lambda arguments=arguments: _run(arguments))
    return printed


@pytest.mark.slow
def test_the_lines_run_in_order(printed: dict[str, str]) -> None:
    folder = Path(printed["folder"])
    made = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and path.stat().st_size > 1000}
    assert made >= {
        "hmr-out/one_person/person_01.npz",
        "hmr-out/one_person/overlay.mp4",
        "hmr-out/one_person/view.html",
        "hmr-out/one_person/amass/person_01_amass.npz",
        "hmr-out/two_crossing/people.glb",
        "hmr-out/two_crossing/person_02.bvh",
        "hmr-out/photo/person_01.npz",
        "level/one_person/person_01.npz",
        "converted/two_crossing/people.glb",
    }
    assert printed["python"].split("\n")[0] == "(30, 72) (30, 3) (30, 24, 3)"


@pytest.mark.slow
def test_the_table_is_what_the_command_prints(printed: dict[str, str]) -> None:
    """The table holds with the best landmark network; without any, the means in the sentence below it."""
    table = re.findall(r"^ *(\w+) \[.*?\]((?: +[\d.]+){4})", printed[EVALUATION], re.MULTILINE)
    rows = {name: [float(number) for number in numbers.split()] for name, numbers in table}
    if find_model_file("blazepose-heavy") is None:
        sentence = re.search(r"with `--landmarks none` the means are (.*?)\.\s", README)
        assert sentence is not None
        said = [float(number) for number in re.findall(r"([\d.]+) mm", sentence[1])]
        names = [name for names in list(ROWS.values())[:4] for name in names]
        for name, number in zip(names, said, strict=True):
            _compare(name, [number], rows[name][-1:])
        return
    for title, names in ROWS.items():
        line = re.search(rf"^\| {re.escape(title)} \|(.*)\|$", README, re.MULTILINE)
        assert line is not None, title
        cells = [[float(number) for number in cell.split(" and ")] for cell in line[1].split("|")]
        for name, stated in zip(names, zip(*cells, strict=True), strict=True):
            _compare(name, list(stated), rows[name])


def _compare(name: str, stated: list[float], found: list[float]) -> None:
    tolerance = OF_ACCELERATIONS if "acceleration" in name else TOLERANCE
    assert stated == pytest.approx(found, rel=tolerance), f"{name}: the README says {stated}, the program {found}"


def _lines(block: str) -> list[str]:
    """The command lines of our program in a block, without its name."""
    steps = [step.strip() for line in block.splitlines() for step in line.split("#")[0].split(" && ")]
    lines = [step.removeprefix(".venv/bin/") for step in steps if not step.startswith(ELSEWHERE)]
    assert all(line.startswith("hmr-video ") for line in lines), lines
    return [line.removeprefix("hmr-video ") for line in lines]


def _run(arguments: str) -> None:
    assert run(arguments.split()) == 0, arguments


def _output_of(program: Callable[[], None]) -> str:
    with redirect_stdout(StringIO()) as output:
        program()
    return output.getvalue()


def _new_cache(cache: Path, usual: Path) -> Path:
    """A cache with the files of networks that are in the usual one, where nothing has been chosen yet."""
    cache.mkdir()
    for name in ("models", "openvino"):
        (cache / name).symlink_to(usual / name)
    return cache
