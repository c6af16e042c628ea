"""The paper's image encoder: ResNet-v2-50 (He et al., "Identity mappings", 2016), 224 x 224 crops to phi in R^2048.

Laid out as in TensorFlow-Slim, where the published weights were trained: the stride of a block sits in its last unit.
"""

import copy

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

IMAGE_SIZE = 224
PHI_SIZE = 2048
_EPSILON = 1e-5
_BLOCKS = ((64, 3, 2), (128, 4, 2), (256, 6, 2), (512, 3, 1))  # bottleneck channels, units, stride of the last unit


class Bottleneck(nn.Module):
    """Unit with pre-activation: shortcut + conv3(relu(norm2(conv2(relu(norm1(conv1(relu(preact(x)))))))))."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.preact = nn.BatchNorm2d(channels_in, _EPSILON)
        # The projection reads the pre-activation; an identity shortcut subsamples the raw input.
        self.shortcut = None if channels_in == 4 * channels else nn.Conv2d(channels_in, 4 * channels, 1, stride)
        self.conv1 = nn.Conv2d(channels_in, channels, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels, _EPSILON)
        self.conv2 = nn.Conv2d(channels, channels, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels, _EPSILON)
        self.conv3 = nn.Conv2d(channels, 4 * channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) -> (N, 4 channels, H / stride, W / stride)."""
        active = self.preact(x).relu_()
        shortcut = x[:, :, :: self.stride, :: self.stride] if self.shortcut is None else self.shortcut(active)
        hidden = self.norm1(self.conv1(active)).relu_()
        hidden = self.norm2(self.conv2(hidden)).relu_()
        return self.conv3(hidden).add_(shortcut)


class ResNet50(nn.Module):
    """RGB crops in [-1, 1] to phi. Use :meth:`for_inference` where no gradient is wanted."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, padding=3)
        # TensorFlow's SAME pads the 112 x 112 map at bottom and right only, which is what ceil_mode does.
        self.pool1 = nn.MaxPool2d(3, 2, ceil_mode=True)
        blocks, channels_in = [], 64
        for channels, units, stride in _BLOCKS:
            block = nn.Sequential()
            for unit in range(units):
                block.append(Bottleneck(channels_in, channels, stride if unit == units - 1 else 1))
                channels_in = 4 * channels
            blocks.append(block)
        self.blocks = nn.Sequential(*blocks)
        self.postnorm = nn.BatchNorm2d(PHI_SIZE, _EPSILON)

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, 224, 224) -> (N, 2048)."""
        return self.postnorm(self.blocks(self.pool1(self.conv1(images)))).relu_().mean((2, 3))

    def for_inference(self) -> "ResNet50":
        """A copy without gradients whose batch norms after convolutions are folded into them; channels last in memory."""
        folded = copy.deepcopy(self).eval().requires_grad_(False)
        for unit in folded.modules():
            if isinstance(unit, Bottleneck):
                unit.conv1 = fuse_conv_bn_eval(unit.conv1, unit.norm1)
                unit.conv2 = fuse_conv_bn_eval(unit.conv2, unit.norm2)
                unit.norm1 = nn.Identity()  # type: ignore[assignment]
                unit.norm2 = nn.Identity()  # type: ignore[assignment]
        return folded.to(memory_format=torch.channels_last)
