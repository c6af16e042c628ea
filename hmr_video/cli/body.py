"""`hmr-video body`: bodies that are here; a user's own SMPL, added and removed."""

from pathlib import Path
from typing import Annotated, Any

import typer

from hmr_video.cli import shared

body = typer.Typer(help="List bodies; add or remove your own SMPL file.", no_args_is_help=True)


@body.command()
def add(
    file: Annotated[Path, typer.Argument(help="SMPL_NEUTRAL.pkl or the like, or its NPZ.")],
    name: Annotated[str | None, typer.Option(help="What to call it.", show_default="the file's name, in lower case")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a body of that name.")] = False,
) -> None:
    """Convert an SMPL file into a safe one of ours, for --body NAME. Nothing in the file is run."""
    from hmr_video.body.smpl_file import LICENCE, add_smpl
    from hmr_video.console import Reporter

    path = add_smpl(file, name, overwrite)
    reporter = Reporter()
    reporter.say(f"{path}\nUse it with --body {path.stem}")
    reporter.note(LICENCE)


@body.command("list")
def list_bodies(as_json: shared.Json = False) -> dict[str, Any]:
    """Show the bodies that are here, their licences and hashes."""
    from hmr_video.assets import installed_bodies

    found = [_describe(path) for path in installed_bodies()]
    for entry in [] if as_json else found:
        typer.echo(f"{entry['name']}: {entry['path']}\n  licence: {entry['licence']}\n  sha256: {entry['sha256']}")
    return {"bodies": found}


@body.command()
def remove(name: Annotated[str, typer.Argument(help="The name of a body that you have added.")]) -> None:
    """Delete a body that you have added."""
    from hmr_video.body.smpl_file import remove_body

    remove_body(name)


def _describe(path: Path) -> dict[str, str]:
    """A body file for people and programs. Raises InputError."""
    from hmr_video.assets import shipped_folder
    from hmr_video.files import sha256
    from hmr_video.motion import load_arrays

    name = "open" if path.parent == shipped_folder() else path.stem
    return {
        "name": name,
        "path": str(path),
        "licence": str(load_arrays(path).get("licence", "not stated")),
        "sha256": sha256(path),
    }
