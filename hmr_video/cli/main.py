"""The `hmr-video` program: its commands, and how errors become exit codes."""

import atexit
import functools
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any, NoReturn

import typer
from typer.main import get_command

from hmr_video.assets import go_offline
from hmr_video.cli.batch import batch
from hmr_video.cli.benchmark import benchmark
from hmr_video.cli.body import body
from hmr_video.cli.convert import convert, hallucinate
from hmr_video.cli.doctor import doctor
from hmr_video.cli.evaluate import evaluate
from hmr_video.cli.export import export, render, retarget, view
from hmr_video.cli.label import label
from hmr_video.cli.train import train
from hmr_video.cli.weights import weights
from hmr_video.cli.wording import as_meant, paths_as_meant
from hmr_video.console import INTERRUPTED, end_soon_after_interrupts, exit_code_of, tell_interrupted

app = typer.Typer(
    name="hmr-video",
    help="Turn a video of people into smooth 3D body meshes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from hmr_video import __version__

        typer.echo(f"hmr-video {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="On an error, print the traceback too. May stand anywhere.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Fetch no model files. May stand anywhere.")] = False,
) -> None:
    """Options of every command. :func:`main` takes out ``debug`` and ``offline``, wherever they stand."""


app.command()(convert)
app.command()(export)
app.command()(retarget)
app.command()(batch)
app.command()(view)
app.command()(render)
app.command()(hallucinate)
app.command()(evaluate)
app.command()(benchmark)
app.command()(label)
app.command()(train)
app.add_typer(weights, name="weights")
app.add_typer(body, name="body")
app.command()(doctor)


def _telling_interrupts(command: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(command)
    def wrapped(**values: Any) -> None:
        try:
            command(**values)
        except KeyboardInterrupt:
            tell_interrupted()
            raise typer.Exit(INTERRUPTED) from None

    return wrapped


for _group in (app, weights, body):
    for _command in _group.registered_commands:
        if _command.callback is not None:
            _command.callback = _telling_interrupts(paths_as_meant(_command.callback))


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

    def program() -> None:
        app(as_meant(arguments, get_command(app).commands))  # type: ignore[attr-defined]

    return exit_code_of(program, debug)
