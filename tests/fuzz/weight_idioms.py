# SPDX-License-Identifier: Apache-2.0
"""Weights as graphs compute them: float, binary and ternary, in the spellings of the frameworks."""

from __future__ import annotations

import numpy as np

from bnnc.ir import Value, nn

from .builder import Builder, Zero


def weights(net: Builder, shape: tuple[int, ...]) -> Value:
    """Weights [o, ...] of a random kind; binary ones are the most frequent."""
    kind = net.weighted({_float: 2, _binary: 3, _binarized: 5, _ternary: 2, _special: 1})
    return kind(net, shape)


def _latent(net: Builder, shape: tuple[int, ...]) -> np.ndarray:
    """Float weights without zeros, which the sign of would not be one bit."""
    values = net.numbers(*shape)
    values[values == 0] = np.float32(0.25)
    return values


def _factors(net: Builder, shape: tuple[int, ...]) -> np.ndarray:
    """A positive factor for each output channel, or the same one, as [o, 1, ...]."""
    count = 1 if net.chance(0.3) else shape[0]
    return net.positive(count, *[1] * (len(shape) - 1))


def _float(net: Builder, shape: tuple[int, ...]) -> Value:
    return _maybe_transposed(net, net.numbers(*shape))


def _maybe_transposed(net: Builder, array: np.ndarray) -> Value:
    """The constant itself, or stored in another order and transposed in the graph."""
    if net.chance(0.8):
        return net.constant(array, "w")
    perm = tuple(int(p) for p in net.rng.permutation(array.ndim))
    stored = net.constant(array.transpose(perm), "w")
    back = tuple(int(p) for p in np.argsort(perm))
    return net.add(nn.Transpose(stored, perm=back))


def _binary(net: Builder, shape: tuple[int, ...]) -> Value:
    """+-1 or +-alpha as constants, also with the rounding noise of a straight-through sum."""
    signs = np.sign(_latent(net, shape))
    if net.chance(0.3):
        return _maybe_transposed(net, signs)
    alpha = _factors(net, shape)
    scaled = (signs * alpha).astype(np.float32)
    if net.chance(0.4):
        w = net.numbers(*shape) * np.float32(0.5)
        scaled = w + (scaled - w)
        if not scaled.all():
            scaled = (signs * alpha).astype(np.float32)
    return _maybe_transposed(net, scaled)


def _binarized(net: Builder, shape: tuple[int, ...]) -> Value:
    """Latent floats and the operations that binarize them."""
    latent = net.constant(_latent(net, shape), "latent")
    spell = net.pick(_sign, _straight_through, _double_sign, _selected, _cast, _dorefa)
    return spell(net, latent)


def _sign(net: Builder, w: Value) -> Value:
    zero: Zero = net.pick("plus", "minus", "keep")
    sign = net.add(nn.Sign(w, zero=zero, nan="propagate"))
    return net.add(nn.Mul(*_ordered(net, sign, _mean(net, w)))) if net.chance(0.5) else sign


def _ordered(net: Builder, a: Value, b: Value) -> tuple[Value, Value]:
    return (a, b) if net.chance(0.5) else (b, a)


def _mean(net: Builder, w: Value) -> Value:
    """The mean magnitude of each output channel, or of all weights."""
    axes = tuple(range(w.type.rank)) if net.chance(0.2) else tuple(range(1, w.type.rank))
    magnitude = net.add(nn.Abs(w))
    return net.add(nn.Reduce(magnitude, kind="mean", axes=axes, keep_dims=True))


def _straight_through(net: Builder, w: Value) -> Value:
    """c + (alpha sign(c) - c) with c = clip(w)."""
    clipped = net.add(nn.Minimum(w, net.scalar(1.0)))
    clipped = net.add(nn.Maximum(clipped, net.scalar(-1.0)))
    quantized = net.add(nn.Sign(clipped, zero="keep", nan="propagate"))
    if net.chance(0.7):
        quantized = net.add(nn.Mul(quantized, _mean(net, clipped)))
    delta = net.add(nn.Sub(quantized, clipped))
    return net.add(nn.Add(*_ordered(net, clipped, delta)))


def _double_sign(net: Builder, w: Value) -> Value:
    inner = net.add(nn.Sign(w, zero="keep", nan="propagate"))
    moved = net.add(nn.Add(*_ordered(net, inner, net.scalar(0.1))))
    return net.add(nn.Sign(moved, zero="keep", nan="propagate"))


def _selected(net: Builder, w: Value) -> Value:
    zero, one, minus = net.scalar(0.0), net.scalar(1.0), net.scalar(-1.0)
    if net.chance(0.5):
        above = net.add(nn.Compare(w, zero, predicate=net.pick("ge", "gt")))
        return net.add(nn.Select(above, one, minus))
    below = net.add(nn.Compare(w, zero, predicate=net.pick("le", "lt")))
    return net.add(nn.Select(below, minus, one))


def _cast(net: Builder, w: Value) -> Value:
    above = net.add(nn.Compare(w, net.scalar(0.0), predicate=net.pick("ge", "gt")))
    doubled = net.add(nn.Mul(net.scalar(2.0), net.add(nn.Cast(above, to="f32"))))
    return net.add(nn.Sub(doubled, net.scalar(1.0)))


def _dorefa(net: Builder, w: Value) -> Value:
    """2 round(tanh(w) / (2 max|tanh(w)|) + 1/2) - 1."""
    bent = net.add(nn.Tanh(w))
    axes = tuple(range(w.type.rank))
    top = net.add(nn.Reduce(net.add(nn.Abs(bent)), kind="max", axes=axes))
    half = net.add(nn.Div(bent, net.add(nn.Mul(top, net.scalar(2.0))), no_nan=net.chance(0.5)))
    unit = net.add(nn.Round(net.add(nn.Add(half, net.scalar(0.5)))))
    return net.add(nn.Sub(net.add(nn.Mul(unit, net.scalar(2.0))), net.scalar(1.0)))


def _ternary(net: Builder, shape: tuple[int, ...]) -> Value:
    if net.chance(0.5):
        values = net.rng.choice([-1.0, 0.0, 1.0], shape, p=[0.3, 0.4, 0.3])
        if net.chance(0.5):
            values = values * _factors(net, shape)
        return _maybe_transposed(net, values.astype(np.float32))
    w = net.constant(net.numbers(*shape), "latent")
    delta = net.scalar(0.3)
    up = net.add(nn.Sign(net.add(nn.Add(w, delta)), zero="keep", nan="propagate"))
    down = net.add(nn.Sign(net.add(nn.Sub(w, delta)), zero="keep", nan="propagate"))
    return net.add(nn.Sign(net.add(nn.Add(up, down)), zero="keep", nan="propagate"))


def _special(net: Builder, shape: tuple[int, ...]) -> Value:
    """Channels of zeros, negative zeros, one weight that is not like the others."""
    values = np.sign(_latent(net, shape)) * _factors(net, shape)
    row = values.reshape(shape[0], -1)[net.below(0, shape[0])]
    row[...] = net.pick(row, -row, 0 * row, np.full_like(row, -0.0))
    if net.chance(0.3):
        row[net.below(0, row.size)] = net.pick(0.0, -0.0, 0.5, 1e-30, 3.0)
    return net.constant(values.astype(np.float32), "w")
