"""Smoothing, and amplitudes over frequencies."""

import torch

from hmr_video.reconstruction.temporal import cosine_basis, smoothed, usual_amplitudes


def test_smoothing_takes_each_frame_its_own_deviation() -> None:
    times = torch.arange(9).double() / 30
    spike = torch.zeros(9, 1)
    spike[4] = 1.0
    deviation = torch.full((9, 1), 1e-3)
    deviation[:4] = 0.05
    found = smoothed(spike, times, deviation)
    assert torch.allclose(found[4:], spike[4:])
    assert found[3] > 0.1


def test_the_basis_is_orthonormal_and_begins_with_a_constant() -> None:
    basis = cosine_basis(24)
    assert torch.allclose(basis @ basis.T, torch.eye(24), atol=1e-5)
    assert basis[:, 0].std() < 1e-6


def test_brisk_bodies_change_more_at_high_frequencies_and_all_alike_at_none() -> None:
    times = torch.arange(24).double() / 30
    calm, brisk = usual_amplitudes(times, 0.2), usual_amplitudes(times, 4.0)
    assert calm.shape == (24, 75)
    assert torch.equal(calm[0], brisk[0])
    assert (brisk[-1, :72] > 3 * calm[-1, :72]).all()
    assert (calm.diff(dim=0) < 0).all()


def test_a_single_frame_has_amplitudes() -> None:
    assert usual_amplitudes(torch.zeros(1).double(), 1.0).isfinite().all()
