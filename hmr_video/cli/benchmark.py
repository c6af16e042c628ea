"""`hmr-video benchmark`: how fast this is on this machine."""

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from hmr_video.cli import shared
from hmr_video.cli.tables import print_table
from hmr_video.errors import UsageError

if TYPE_CHECKING:
    from hmr_video.evaluate.benchmark import Benchmark
    from hmr_video.evaluate.stages import Cost


def benchmark(
    clip: Annotated[
        Path | None, typer.Argument(help="A video.", show_default="300 frames of 720p, made of a sample with one person")
    ] = None,
    runs: Annotated[int, typer.Option(help="Measure so often, and tell the medians.", min=1)] = 5,
    growth: Annotated[bool, typer.Option("--growth", help="What twice the frames, people and resolution cost instead.")] = False,
    weights: shared.Weights = "default",
    device: shared.Device = "auto",
    as_json: shared.Json = False,
) -> dict[str, Any]:
    """Time every stage and the whole program, and ResNet-50 on one crop a frame beside them."""
    if growth and clip is not None:
        raise UsageError("--growth makes its clips itself.", "Leave the clip out.")
    shared.must_exist(clip)
    from hmr_video.assets import shipped_folder
    from hmr_video.evaluate import benchmark as room

    sample = shipped_folder("samples") / "one_person.mp4"
    if growth:
        grown = {name: asdict(one) for name, one in room.growth(sample, runs=runs, device=device).items()}
        if not as_json:
            lines = [[name, *(f"{value:.2f}" for value in one.values())] for name, one in grown.items()]
            print_table(["twice the", "time", "processor time", "peak memory", "time of detection"], lines)
        return grown
    with tempfile.TemporaryDirectory() as folder:
        measured = room.benchmark(clip or room.standard_clip(sample, Path(folder)), runs, weights, device)
    if not as_json:
        _print(measured)
    return measured.as_dict()


def _print(measured: "Benchmark") -> None:
    frames = measured.clip.frames
    table = Table(box=None, header_style="bold", title_justify="left")
    table.title = f"{frames} frames of {measured.clip.width} x {measured.clip.height}, on {measured.device}"
    for heading in ("", "ms/frame", "processors, ms/frame", "first run, ms/frame", "peak, MB"):
        table.add_column(heading, justify="right" if heading else "left")

    def row(name: str, cost: "Cost", first: str = "") -> None:
        peak = "-" if cost.peak_mb is None else f"{cost.peak_mb:.0f}"
        table.add_row(name, f"{cost.seconds / frames * 1e3:.1f}", f"{cost.processor_seconds / frames * 1e3:.1f}", first, peak)

    for name, stage in measured.stages.items():
        row(name, stage.again, f"{stage.first.seconds / frames * 1e3:.1f}")
    table.add_section()
    row("the whole program", measured.program, f"{measured.cold.seconds / frames * 1e3:.1f}")
    for name, crop in measured.crops.items():
        table.add_row(f"ResNet-50, {name}, a crop", f"{crop.seconds * 1e3:.1f}", f"{crop.processor_seconds * 1e3:.1f}")
    table.add_section()
    table.add_row("the whole program, s", f"{measured.program.seconds:.1f}")
    table.add_row("its start-up, s", f"{measured.start_up.seconds:.1f}")
    table.add_row("frames a second after that", f"{measured.frames_per_second:.0f}")
    for name in measured.crops:
        table.add_row(f"of ResNet-50's time, {name}", f"{measured.share(name):.2f}")
    Console(soft_wrap=True).print(table)
