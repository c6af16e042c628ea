import pytest
import torch

from hmr_video.reconstruction.lbfgs import minimise


def rosenbrock(point):
    return (100 * (point[1:] - point[:-1] ** 2) ** 2 + (1 - point[:-1]) ** 2).sum()


def test_the_bottom_of_a_bent_valley_is_found():
    point = torch.zeros(10, dtype=torch.float64, requires_grad=True)
    looks = []

    def energy():
        looks.append(None)
        return rosenbrock(point)

    minimise(energy, point, steps=200)
    torch.testing.assert_close(point.detach(), torch.ones(10, dtype=torch.float64), atol=1e-2, rtol=0)
    assert len(looks) < 100


@pytest.mark.parametrize("steps", [1, 3, 10])
def test_a_short_search_stops_lower_than_it_began(steps):
    point = torch.full((6,), -1.0, requires_grad=True)
    before = rosenbrock(point).item()
    minimise(lambda: rosenbrock(point), point, steps)
    assert rosenbrock(point).item() < before


def test_at_the_minimum_nothing_moves():
    point = torch.ones(4, requires_grad=True)
    minimise(lambda: rosenbrock(point), point, 10)
    assert torch.equal(point.detach(), torch.ones(4))


@pytest.mark.parametrize("seed", range(8))
def test_a_change_too_small_for_the_numbers_ends_the_search(seed):
    generator = torch.Generator().manual_seed(seed)
    point = (100 * torch.randn(5, generator=generator)).requires_grad_()
    stiffness = 10 * torch.rand(5, generator=generator)
    minimise(lambda: 1e8 + (stiffness * (point - 3).square()).sum() + 50 * point.cos().sum(), point, 100)
    assert point.isfinite().all()
