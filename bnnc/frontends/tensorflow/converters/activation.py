# SPDX-License-Identifier: Apache-2.0
"""Activations: as nodes of their own, and as the tails of Grappler's fused nodes."""

from __future__ import annotations

import math
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
    return c.emit(nn.Mul(c.x(0), c.emit(nn.Sigmoid(c.x(0)))))


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


def _gelu(c: Context, x: Value) -> Value:
    """0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), Hendrycks and Gimpel, arXiv:1606.08415."""
    cube = c.emit(nn.Mul(c.emit(nn.Mul(x, x)), x))
    inner = c.emit(nn.Add(x, c.emit(nn.Mul(cube, c.scalar(0.044715, "cubic")))))
    scaled = c.emit(nn.Mul(inner, c.scalar(math.sqrt(2 / math.pi), "scale")))
    gate = c.emit(nn.Add(c.emit(nn.Tanh(scaled)), c.scalar(1.0, "one")))
    return c.emit(nn.Mul(c.emit(nn.Mul(x, c.scalar(0.5, "half"))), gate))


_BY_NAME: dict[str, Callable[[Context, Value], Value]] = {
    "Identity": lambda c, y: y,
    "Relu": lambda c, y: c.emit(nn.Relu(y)),
    "Relu6": _relu6,
    "LeakyRelu": lambda c, y: c.emit(nn.LeakyRelu(y, alpha=c.number("leakyrelu_alpha", 0.2))),
    "Elu": expressions.elu,
    "Tanh": lambda c, y: c.emit(nn.Tanh(y)),
    "Sigmoid": lambda c, y: c.emit(nn.Sigmoid(y)),
    "GeluApproximate": _gelu,
}
