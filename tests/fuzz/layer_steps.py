# SPDX-License-Identifier: Apache-2.0
"""Layers with what surrounds them: convolution or dense, normalization, pool, activation."""

from __future__ import annotations

from typing import Any

import numpy as np

from bnnc.ir import Value, nn

from .builder import Builder
from .quantizer_idioms import activation
from .weight_idioms import weights

CHANNELS = (1, 2, 3, 5, 7, 8, 9, 13, 16, 17, 24, 31, 33, 64, 65)


def block(net: Builder, x: Value) -> Value:
    """A layer and, mostly, the operations between it and an activation."""
    y = layer(net, x)
    for _ in range(net.below(0, 3)):
        y = affine(net, y)
    if y.type.rank == 4 and net.chance(0.25):
        y = pool(net, y)
        if net.chance(0.3):
            y = affine(net, y)
    return activation(net, y) if net.chance(0.85) else y


def layer(net: Builder, x: Value) -> Value:
    """A convolution of an image, a dense layer of anything else."""
    if x.type.rank == 4:
        return conv(net, x)
    if x.type.rank != 2:
        x = net.add(nn.Reshape(x, shape=(x.shape[0], x.type.size // x.shape[0])))
    oc = net.pick(*CHANNELS)
    w = weights(net, (oc, x.shape[1]))
    return net.add(nn.Dense(x, w, net.floats(oc) if net.chance(0.3) else None))


def conv(net: Builder, x: Value) -> Value:
    """A convolution with any groups, pads, strides and dilations that fit."""
    channels = x.shape[3]
    groups = net.weighted({1: 6, channels: 1, net.pick(*divisors(channels)): 1})
    oc = groups * net.below(1, 4) if groups > 1 else net.pick(*CHANNELS)
    kernel = _sides(net, {1: 2, 2: 1, 3: 4, 5: 1})
    dilation = _sides(net, {1: 6, 2: 1, 3: 0.3})
    reach = [(k - 1) * d for k, d in zip(kernel, dilation, strict=True)]
    pad = [net.below(0, r + 1) if net.chance(0.7) else 0 for r in (*reach, *reach)]
    for side in (0, 1):  # a window at least must fit
        pad[side] += max(0, reach[side] + 1 - x.shape[1 + side] - pad[side] - pad[side + 2])
    padding: dict[str, Any] = {"pad": tuple(pad), "pad_value": net.weighted(PAD_VALUES)}
    if net.chance(0.25):
        x = surround(net, x)
    w = weights(net, (oc, *kernel, channels // groups))
    bias = net.floats(oc) if net.chance(0.2) else None
    stride = _sides(net, {1: 5, 2: 2, 3: 0.5})
    shape: dict[str, Any] = {"stride": stride, "dilation": dilation, "groups": groups}
    return net.add(nn.Conv2D(x, w, bias, **shape, **padding))


PAD_VALUES = {0.0: 6, 1.0: 2, -1.0: 2, 0.5: 0.3}


def divisors(number: int) -> list[int]:
    return [d for d in range(1, number + 1) if number % d == 0]


def _sides(net: Builder, options: dict[int, float]) -> tuple[int, int]:
    """One number for both sides of an image, or one for each."""
    first = net.weighted(options)
    return (first, first) if net.chance(0.7) else (first, net.weighted(options))


def surround(net: Builder, x: Value) -> Value:
    """A pad of the image, as graphs write the pads that a convolution does not know."""
    before, after = [0, 0, 0, 0], [0, 0, 0, 0]
    for axis in (1, 2):
        before[axis], after[axis] = net.below(0, 3), net.below(0, 3)
    value = net.weighted(PAD_VALUES)
    return net.add(nn.Pad(x, before=tuple(before), after=tuple(after), value=value))


def pool(net: Builder, x: Value) -> Value:
    """A max or average pool every window of which meets the image."""
    kernel = [net.below(1, min(4, side + 1)) for side in x.shape[1:3]]
    pad = [net.below(0, k) if net.chance(0.4) else 0 for k in (*kernel, *kernel)]
    window: dict[str, Any] = {
        "kernel_size": tuple(kernel),
        "stride": _sides(net, {1: 2, 2: 3, 3: 0.5}),
        "pad": tuple(pad),
    }
    if net.chance(0.7):
        return net.add(nn.MaxPool(x, **window))
    return net.add(nn.AvgPool(x, **window, include_pad=net.chance(0.3)))


def affine(net: Builder, x: Value) -> Value:
    """Scale, offset, or both, with or without a normalization."""
    return net.weighted({_batch_norm: 4, _written_out: 1, _scale: 1, _offset: 2})(net, x)


def _gamma(net: Builder, channels: int) -> np.ndarray:
    """Factors: random ones, and the special ones that make a threshold degenerate."""
    gamma = net.numbers(channels)
    if net.chance(0.5):
        gamma = np.abs(gamma) + np.float32(0.25)
    special = net.rng.random(channels) < net.pick(0.0, 0.2)
    choices = np.array([0.0, -0.0, 1e-30, -1.0, 1e10, 1e-3], np.float32)
    return np.where(special, net.rng.choice(choices, channels), gamma).astype(np.float32)


def _batch_norm(net: Builder, x: Value) -> Value:
    """Inference normalization; means that are whole numbers are often hit exactly."""
    channels = x.shape[-1]
    epsilon = net.pick(0.001, 1e-5, 0.0)
    var = net.positive(channels)
    mean = net.numbers(channels) * np.float32(3)
    if net.chance(0.4):
        mean = np.round(mean)
    if epsilon and net.chance(0.1):
        var[net.below(0, channels)] = 0.0
    beta = net.numbers(channels) * np.float32(net.chance(0.8))
    constants = (net.constant(a, "bn") for a in (_gamma(net, channels), beta, mean, var))
    return net.add(nn.BatchNorm(x, *constants, epsilon=epsilon))


def _written_out(net: Builder, x: Value) -> Value:
    """(x - mean) * (1 / sqrt(var + eps)) + beta, operation for operation."""
    channels = x.shape[-1]
    raised = net.add(nn.Add(net.constant(net.positive(channels)), net.scalar(0.001)))
    factor = net.add(nn.Rsqrt(raised))
    if net.chance(0.5):
        factor = net.add(nn.Mul(factor, net.constant(_gamma(net, channels))))
    centered = net.add(nn.Sub(x, net.channel_numbers(x)))
    scaled = net.add(nn.Mul(centered, factor) if net.chance(0.5) else nn.Mul(factor, centered))
    return net.add(nn.Add(scaled, net.channel_numbers(x)))


def _scale(net: Builder, x: Value) -> Value:
    factor = net.per_channel(x, _gamma(net, x.shape[-1]))
    return net.add(
        net.one_of(
            lambda: nn.Mul(x, factor),
            lambda: nn.Mul(factor, x),
            lambda: nn.Neg(x),
            lambda: nn.Div(x, net.per_channel(x, net.positive(x.shape[-1]))),
        )
    )


def _offset(net: Builder, x: Value) -> Value:
    offset = net.channel_numbers(x)
    return net.add(
        net.one_of(
            lambda: nn.Add(x, offset),
            lambda: nn.Add(offset, x),
            lambda: nn.Sub(x, offset),
            lambda: nn.Sub(offset, x),
        )
    )
