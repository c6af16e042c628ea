"""Iterative error feedback: the regressor f_3D of the present, and f_-5, f_+5 of past and future, are this one class."""

from torch import Tensor, nn
from torch.nn import functional

from hmr_video.model.temporal import init_linear


class IterativeRegressor(nn.Module):
    """Improves an estimate by a predicted correction, a few times: theta <- theta + f([phi, theta]) (Carreira et al., 2016).

    f is fc, ReLU, dropout, fc, ReLU, dropout, fc. The estimate keeps its precision under autocast.
    """

    def __init__(self, width: int, size: int, hidden: int, dropout: float, iterations: int) -> None:
        super().__init__()
        self.width, self.iterations = width, iterations
        self.fc1 = init_linear(nn.Linear(width + size, hidden))
        self.fc2 = init_linear(nn.Linear(hidden, hidden))
        self.fc3 = init_linear(nn.Linear(hidden, size), 0.01)
        self.dropout = nn.Dropout(dropout)

    def forward(self, phi: Tensor, start: Tensor) -> list[Tensor]:
        """phi (..., C), start (..., S) -> the estimates (..., S) after each iteration, the best last."""
        # fc1 of [phi, theta] is a sum of two products; that of phi is the same in all iterations.
        weight_phi, weight_theta = self.fc1.weight.split([self.width, start.shape[-1]], 1)
        from_phi = functional.linear(phi, weight_phi, self.fc1.bias)
        estimates = [start]
        for _ in range(self.iterations):
            theta = estimates[-1]
            hidden = self.dropout((from_phi + functional.linear(theta, weight_theta)).relu())
            hidden = self.dropout(self.fc2(hidden).relu())
            estimates.append(theta + self.fc3(hidden).to(theta.dtype))
        return estimates[1:]
