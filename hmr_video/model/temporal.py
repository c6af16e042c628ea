"""The two ways to the movie strip: the temporal encoder f_movie over frames, and the hallucinator h from one frame."""

from torch import Tensor, cat, nn
from torch.nn import functional

from hmr_video.model.config import HMMRConfig

NEAR_ZERO = 0.001  # variance scaling of the last layer of a residual branch, which therefore starts as the identity


def init_linear(layer: nn.Linear, variance: float = 1.0) -> nn.Linear:
    """Glorot's uniform initialisation with its variance scaled; biases at zero."""
    nn.init.xavier_uniform_(layer.weight, gain=variance**0.5)
    nn.init.zeros_(layer.bias)
    return layer


class TemporalConv(nn.Module):
    """Convolution over time, kernel 3, zero padding: y_t = W [x_t-1, x_t, x_t+1] + b, as one matrix product.

    ``linear.weight`` is (C, 3 C): the taps of the previous, the same and the next frame side by side.
    """

    def __init__(self, width: int, variance: float = 1.0) -> None:
        super().__init__()
        self.width = width
        self.linear = init_linear(nn.Linear(3 * width, width), variance)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        if x.shape[1] == 1:  # both neighbours are padding: the centre tap is all there is
            centre = self.linear.weight[:, self.width : 2 * self.width]
            return functional.linear(x, centre, self.linear.bias)
        padded = functional.pad(x, (0, 0, 1, 1))
        return self.linear(cat([padded[:, :-2], x, padded[:, 2:]], -1))


class GroupNorm(nn.Module):
    """Group norm (Wu and He, 2018), the statistics over the group's channels and, if ``over_time``, over all T frames too."""

    def __init__(self, width: int, groups: int, epsilon: float, over_time: bool) -> None:
        super().__init__()
        self.groups, self.epsilon, self.over_time = groups, epsilon, over_time
        self.norm = nn.GroupNorm(groups, width, epsilon)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        if self.over_time:
            return self.norm(x.transpose(1, 2)).transpose(1, 2)
        if self.groups == 1:  # which is layer norm, and faster written so
            return functional.layer_norm(x, x.shape[-1:], self.norm.weight, self.norm.bias, self.epsilon)
        return self.norm(x.flatten(0, 1)).view_as(x)


class TemporalBlock(nn.Module):
    """Residual block with pre-activation: x + conv(relu(norm(conv(relu(norm(x))))))."""

    def __init__(self, config: HMMRConfig) -> None:
        super().__init__()
        norm = (config.width, config.groups, config.norm_epsilon, config.norm_over_time)
        self.norm1, self.conv1 = GroupNorm(*norm), TemporalConv(config.width)
        self.norm2, self.conv2 = GroupNorm(*norm), TemporalConv(config.width, NEAR_ZERO)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, C) -> (B, T, C)."""
        hidden = self.conv1(self.norm1(x).relu())
        return x + self.conv2(self.norm2(hidden).relu())


class TemporalEncoder(nn.Module):
    """f_movie (section 3.1): image features phi to the movie strip Phi. Three blocks see 13 frames."""

    def __init__(self, config: HMMRConfig) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(TemporalBlock(config) for _ in range(config.blocks))

    def forward(self, phi: Tensor) -> Tensor:
        """phi (B, T, C) -> strip (B, T, C)."""
        for block in self.blocks:
            phi = block(phi)
        return phi

    def zero_side_taps(self) -> None:
        """Makes the encoder treat each frame by itself; training on windows then grows the taps."""
        for module in self.modules():
            if isinstance(module, TemporalConv):
                previous, _, following = module.linear.weight.detach().chunk(3, 1)
                nn.init.zeros_(previous)
                nn.init.zeros_(following)


class Hallucinator(nn.Module):
    """h (section 3.2): the feature of one frame to the strip that the temporal encoder would give. A residual of three layers."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = init_linear(nn.Linear(width, width))
        self.fc2 = init_linear(nn.Linear(width, width))
        self.fc3 = init_linear(nn.Linear(width, width), NEAR_ZERO)

    def forward(self, phi: Tensor) -> Tensor:
        """phi (..., C) -> hallucinated strip (..., C)."""
        return phi + self.fc3(self.fc2(self.fc1(phi).relu()).relu())
