"""Weights in the mean of several: one model between models of the same lineage (Wortsman et al., Model soups, ICML 2022)."""

from collections.abc import Sequence
from pathlib import Path

import torch

from hmr_video.checkpoints.saving import save_model
from hmr_video.checkpoints.store import load_model
from hmr_video.errors import UsageError


def average_models(paths: Sequence[Path], output: Path, overwrite: bool = False) -> None:
    """Writes the mean of the models in some weight files, in half precision; an image encoder is left out.

    Only models that were trained on from the same weights have a mean that works. Raises UsageError where their configurations
    differ, AssetError, OutputError.
    """
    if len(paths) < 2:
        raise UsageError("There is nothing to average.", "Give two weight files or more.")
    loaded = [load_model(path) for path in paths]
    mean, _ = loaded[0]
    if any(model.config != mean.config for model, _ in loaded):
        raise UsageError("The files hold models of different kinds or sizes.", "Average files that were trained on from one.")
    states = [model.state_dict() for model, _ in loaded]
    mean.load_state_dict({name: torch.stack([state[name] for state in states]).mean(0) for name in states[0]})

    def combined(name: str) -> str:
        return "; ".join(dict.fromkeys(metadata.get(name, "not stated") for _, metadata in loaded))

    metadata = {"name": output.stem, "licence": combined("licence"), "trained_on": combined("trained_on")}
    metadata["source"] = f"the mean of {combined('name')}"
    save_model(output, mean, metadata, dtype=torch.float16, overwrite=overwrite)
