"""What a run would do and how long it would take, without doing it."""

import time
from collections.abc import Iterator

from hmr_video.train.loop import StageRun, Trainer

MEASURED = 2  # batches


def describe(trainer: Trainer) -> Iterator[str]:
    """Lines of text: data, model, state, and each stage with its measured pace.

    Batches are computed in memory to be timed, after which the trainer is of no more use; nothing is written.
    """
    config, mocap = trainer.config, trainer.mocap
    parameters = sum(parameter.numel() for parameter in trainer.model.parameters())
    progress = trainer.load_state()
    yield f"data: {mocap.hours:.2f} h in {len(mocap.sources)} clips of {config.mocap}"
    yield f"model: {parameters / 1e6:.1f} million parameters"
    yield f"state: {trainer.state_path}{'' if trainer.state_path.exists() else ', not begun'}"
    total = 0.0
    for index, stage in enumerate(config.stages):
        done = stage.steps if index < progress.stage else progress.step if index == progress.stage else 0
        text = f"{stage.name}: {stage.steps} batches of {stage.batch} x {stage.frames} frames, {done} done"
        if done < stage.steps:
            seconds = _seconds_per_batch(StageRun(trainer, index, stage))
            total += (stage.steps - done) * seconds
            text += f", {seconds:.2f} s each"
        yield text
    yield f"time left: {_duration(total)}, validation not counted"


def _seconds_per_batch(run: StageRun) -> float:
    """The mean over two batches, after one that warms up."""
    run.step(0)
    started = time.monotonic()
    for step in range(MEASURED):
        run.step(step)
    return (time.monotonic() - started) / MEASURED


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min" if minutes else f"{seconds:.0f} s"
