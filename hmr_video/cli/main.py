"""The `hmr-video` program: its commands, and how errors become exit codes."""

import atexit
import functools
import json
import math
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from importlib import import_module
from typing import Annotated, Any, NoReturn

import typer

from hmr_video.assets import go_offline
from hmr_video.cli.wording import as_meant, value_as_meant
from hmr_video.console import INTERRUPTED, end_soon_after_interrupts, exit_code_of, tell_interrupted

# Command or group of commands -> the module in `hmr_video.cli` that has it, which is imported when it is asked for.
COMMANDS = {
    "convert": "convert",
    "export": "export",
    "retarget": "export",
    "batch": "batch",
    "view": "export",
    "render": "export",
    "hallucinate": "convert",
    "evaluate": "evaluate",
    "benchmark": "benchmark",
    "label": "label",
    "train": "train",
    "weights": "weights",
    "body": "body",
    "doctor": "doctor",
}


def program(names: Iterable[str] = COMMANDS) -> typer.Typer:
    """The program with these commands."""
    app = typer.Typer(
        name="hmr-video",
        help="Turn a video of people into smooth 3D body meshes.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(options)
    for name in names:
        command = _command(name)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


@functools.cache
def _command(name: str) -> Callable[..., None] | typer.Typer:
    """A command, or a group of them, as typed."""
    command: Callable[..., Any] | typer.Typer = getattr(import_module(f"hmr_video.cli.{COMMANDS[name]}"), name)
    if not isinstance(command, typer.Typer):
        return _as_typed(command)
    for one in command.registered_commands:
        if one.callback is not None:
            one.callback = _as_typed(one.callback)
    return command


def _print_version(wanted: bool) -> None:
    if wanted:
        from hmr_video import __version__

        typer.echo(f"hmr-video {__version__}")
        raise typer.Exit


def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="On an error, print the traceback too. May stand anywhere.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Fetch no model files. May stand anywhere.")] = False,
) -> None:
    """Options of every command. :func:`main` takes out ``debug`` and ``offline``, wherever they stand."""


def _as_typed(command: Callable[..., Any]) -> Callable[..., None]:
    """The command that takes paths as they are meant, prints what it returns if `--json` asks for it, and tells of interrupts."""

    @functools.wraps(command)
    def wrapped(**values: Any) -> None:
        try:
            record = command(**{name: value_as_meant(value) for name, value in values.items()})
            if record is not None and values["as_json"]:
                typer.echo(json.dumps(_finite(record), allow_nan=False))
        except KeyboardInterrupt:
            tell_interrupted()
            raise typer.Exit(INTERRUPTED) from None

    return wrapped


def _finite(record: Any) -> Any:
    """A record with null for what is not a number, which JSON does not have."""
    if isinstance(record, dict):
        return {key: _finite(value) for key, value in record.items()}
    if isinstance(record, list | tuple):
        return [_finite(value) for value in record]
    return None if isinstance(record, float) and not math.isfinite(record) else record


def main() -> None:
    """Runs the program and exits with the code that the README documents."""
    arguments = sys.argv[1:]
    if "--offline" in arguments:
        go_offline()
    end_soon_after_interrupts()
    code = run([argument for argument in arguments if argument not in ("--debug", "--offline")], "--debug" in arguments)
    leave(code)


def leave(code: int) -> NoReturn:
    """Ends the process at once: to take torch and OpenVINO apart, piece by piece, takes half a second."""
    if code != INTERRUPTED:  # of which threads, which would be waited for, may not have been told
        atexit._run_exitfuncs()
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


def run(arguments: list[str], debug: bool = False) -> int:
    """Runs one command line; returns its exit code. Errors are printed to standard error."""

    def asked() -> None:
        meant = as_meant(arguments, COMMANDS)
        program(meant[:1] if meant and meant[0] in COMMANDS else COMMANDS)(meant)

    return exit_code_of(asked, debug)
