"""`hmr-video doctor`: what is here, what is missing, and what to do about it."""

import json
import platform
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import typer
from rich.console import Console
from rich.table import Table

from hmr_video.cli import shared
from hmr_video.errors import AssetError, HmrVideoError

PACKAGES = ("torch", "ultralytics", "openvino", "av", "decord", "numba", "smplx", "pyrender2", "lightning", "ray")


def doctor(as_json: shared.Json = False) -> None:
    """Check the installation: packages, weights, bodies, renderers."""
    findings = {
        "hmr-video": version("hmr-video"),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
    }
    findings |= {name: _version(name) for name in PACKAGES}
    problems: list[str] = []
    for name, check in CHECKS.items():
        try:
            findings[name] = check()
        except HmrVideoError as error:
            findings[name] = "not usable"
            problems.append(f"{name}: {error.problem} {error.remedy}")
    if as_json:
        typer.echo(json.dumps(findings | {"problems": problems}))
    else:
        _print(findings, problems)
    if problems:
        raise AssetError("The installation is not complete.", "Follow the remedies above.")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _check_detector() -> str:
    from hmr_video.assets import find_model_file
    from hmr_video.options import PeopleOptions
    from hmr_video.people.detect.engine import choose_engine
    from hmr_video.people.detect.opencv import import_opencv

    import_opencv()
    engine, device = choose_engine("auto", "auto")
    if engine == "torch":
        from hmr_video.people.detect.ultralytics import import_ultralytics

        import_ultralytics()
    detector = PeopleOptions().detector
    path = find_model_file(detector)
    if path is None:
        raise AssetError(
            f"The detector {detector} is not on this machine.",
            f"`hmr-video weights get {detector}` brings it, or the first convert.",
        )
    return f"{path.name} on {engine} ({device})"


def _check_landmarks() -> str:
    from hmr_video.assets import MODEL_FILES, find_model_file
    from hmr_video.people.keypoints.choice import NONE, stored_choice

    names = [name for name in MODEL_FILES if name.startswith("blazepose")]
    here = [name for name in names if find_model_file(name)]
    chosen = stored_choice()
    if here and chosen != NONE and not (find_spec("openvino") or find_spec("ai_edge_litert")):
        raise AssetError("Neither OpenVINO nor LiteRT is installed.", "pip install openvino, or on ARM ai-edge-litert.")
    if chosen in (*here, NONE):
        return f"{chosen}, chosen by --landmarks auto"
    return ", ".join(here) or f"not here; `hmr-video weights get {names[0]}` brings a network"


def _check_weights() -> str:
    from hmr_video.assets import find_weights, read_metadata

    path = find_weights("default")  # compares it with the hash in its manifest
    return f"{read_metadata(path)['name']}, {path.stat().st_size / 1e6:.1f} MB"


def _check_body() -> str:
    from hmr_video.assets import find_body
    from hmr_video.motion import load_arrays

    return f"open, {len(load_arrays(find_body('open'))['v_template'])} vertices"


def _check_folder() -> str:
    from hmr_video.files import cache_folder, replacing

    with replacing(cache_folder() / "doctor", overwrite=True) as probe:
        probe.touch()
    (cache_folder() / "doctor").unlink()
    return str(cache_folder())


def _check_renderer() -> str:
    from hmr_video.console import Reporter
    from hmr_video.export.render import choose_renderer

    return choose_renderer("auto", Reporter(quiet=True)).name


CHECKS: dict[str, Callable[[], str]] = {
    "detector": _check_detector,
    "landmarks": _check_landmarks,
    "weights": _check_weights,
    "body": _check_body,
    "cache": _check_folder,
    "renderer": _check_renderer,
}


def _print(findings: dict[str, str], problems: list[str]) -> None:
    table = Table(box=None, show_header=False)
    for name, found in findings.items():
        table.add_row(f"[bold]{name}[/bold]", found)
    console = Console(highlight=False)
    console.print(table)
    for problem in problems:
        console.print(f"[yellow]problem:[/yellow] {problem}", soft_wrap=True)
    if not problems:
        console.print("[green]Everything that convert needs is here.[/green]")
