# SPDX-License-Identifier: Apache-2.0
"""Activations: as nodes of their own, and as the tails of Grappler's fused nodes."""

from __future__ import annotations

from collections.abc import Callable

from bnnc.ir import Value, nn

from ... import expressions
from ...failures import Unsupported
from ..context import Context
from ..convert import converts


@converts("Relu6")
def relu6(c: Context) -> Value:
    """Clip to 0 ... 6."""
    return _relu6(c, c.x(0))


@converts("LeakyRelu")
def leaky_relu(c: Context) -> Value:
    """X < 0 ? x * alpha : x."""
    return c.emit(nn.LeakyRelu(c.x(0), alpha=c.number("alpha", 0.2)))


@converts("Elu")
def elu(c: Context) -> Value:
    """X < 0 ? exp(x) - 1 : x."""
    return expressions.elu(c, c.x(0))


@converts("_MklSwish")
def swish(c: Context) -> Value:
    """X * sigmoid(x), as Grappler joins the two."""
    return expressions.silu(c, c.x(0))


@converts("Selu")
def selu(c: Context) -> Value:
    """1.0507 elu(x), with 1.6733 as the elu's factor below zero."""
    return expressions.selu(c, c.x(0))


@converts("Softplus")
def softplus(c: Context) -> Value:
    """log(1 + exp(x))."""
    return expressions.softplus(c, c.x(0))


@converts("Softsign")
def softsign(c: Context) -> Value:
    """X / (1 + |x|)."""
    return expressions.softsign(c, c.x(0))


def activation(c: Context, name: str, y: Value) -> Value:
    """Apply an activation by the name that Grappler gives it.

    Raises:
        Unsupported: The name is another one.
    """
    if name not in _BY_NAME:
        raise Unsupported(f"is fused with {name}", "give the graph before Grappler's remapping")
    return _BY_NAME[name](c, y)


def _relu6(c: Context, x: Value) -> Value:
    return c.emit(nn.Clip(x, lo=0.0, hi=6.0))


_BY_NAME: dict[str, Callable[[Context, Value], Value]] = {
    "Identity": lambda c, y: y,
    "Relu": lambda c, y: c.emit(nn.Relu(y)),
    "Relu6": _relu6,
    "LeakyRelu": lambda c, y: c.emit(nn.LeakyRelu(y, alpha=c.number("leakyrelu_alpha", 0.2))),
    "Elu": expressions.elu,
    "Tanh": lambda c, y: c.emit(nn.Tanh(y)),
    "Sigmoid": lambda c, y: c.emit(nn.Sigmoid(y)),
    "GeluApproximate": expressions.gelu,
}
