"""Girths as a tape measures them, and stout people told from slim ones."""

from pathlib import Path

import numpy as np
import pytest
import torch

from hmr_video.body import Body
from hmr_video.console import Reporter
from hmr_video.evaluate.shapes import girths, measure_shapes
from hmr_video.options import Options, PeopleOptions
from hmr_video.reconstruction.girth import girth_direction


def test_girths_are_a_grown_persons_and_grow(body: Body) -> None:
    slim, usual, stout = (girths(body, size * girth_direction(body)) for size in (-2, 0, 2))
    assert ((usual > 0.7) & (usual < 1.2)).all()
    assert (slim < usual).all()
    assert (usual < stout).all()
    assert girths(body, torch.zeros(10)) == pytest.approx(usual)


@pytest.mark.slow
def test_one_film_is_measured_both_ways_and_the_same_each_time(blazepose: Path) -> None:
    options = Options(PeopleOptions(landmarks=str(blazepose)))
    first, again = (measure_shapes(options, 1, 3, Reporter(quiet=True)) for _ in range(2))
    assert first == again
    assert [name for name, _ in first][:2] == ["all, joints alone", "all, silhouettes"]
    values = np.array([[scores[key] for key in ("hips", "waist", "chest", "pve")] for _, scores in first[:2]])
    assert (values > 0).all()
    assert not np.allclose(*values)
