# SPDX-License-Identifier: Apache-2.0
"""Activations."""

from __future__ import annotations

import numpy as np

from bnnc.ir import Value, nn

from ... import expressions
from ...failures import Unsupported
from ..arrangement import Arranged
from ..context import Context
from ..convert import converts


@converts("LeakyRelu")
def leaky_relu(c: Context) -> Arranged:
    """X < 0 ? x * alpha : x."""
    x = c.tensor(0)
    return x.like(c.emit(nn.LeakyRelu(x.value, alpha=c.number("alpha", 0.01))))


@converts("PRelu")
def prelu(c: Context) -> Arranged:
    """X < 0 ? x * slope : x, the slope broadcast to x."""
    both = c.aligned(c.tensor(0), c.tensor(1))
    return both.result(c.emit(nn.PRelu(*both.values)))


@converts("Clip")
def clip(c: Context) -> Arranged:
    """Bounds are attributes (opset < 11) or constant inputs; either may be left out."""
    x = c.tensor(0)
    if not x.value.type.scalar.is_float:
        array, bounds = c.array(0), [c.array(i) if c.has_input(i) else None for i in (1, 2)]
        return Arranged.plain(c.constant(np.clip(array, bounds[0], bounds[1])))
    lo = c.number_at(1) if c.has_input(1) else c.number("min", float("-inf"))
    hi = c.number_at(2) if c.has_input(2) else c.number("max", float("inf"))
    if lo <= hi:
        return x.like(c.emit(nn.Clip(x.value, lo=lo, hi=hi)))
    # min(max(x, lo), hi) is hi for bounds in the wrong order.
    raised = c.emit(nn.Maximum(x.value, c.scalar(lo, "min")))
    return x.like(c.emit(nn.Minimum(raised, c.scalar(hi, "max"))))


@converts("HardSigmoid")
def hard_sigmoid(c: Context) -> Arranged:
    """Clip of alpha x + beta to 0 ... 1."""
    x = c.tensor(0)
    return x.like(_hard_sigmoid(c, x.value, c.number("alpha", 0.2), c.number("beta", 0.5)))


def _hard_sigmoid(c: Context, x: Value, alpha: float, beta: float) -> Value:
    scaled = c.emit(nn.Mul(x, c.scalar(alpha, "alpha")))
    return c.emit(nn.Clip(c.emit(nn.Add(scaled, c.scalar(beta, "beta"))), lo=0.0, hi=1.0))


@converts("HardSwish")
def hard_swish(c: Context) -> Arranged:
    """X times the hard sigmoid with alpha 1/6 and beta 0.5."""
    x = c.tensor(0)
    return x.like(c.emit(nn.Mul(x.value, _hard_sigmoid(c, x.value, 1 / 6, 0.5))))


@converts("Elu")
def elu(c: Context) -> Arranged:
    """X < 0 ? alpha (exp(x) - 1) : x."""
    x = c.tensor(0)
    return x.like(expressions.elu(c, x.value, c.number("alpha", 1.0)))


@converts("Selu")
def selu(c: Context) -> Arranged:
    """Gamma times the elu."""
    x = c.tensor(0)
    alpha = c.number("alpha", 1.67326319217681884765625)
    gamma = c.scalar(c.number("gamma", 1.05070102214813232421875), "gamma")
    return x.like(c.emit(nn.Mul(expressions.elu(c, x.value, alpha), gamma)))


@converts("Softplus")
def softplus(c: Context) -> Arranged:
    """log(1 + exp(x)) as relu(x) + log(1 + exp(-|x|)), which does not overflow."""
    x = c.tensor(0)
    return x.like(expressions.softplus(c, x.value))


@converts("Softsign")
def softsign(c: Context) -> Arranged:
    """X / (1 + |x|)."""
    x = c.tensor(0)
    return x.like(expressions.softsign(c, x.value))


@converts("Softmax")
def softmax(c: Context) -> Arranged:
    """Over one axis, or before opset 13 over that axis and all behind it."""
    if c.opset >= 13:
        axis = c.axis(c.integer("axis", -1), c.tensor(0).rank)
        perm = _axis_last(c.tensor(0), axis)
        return Arranged.stored(c.emit(nn.Softmax(c.in_order(0, perm))), perm)
    x = c.x(0)
    rows = _rows(c, x)
    return Arranged.plain(c.reshape(c.emit(nn.Softmax(rows)), x.shape))


@converts("LogSoftmax")
def log_softmax(c: Context) -> Arranged:
    """X - max - log(sum(exp(x - max))), over the axes of a softmax."""
    if c.opset >= 13:
        perm = _axis_last(c.tensor(0), c.axis(c.integer("axis", -1), c.tensor(0).rank))
        return Arranged.stored(expressions.log_softmax(c, c.in_order(0, perm)), perm)
    x = c.x(0)
    return Arranged.plain(c.reshape(expressions.log_softmax(c, _rows(c, x)), x.shape))


def _axis_last(x: Arranged, axis: int) -> tuple[int, ...]:
    """The tensor's own order where it ends in that axis, else ONNX's with the axis moved."""
    if not x.is_features and x.perm and x.perm[-1] == axis:
        return x.perm
    return (*(a for a in range(x.rank) if a != axis), axis)


def _rows(c: Context, x: Value) -> Value:
    """[product of the axes in front, product of the others]."""
    axis = c.integer("axis", 1)
    axis = axis if axis == x.type.rank else c.axis(axis, x.type.rank)
    count = 1
    for size in x.shape[:axis]:
        count *= size
    if count == 0:
        raise Unsupported(f"reads an empty tensor of shape {list(x.shape)}")
    return c.reshape(x, (count, x.type.size // count))
