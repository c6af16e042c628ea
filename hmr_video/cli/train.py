"""`hmr-video train`: mocap in, weights out."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from hmr_video.cli import shared
from hmr_video.cli.tables import print_kinds
from hmr_video.console import Reporter
from hmr_video.errors import missing_extra


def train(
    mocap: Annotated[Path | None, typer.Argument(help="Folder of AMASS-layout NPZ or BVH files, searched recursively.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The weights file to write.")] = Path("model.safetensors"),
    up: shared.Up = None,
    config: Annotated[
        str | None, typer.Option(help="TOML file with any setting of the run; `smoke` is ours, for a try of two minutes.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="One setting, as in --set objective.velocity=20. May be repeated."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(help="Name of the run; its state lies in the cache folder and is gone on from.", show_default="default"),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what would be done and how long it takes; do nothing.")
    ] = False,
    sheet: Annotated[Path | None, typer.Option(help="Draw a picture of training poses to this PNG; do nothing else.")] = None,
    count: Annotated[
        bool, typer.Option("--count", help="Tell how much of each kind of pose the motion holds; do nothing else.")
    ] = False,
    tracks: Annotated[Path | None, typer.Option(help="Folder of tracks that `label` made, to train on too.")] = None,
    filmed: Annotated[
        Path | None, typer.Option(help="File of windows that `python -m hmr_video.synth.film` filmed, to train on too.")
    ] = None,
    start: Annotated[Path | None, typer.Option(help="Weights to train further; else it begins from random ones.")] = None,
    features: Annotated[
        str | None,
        typer.Option(
            help="What the model reads. resnet50: as --config paper, on tracks of `label --features resnet50`.",
            show_default="keypoints",
        ),
    ] = None,
    frame_steps: Annotated[int | None, typer.Option(help="Batches of single frames, which come first.")] = None,
    window_steps: Annotated[int | None, typer.Option(help="Batches of windows, for temporal encoder and deltas.")] = None,
    hallucinator_steps: Annotated[int | None, typer.Option(help="Batches for the hallucinator, at the end.")] = None,
    width: Annotated[int | None, typer.Option(help="Channels of the model.")] = None,
    blocks: Annotated[int | None, typer.Option(help="Residual blocks of the temporal encoder.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:1 (the second GPU) or mps.")] = None,
    devices: Annotated[int | None, typer.Option(help="How many of its kind, on each machine.")] = None,
    precision: Annotated[str | None, typer.Option(help="bf16-mixed, 16-mixed or 32-true.")] = None,
    threads: Annotated[int | None, typer.Option(help="CPU threads; 0 takes all.")] = None,
    overwrite: shared.Overwrite = False,
    quiet: shared.Quiet = False,
) -> None:
    """Train your own weights from motion capture and a synthetic detector.

    Settings come from --config, then --set, then the other options; the later ones win.
    """
    options = {
        "mocap": mocap,
        "up": up,
        "tracks": tracks,
        "filmed": filmed,
        "features": features,
        "start": start,
        "frame_steps": frame_steps,
        "window_steps": window_steps,
        "hallucinator_steps": hallucinator_steps,
        "width": width,
        "blocks": blocks,
        "seed": seed,
        "device": device,
        "devices": devices,
        "precision": precision,
        "threads": threads,
    }
    shared.must_exist(mocap, tracks, filmed)
    if find_spec("lightning") is None or find_spec("matplotlib") is None:
        raise missing_extra("train", "Training")
    from hmr_video.files import cache_folder, refuse_existing
    from hmr_video.train import settings as files
    from hmr_video.train.loop import Trainer
    from hmr_video.train.plan import describe

    tables: list[dict[str, Any]] = [{"state": cache_folder() / "train" / "default"}]
    tables += [files.read_table("paper")] if features == "resnet50" else []
    tables += [files.read_table(config)] if config else []
    tables += [files.parse_assignment(text) for text in settings or []]
    tables += [{"state": cache_folder() / "train" / name}] if name else []
    tables += [{key: value for key, value in options.items() if value is not None}]
    resolved = files.build_config(files.merge(tables))
    reporter = Reporter(quiet=quiet)
    if sheet:
        from hmr_video.train.motion_sheet import write_sheet

        write_sheet(resolved, sheet, reporter, overwrite)
        reporter.wrote(sheet)
        return
    if count:
        print_kinds(resolved.mocap, resolved.source_weights, resolved.synthetic.invention)
        return
    if dry_run:
        for line in describe(Trainer(resolved, reporter)):
            typer.echo(line)
        return
    refuse_existing(output, overwrite)  # learnt now, not in hours
    trainer = Trainer(resolved, reporter)
    trainer.train()
    trainer.write(output, name or resolved.state.name, overwrite)
    reporter.wrote(output)
