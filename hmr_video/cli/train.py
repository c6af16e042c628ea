"""`hmr-video train`: mocap in, weights out."""

from pathlib import Path
from typing import Annotated

import typer

from hmr_video.cli import options as shared
from hmr_video.console import Reporter
from hmr_video.errors import UsageError


def train(
    mocap: Annotated[Path, typer.Argument(help="Folder of AMASS-layout NPZ files, searched recursively.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The weights file to write.")] = Path("model.safetensors"),
    name: Annotated[
        str, typer.Option(help="Name of the run; its state lies in the cache folder and is gone on from.")
    ] = "default",
    start: Annotated[Path | None, typer.Option(help="Weights to train further; else it begins from random ones.")] = None,
    frame_steps: Annotated[int, typer.Option(help="Batches of single frames, which come first.")] = 12_000,
    window_steps: Annotated[int, typer.Option(help="Batches of windows, for the temporal encoder and the deltas.")] = 10_000,
    hallucinator_steps: Annotated[int, typer.Option(help="Batches for the hallucinator, at the end.")] = 1_000,
    width: Annotated[int, typer.Option(help="Channels of the model.")] = 512,
    blocks: Annotated[int, typer.Option(help="Residual blocks of the temporal encoder.")] = 3,
    seed: Annotated[int, typer.Option(help="Seed of everything random.")] = 0,
    accelerator: Annotated[str, typer.Option(help="auto, cpu, cuda or mps.")] = "auto",
    devices: Annotated[int, typer.Option(help="How many of them.")] = 1,
    precision: Annotated[str, typer.Option(help="bf16-mixed, 16-mixed or 32-true.")] = "bf16-mixed",
    threads: Annotated[int, typer.Option(help="CPU threads; 0 takes all.")] = 0,
    overwrite: shared.Overwrite = False,
    quiet: shared.Quiet = False,
) -> None:
    """Train your own weights from motion capture and a synthetic detector."""
    try:
        import lightning  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "Training needs the extra packages of `train`.", 'Install them: pip install "hmr-video[train]".'
        ) from error
    from hmr_video.files import cache_folder, refuse_existing
    from hmr_video.train.config import TrainConfig
    from hmr_video.train.loop import Trainer

    refuse_existing(output, overwrite)  # learnt now, not in hours
    config = TrainConfig(
        mocap=mocap,
        state=cache_folder() / "train" / name,
        start=start,
        width=width,
        blocks=blocks,
        frame_steps=frame_steps,
        window_steps=window_steps,
        hallucinator_steps=hallucinator_steps,
        seed=seed,
        accelerator=accelerator,
        devices=devices,
        precision=precision,
        threads=threads,
    )
    reporter = Reporter(quiet=quiet)
    trainer = Trainer(config, reporter)
    trainer.train()
    trainer.write(output, name, overwrite)
    reporter.say(f"written to [bold]{output}[/bold]")
