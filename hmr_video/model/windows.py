"""Inference over a whole video as the paper does it: short windows, of which only the middle is kept."""

from dataclasses import fields, replace

import torch
from torch import Tensor

from hmr_video.model.hmmr import HMMR, Output, Prediction

WINDOW = 20  # frames, as in training
MARGIN = 6  # frames at either end of a window that see padding or the cut: half the 13 frames of the receptive field


@torch.inference_mode()
def predict_windows(
    model: HMMR, features: Tensor, zero_feature: Tensor, window: int = WINDOW, margin: int = MARGIN, batch: int = 8
) -> Output:
    """Features (T, F) of one person -> the output for every frame, shapes (1, T, ...).

    Windows overlap: each begins ``window - 2 margin`` frames after the one before, and frames outside the video have
    ``zero_feature`` (F,), that of an image of zeros. The statistics of a group norm over time make each result one of its window.
    Past and future are seen by the present's camera.
    """
    stride = window - 2 * margin
    count = -(-len(features) // stride)
    before, after = zero_feature.expand(margin, -1), zero_feature.expand(count * stride - len(features) + margin, -1)
    windows = torch.cat([before, features, after]).unfold(0, window, stride).mT  # (count, window, F)
    outputs = [model(chunk) for chunk in windows.split(batch)]

    def join(parts: list[Tensor]) -> Tensor:
        kept = torch.cat([part[:, margin : window - margin] for part in parts])
        return kept.flatten(0, 1)[None, : len(features)]

    def moment(name: str) -> Prediction:
        parts = [getattr(output, name) for output in outputs]
        return Prediction(**{field.name: join([getattr(part, field.name) for part in parts]) for field in fields(Prediction)})

    thetas = [join(list(steps)) for steps in zip(*(output.thetas for output in outputs), strict=True)]
    present = moment("present")
    past, future = (replace(moment(name), camera=present.camera) for name in ("past", "future"))
    return Output(present, past, future, join([output.strip for output in outputs]), thetas)
