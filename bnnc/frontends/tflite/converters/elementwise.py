# SPDX-License-Identifier: Apache-2.0
"""Elementwise operators with a fused activation, and activations of TensorFlow Lite's own."""

from __future__ import annotations

from bnnc.ir import Op, Value, nn

from ... import expressions
from ...failures import Unsupported
from ...tensorflow.converters.activation import activation
from ..context import Context
from ..convert import converts

_BINARY: dict[str, type[nn.Add | nn.Sub | nn.Mul | nn.Div]] = {
    "ADD": nn.Add,
    "SUB": nn.Sub,
    "MUL": nn.Mul,
    "DIV": nn.Div,
}


def fused(c: Context, y: Value) -> Value:
    """Apply the activation that the operator is fused with.

    Raises:
        Unsupported: It is SIGN_BIT, or none that is known.
    """
    name = c.text("activation", "NONE")
    match name:
        case "NONE":
            return y
        case "RELU":
            return c.emit(nn.Relu(y))
        case "RELU6":
            return c.emit(nn.Clip(y, lo=0.0, hi=6.0))
        case "RELU_N1_TO_1":
            return c.emit(nn.Clip(y, lo=-1.0, hi=1.0))
        case "TANH":
            return c.emit(nn.Tanh(y))
        case _:
            raise Unsupported(f"is fused with the activation {name}")


@converts(*_BINARY)
def binary(c: Context) -> Value:
    """Sum, difference, product or quotient, then the activation."""
    op: Op = _BINARY[c.operator.kind](c.x(0), c.x(1))
    return fused(c, c.emit(op))


@converts("RELU_N1_TO_1")
def relu_n1_to_1(c: Context) -> Value:
    """Clip to -1 ... 1."""
    return c.emit(nn.Clip(c.x(0), lo=-1.0, hi=1.0))


@converts("RELU_0_TO_1")
def relu_0_to_1(c: Context) -> Value:
    """Clip to 0 ... 1."""
    return c.emit(nn.Clip(c.x(0), lo=0.0, hi=1.0))


@converts("PRELU")
def prelu(c: Context) -> Value:
    """Slopes are an operand, broadcast to x."""
    return c.emit(nn.PRelu(c.x(0), c.x(1)))


@converts("HARD_SWISH")
def hard_swish(c: Context) -> Value:
    """X * clip(x + 3, 0, 6) / 6."""
    x = c.x(0)
    gate = c.emit(nn.Clip(c.emit(nn.Add(x, c.scalar(3.0, "three"))), lo=0.0, hi=6.0))
    return c.emit(nn.Mul(c.emit(nn.Mul(x, gate)), c.scalar(1 / 6, "sixth")))


@converts("GELU")
def gelu(c: Context) -> Value:
    """Only the approximation by tanh."""
    if not c.flag("approximate", False):
        raise Unsupported("is exact, by the error function", "use the approximation by tanh")
    return activation(c, "GeluApproximate", c.x(0))


@converts("L2_NORMALIZATION")
def l2_normalization(c: Context) -> Value:
    """X / sqrt(max(sum of x^2, 1e-12)) over the last axis. Then the activation."""
    x = c.x(0)
    return fused(c, expressions.unit_norm(c, x, (x.type.rank - 1,), 1e-12))


@converts("SOFTMAX")
def softmax(c: Context) -> Value:
    """Over the last axis, of x times ``beta``."""
    x, beta = c.x(0), c.number("beta", 1.0)
    if beta != 1.0:
        x = c.emit(nn.Mul(x, c.scalar(beta, "beta")))
    return c.emit(nn.Softmax(x))
