# SPDX-License-Identifier: Apache-2.0
"""Activations and dropout."""

from __future__ import annotations

from bnnc.ir import Value, nn

from ... import expressions
from ...failures import Unsupported
from ..context import Context
from ..convert import converts


@converts("BinActiveZ")
def binary_activation(c: Context) -> Value:
    """The sign of XNOR-Net; of zero it is zero, as in Torch."""
    return c.emit(nn.Sign(c.x, zero="keep", nan="propagate"))


@converts("ReLU")
def relu(c: Context) -> Value:
    """The larger of x and zero."""
    return c.emit(nn.Relu(c.x))


@converts("Threshold")
def threshold(c: Context) -> Value:
    """With threshold and value zero, which is a ReLU."""
    limit, below = c.number("threshold", 0.0), c.number("val", 0.0)
    if limit != 0 or below != 0:
        raise Unsupported(f"has threshold {limit:g} and value {below:g}")
    return c.emit(nn.Relu(c.x))


@converts("ReLU6")
def relu6(c: Context) -> Value:
    """Between zero and six."""
    return c.emit(nn.Clip(c.x, lo=0.0, hi=6.0))


@converts("HardTanh", "Clamp")
def hard_tanh(c: Context) -> Value:
    """Between two bounds, by default -1 and 1."""
    return c.emit(nn.Clip(c.x, lo=c.number("min_val", -1.0), hi=c.number("max_val", 1.0)))


@converts("LeakyReLU")
def leaky_relu(c: Context) -> Value:
    """Negative values times a slope."""
    return c.emit(nn.LeakyRelu(c.x, alpha=c.number("negval", 0.01)))


@converts("ELU")
def elu(c: Context) -> Value:
    """Alpha (exp(x) - 1) below zero."""
    return expressions.elu(c, c.x, c.number("alpha", 1.0))


@converts("Tanh")
def tanh(c: Context) -> Value:
    """Hyperbolic tangent."""
    return c.emit(nn.Tanh(c.x))


@converts("Sigmoid")
def sigmoid(c: Context) -> Value:
    """Logistic function."""
    return c.emit(nn.Sigmoid(c.x))


@converts("SoftMax", "SpatialSoftMax")
def softmax(c: Context) -> Value:
    """Over the channels."""
    return c.emit(nn.Softmax(c.x))


@converts("LogSoftMax", "SpatialLogSoftMax")
def log_softmax(c: Context) -> Value:
    """Logarithm of the softmax over the channels."""
    return expressions.log_softmax(c, c.x)


@converts("Identity", "Copy", "Contiguous")
def identity(c: Context) -> Value:
    """Nothing to compute."""
    return c.x


@converts("Dropout")
def dropout(c: Context) -> Value:
    """Nothing once trained; its first version multiplies by 1 - p instead."""
    return c.x if c.flag("v2", False) else _scaled(c)


@converts("SpatialDropout")
def spatial_dropout(c: Context) -> Value:
    """Once trained, times 1 - p."""
    return _scaled(c)


def _scaled(c: Context) -> Value:
    keep = 1.0 - c.number("p", 0.5)
    return c.x if keep == 1.0 else c.emit(nn.Mul(c.x, c.scalar(keep, "keep")))
