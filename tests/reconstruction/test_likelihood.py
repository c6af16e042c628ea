"""Weights of keypoints and robust losses."""

import pytest
import torch

from hmr_video.reconstruction.likelihood import heavy_tailed, robust


def test_robust_losses_are_quadratic_at_first() -> None:
    small = torch.tensor(1e-4)
    assert robust(small, 3.0) == pytest.approx(1e-4, rel=1e-3)
    assert heavy_tailed(small, 1.0) == pytest.approx(1e-4, rel=1e-3)
    assert robust(torch.tensor(1e8), 3.0) == pytest.approx(9.0, rel=1e-3)
