"""Weights on disk: our safetensors files, and the TensorFlow bundles in which the paper's weights were published."""

from hmr_video.assets import read_metadata
from hmr_video.checkpoints.store import load_model, load_tensors

__all__ = ["load_model", "load_tensors", "read_metadata"]
