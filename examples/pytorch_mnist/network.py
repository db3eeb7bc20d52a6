# SPDX-License-Identifier: Apache-2.0
"""A binary network for MNIST in plain PyTorch."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Sign(torch.autograd.Function):
    """+1 or -1, of zero +1; the gradient passes where the input lies in -1 ... 1.

    Source: Courbariaux et al., BinaryNet, 2016, arXiv:1602.02830.
    """

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor) -> Tensor:
        """The sign."""
        ctx.save_for_backward(x)
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor) -> Tensor:
        """The clipped straight-through estimator."""
        (x,) = ctx.saved_tensors
        return gradient * (x.abs() <= 1)


class BinaryConv2d(nn.Conv2d):
    """A convolution with the signs of its weights."""

    def forward(self, x: Tensor) -> Tensor:
        """[n, c, h, w]."""
        return functional.conv2d(x, Sign.apply(self.weight), None, self.stride, self.padding)


class BinaryLinear(nn.Linear):
    """A linear layer with the signs of its weights."""

    def forward(self, x: Tensor) -> Tensor:
        """[n, features]."""
        return functional.linear(x, Sign.apply(self.weight))


class Network(nn.Module):
    """Three convolutions and a linear layer; takes pixels 0 to 255, [n, 1, 28, 28].

    Each layer is followed by a max pool where there is one, batch normalization, and a sign: in
    this order the compiler turns all three into thresholds of the layer.
    """

    def __init__(self, channels: int = 32) -> None:
        super().__init__()
        self.conv1 = BinaryConv2d(1, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = BinaryConv2d(channels, 2 * channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(2 * channels)
        self.conv3 = BinaryConv2d(2 * channels, 2 * channels, 3, padding=1, bias=False)
        self.norm3 = nn.BatchNorm2d(2 * channels)
        self.pool = nn.MaxPool2d(2)
        self.last = BinaryLinear(2 * channels * 7 * 7, 10, bias=False)
        self.norm4 = nn.BatchNorm1d(10)

    def forward(self, pixels: Tensor) -> Tensor:
        """Return scores [n, 10]."""
        x = Sign.apply(self.norm1(self.conv1(pixels / 127.5 - 1)))
        x = Sign.apply(self.norm2(self.pool(self.conv2(x))))
        x = Sign.apply(self.norm3(self.pool(self.conv3(x))))
        return self.norm4(self.last(x.flatten(1)))

    def clip(self) -> None:
        """Keep the latent weights in -1 ... 1, where their gradient passes."""
        with torch.no_grad():
            for layer in (self.conv1, self.conv2, self.conv3, self.last):
                layer.weight.clamp_(-1, 1)
