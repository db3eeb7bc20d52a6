# SPDX-License-Identifier: Apache-2.0
"""Activations as graphs compute them: signs, steps, few levels, and plain functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np

from bnnc.ir import Value, nn

from .builder import Builder, Zero

Idiom: TypeAlias = Callable[[Builder, Value], Value]


def activation(net: Builder, x: Value) -> Value:
    """An activation of a random kind; signs are the most frequent."""
    return net.weighted({sign: 6, levels: 2, smooth: 2})(net, x)


def sign(net: Builder, x: Value) -> Value:
    """A binary activation in some spelling."""
    idiom: Idiom = net.pick(_plain, _clipped, _straight_through, _double_sign, _selected, _cast)
    return idiom(net, x)


def _sign(net: Builder, x: Value, zero: Zero | None = None) -> Value:
    nan: Literal["plus", "minus", "propagate"] = net.pick("plus", "minus", "propagate")
    any_zero: Zero = net.pick("plus", "minus", "keep")
    return net.add(nn.Sign(x, zero=zero or any_zero, nan=nan))


def _plain(net: Builder, x: Value) -> Value:
    return _sign(net, x)


def clip(net: Builder, x: Value, low: float, high: float) -> Value:
    """A clip in one of its spellings."""
    spelling = net.below(0, 3)
    if spelling == 0:
        return net.add(nn.Clip(x, lo=low, hi=high))
    if spelling == 1:
        return net.add(nn.Maximum(net.add(nn.Minimum(x, net.scalar(high))), net.scalar(low)))
    return net.add(nn.Minimum(net.add(nn.Maximum(net.scalar(low), x)), net.scalar(high)))


def _clipped(net: Builder, x: Value) -> Value:
    return _sign(net, clip(net, x, -1.0, 1.0))


def _straight_through(net: Builder, x: Value) -> Value:
    base = clip(net, x, -1.0, 1.0) if net.chance(0.8) else x
    delta = net.add(nn.Sub(_sign(net, base), base))
    return net.add(nn.Add(base, delta) if net.chance(0.5) else nn.Add(delta, base))


def _double_sign(net: Builder, x: Value) -> Value:
    inner, offset = _sign(net, x, "keep"), net.scalar(net.pick(0.1, -0.1, 0.5))
    moved = net.one_of(
        lambda: nn.Add(inner, offset), lambda: nn.Add(offset, inner), lambda: nn.Sub(inner, offset)
    )
    return _sign(net, net.add(moved), "keep")


def _selected(net: Builder, x: Value) -> Value:
    zero, one, minus = net.scalar(0.0), net.scalar(1.0), net.scalar(-1.0)
    a, b = (x, zero) if net.chance(0.7) else (zero, x)
    condition = net.add(nn.Compare(a, b, predicate=net.pick("ge", "gt", "le", "lt")))
    yes, no = (one, minus) if net.chance(0.5) else (minus, one)
    return net.add(nn.Select(condition, yes, no))


def _cast(net: Builder, x: Value) -> Value:
    condition = net.add(nn.Compare(x, net.scalar(0.0), predicate=net.pick("ge", "gt")))
    unit = net.add(nn.Cast(condition, to="f32"))
    two = net.scalar(2.0)
    doubled = net.add(nn.Mul(two, unit) if net.chance(0.5) else nn.Mul(unit, two))
    if net.chance(0.5):
        return net.add(nn.Sub(doubled, net.scalar(1.0)))
    return net.add(nn.Add(doubled, net.scalar(-1.0)))


def levels(net: Builder, x: Value) -> Value:
    """A few-bit activation in some spelling."""
    idiom: Idiom = net.pick(*(_heaviside, _unit_levels, _symmetric, _scaled, _rounded, _counted))
    return idiom(net, x)


def _heaviside(net: Builder, x: Value) -> Value:
    return _sign(net, net.add(nn.Relu(x)), "keep")


def _unit_levels(net: Builder, x: Value) -> Value:
    """round(clip(x, 0, 1) n) / n, as DoReFa has it."""
    n = float(net.pick(1, 3, 3, 7, 15))
    raised = net.add(nn.Mul(clip(net, x, 0.0, 1.0), net.scalar(n)))
    rounded = net.add(nn.Round(raised))
    if net.chance(0.5):
        return net.add(nn.Div(rounded, net.scalar(n)))
    return net.add(nn.Mul(rounded, net.scalar(1.0 / n)))


def _symmetric(net: Builder, x: Value) -> Value:
    n = float(net.pick(1, 2, 3))
    raised = net.add(nn.Mul(clip(net, x, -1.0, 1.0), net.scalar(n)))
    return net.add(nn.Div(net.add(nn.Round(raised)), net.scalar(n)))


def _scaled(net: Builder, x: Value) -> Value:
    """round(clip(x, 0, top) / top n) / n top."""
    n, top = float(net.pick(3, 7)), float(net.pick(2.0, 1.5, 6.0))
    unit = net.add(nn.Div(clip(net, x, 0.0, top), net.scalar(top)))
    rounded = net.add(nn.Round(net.add(nn.Mul(unit, net.scalar(n)))))
    return net.add(nn.Mul(net.add(nn.Div(rounded, net.scalar(n))), net.scalar(top)))


def _rounded(net: Builder, x: Value) -> Value:
    rounded = net.add(nn.Round(clip(net, x, net.pick(-2.0, 0.0), net.pick(1.0, 3.0))))
    return net.add(nn.Add(rounded, net.scalar(0.5))) if net.chance(0.3) else rounded


def _counted(net: Builder, x: Value) -> Value:
    """How many thresholds are reached, as QONNX has it; scaled and moved."""
    thr = net.numbers(x.shape[-1], net.pick(1, 2, 3, 7)) * np.float32(2)
    y = net.add(nn.MultiThreshold(x, net.constant(np.sort(thr) if net.chance(0.8) else thr)))
    if net.chance(0.5):
        y = net.add(nn.Mul(y, net.scalar(net.pick(0.5, 2.0, -1.0))))
    return net.add(nn.Add(y, net.scalar(net.pick(-1.0, 0.25)))) if net.chance(0.5) else y


def smooth(net: Builder, x: Value) -> Value:
    """A function of floats."""
    slopes = (np.abs if net.chance(0.5) else np.asarray)(net.numbers(x.shape[-1]))
    return net.add(
        net.one_of(
            lambda: nn.Relu(x),
            lambda: nn.Relu(x),
            lambda: nn.LeakyRelu(x, alpha=net.pick(0.25, 0.1, -0.5, 0.0)),
            lambda: nn.PRelu(x, net.per_channel(x, slopes)),
            lambda: nn.Clip(x, lo=0.0, hi=6.0),
            lambda: nn.Tanh(x),
            lambda: nn.Sigmoid(x),
            lambda: nn.Abs(x),
        )
    )
