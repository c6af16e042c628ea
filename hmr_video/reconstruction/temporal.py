"""How values of a track run over its frames: smoothed, and as amplitudes of frequencies."""

import torch
from torch import Tensor

from hmr_video.features.keypoints import MODEL_FRAME_RATE

_CARRIERS = [joint * 3 + axis for joint in (0, 1, 2, 3, 6, 9) for axis in range(3)]  # turns of joints that carry others along


def smoothed(values: Tensor, timestamps: Tensor, deviation: float | Tensor) -> Tensor:
    """The Gaussian mean of each frame's neighbours (``deviation`` in seconds, of all frames or (T, 1)) of values (T, C) at
    ``timestamps`` (T,)."""
    apart = (timestamps[:, None] - timestamps).float() / deviation
    return torch.softmax(-0.5 * apart.square(), 1) @ values


def cosine_basis(length: int) -> Tensor:
    """The orthonormal cosine basis (T, T) over T frames, a frequency a column (DCT-II)."""
    frames, frequencies = torch.arange(length)[:, None] + 0.5, torch.arange(length)[None]
    basis = torch.cos(torch.pi / length * frames * frequencies) * (2 / length) ** 0.5
    basis[:, 0] /= 2**0.5
    return basis


def usual_amplitudes(timestamps: Tensor, tempo: float) -> Tensor:
    """The usual size (T, 75) of the refinement's changes at each frequency: 72 of joint turns, 3 of moves.

    The energy's curvature is about ``still + swift * w``, w being what a second difference makes of the frequency squared. The
    numbers are those with which searches of some tens of steps end lowest. ``tempo``: the usual one of the track.
    """
    length = len(timestamps)
    rate = float(1 / timestamps.diff().median().clamp_min(1e-3)) / MODEL_FRAME_RATE if length > 1 else 1.0
    still = torch.full((75,), 100.0)  # 1 / rad^2, by evidence and prior
    swift = torch.full((75,), 3e3 / tempo)  # by acceleration
    still[_CARRIERS], swift[_CARRIERS] = 500.0, 2.4e4 / tempo
    still[72:], swift[72:] = 3e4, 9e4  # 1 / m^2
    still[74], swift[74] = 8e3, 1.7e6  # of the logarithm of the depth
    frequency = torch.pi * torch.arange(length) / length
    second_difference = (2 - 2 * frequency.cos()).square()[:, None]
    return (still + swift * rate**2 * second_difference).rsqrt() * 2
