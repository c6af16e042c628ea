"""Inference over a whole video as the paper does it: short windows, of which only the middle is kept."""

from dataclasses import fields, replace

import torch
from torch import Tensor

from hmr_video.model.hmmr import HMMR, Output, Prediction

WINDOW = 20  # frames, as in training
_AT_ONCE = 8  # windows
MARGIN = 6  # frames at either end of a window that see padding or the cut: half the 13 frames of the receptive field


@torch.inference_mode()
def predict_windows(model: HMMR, features: Tensor, zero_feature: Tensor) -> Output:
    """Features (T, F) of one person -> the output for every frame, shapes (1, T, ...).

    Windows overlap: each begins ``WINDOW - 2 MARGIN`` frames after the one before, and frames outside the video have
    ``zero_feature`` (F,), that of an image of zeros. The statistics of a group norm over time make each result one of its window.
    Past and future are seen by the present's camera.
    """
    stride = WINDOW - 2 * MARGIN
    count = -(-len(features) // stride)
    before, after = zero_feature.expand(MARGIN, -1), zero_feature.expand(count * stride - len(features) + MARGIN, -1)
    windows = torch.cat([before, features, after]).unfold(0, WINDOW, stride).mT  # (count, WINDOW, F)
    outputs = [model(chunk) for chunk in windows.split(_AT_ONCE)]

    def join(parts: list[Tensor]) -> Tensor:
        kept = torch.cat([part[:, MARGIN : WINDOW - MARGIN] for part in parts])
        return kept.flatten(0, 1)[None, : len(features)]

    def moment(name: str) -> Prediction:
        parts = [getattr(output, name) for output in outputs]
        return Prediction(**{field.name: join([getattr(part, field.name) for part in parts]) for field in fields(Prediction)})

    thetas = [join(list(steps)) for steps in zip(*(output.thetas for output in outputs), strict=True)]
    present = moment("present")
    past, future = (replace(moment(name), camera=present.camera) for name in ("past", "future"))
    return Output(present, past, future, join([output.strip for output in outputs]), thetas)
