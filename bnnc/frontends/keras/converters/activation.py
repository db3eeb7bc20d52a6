# SPDX-License-Identifier: Apache-2.0
"""Activations."""

from __future__ import annotations

from bnnc.ir import Value, nn

from ... import expressions
from ...failures import Unsupported
from ..activations import activate, rectify, slope_of
from ..context import Context
from ..convert import converts
from ..quantizers import apply_quantizer, trained_sign

_QUANTIZERS = ("SteSign", "ApproxSign", "SwishSign", "SteHeaviside", "SteTern", "DoReFa", "NoOp")


@converts("Activation")
def activation(c: Context) -> Value:
    """By name, by layer, or a quantizer."""
    return activate(c, c.x)


@converts(*_QUANTIZERS, "MagnitudeAwareSign")
def quantizer(c: Context) -> Value:
    """A quantizer of Larq as a layer."""
    options = {"class_name": c.node.layer.kind, "config": dict(c.node.layer.config)}
    return apply_quantizer(c, options, c.x)


@converts("bnnc>BinaryActivation")
def binary_activation(c: Context) -> Value:
    """The sign of bnnc.train, with the sign of zero that it names."""
    return trained_sign(c, c.x)


@converts("ReLU")
def relu(c: Context) -> Value:
    """With max_value, negative_slope and threshold."""
    return rectify(c, dict(c.node.layer.config), c.x)


@converts("LeakyReLU")
def leaky_relu(c: Context) -> Value:
    """X < 0 ? x * slope : x."""
    return c.emit(nn.LeakyRelu(c.x, alpha=slope_of(dict(c.node.layer.config))))


@converts("PReLU")
def prelu(c: Context) -> Value:
    """X < 0 ? x * slope : x with trained slopes, shared along axes or not."""
    x = c.x
    shared = {c.axis(a, x.type.rank) for a in c.ints("shared_axes", (0,))}
    shape = tuple(1 if i in shared else d for i, d in enumerate(x.shape) if i)
    (slope,) = c.variables(("alpha", shape))
    return c.emit(nn.PRelu(x, slope))


@converts("ELU")
def elu(c: Context) -> Value:
    """X < 0 ? alpha (exp(x) - 1) : x."""
    return expressions.elu(c, c.x, c.number("alpha", 1.0))


@converts("Softmax")
def softmax(c: Context) -> Value:
    """Over any one axis."""
    x = c.x
    axes = c.ints("axis", (c.integer("axis", -1),))
    if len(axes) != 1:
        raise Unsupported(f"is taken over the axes {list(axes)}")
    return c.along_last(x, c.axis(axes[0], x.type.rank), lambda x: c.emit(nn.Softmax(x)))


@converts("ThresholdedReLU")
def thresholded_relu(c: Context) -> Value:
    """X where x > theta, else 0."""
    above = c.emit(nn.Compare(c.x, c.scalar(c.number("theta", 1.0), "theta"), predicate="gt"))
    return c.emit(nn.Select(above, c.x, c.scalar(0.0, "zero")))
