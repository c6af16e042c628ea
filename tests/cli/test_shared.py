"""The options of commands are the fields of `Options`."""

from typing import Any

import pytest
import typer

from hmr_video.cli.main import program, run
from hmr_video.cli.shared import takes_options
from hmr_video.errors import UsageError
from hmr_video.options import Options, PeopleOptions, option_fields, options_from

NO_OPTIONS = {"people", "hallucinate", "confidence", "input_size"}  # a group, a command of its own, of the library


def test_convert_takes_every_option_and_their_defaults() -> None:
    command = typer.main.get_command(program()).commands["convert"]  # type: ignore[attr-defined]
    taken = {parameter.name: parameter.default for parameter in command.params}
    options = {one.name for one in option_fields()}
    assert options == (Options.__dataclass_fields__.keys() | PeopleOptions.__dataclass_fields__.keys()) - NO_OPTIONS | {"people"}
    assert {name: taken[name] for name in options} == {one.name: one.default for one in option_fields()}


def test_a_command_is_called_with_the_options_that_are_said() -> None:
    seen: list[Any] = []

    @takes_options(but=["height"])
    def command(word: str, options: Options = Options(), loud: bool = False) -> None:  # noqa: B008
        seen.append((word, options, loud))

    program = typer.Typer()
    program.command()(command)
    arguments = "hello --every 2 --image-size 640x480 --detector-engine torch --no-refine --loud"
    program(arguments.split(), standalone_mode=False)
    wanted = Options(PeopleOptions(engine="torch"), refine=False, every=2, image_size=(640, 480))
    assert seen == [("hello", wanted, True)]
    with pytest.raises(Exception, match="No such option"):
        program(["hello", "--height", "1.8"], standalone_mode=False)


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(UsageError, match="no option called hight"):
        options_from({"hight": 1.8})


def test_a_wrong_size_is_wrong_usage() -> None:
    assert run(["convert", "--keypoints", "x.npz", "--image-size", "640"]) == 2


def test_silhouettes_need_a_landmark_network() -> None:
    with pytest.raises(UsageError, match="silhouettes"):
        PeopleOptions(silhouettes=True, landmarks="none")
