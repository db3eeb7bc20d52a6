# SPDX-License-Identifier: Apache-2.0
"""Matrix products with weights, and biases."""

from __future__ import annotations

from bnnc.ir import Value, nn

from ...failures import Unsupported
from ..context import Context
from ..convert import converts
from .fused import apply_fused
from .images import is_nchw


def _transposed(c: Context, x: Value) -> Value:
    return c.emit(nn.Transpose(x, perm=(1, 0)))


def _dense(c: Context) -> Value:
    x, w = c.x(0), c.x(1)
    if x.type.rank != 2 or w.type.rank != 2:
        raise Unsupported(f"multiplies shapes {list(x.shape)} and {list(w.shape)}")
    if not c.is_constant(w):
        raise Unsupported("multiplies two tensors that depend on an input")
    if c.flag("transpose_a", False):
        x = _transposed(c, x)
    # TensorFlow's weights are [i, o], the IR's [o, i].
    return c.emit(nn.Dense(x, w if c.flag("transpose_b", False) else _transposed(c, w)))


@converts("MatMul")
def matmul(c: Context) -> Value:
    """X [n, i] . w [i, o]."""
    return _dense(c)


@converts("_FusedMatMul")
def fused_matmul(c: Context) -> Value:
    """X [n, i] . w [i, o] and what Grappler hung behind it."""
    return apply_fused(c, _dense(c))


@converts("BiasAdd", "BiasAddV1")
def bias_add(c: Context) -> Value:
    """One bias for each channel: the last axis, or axis 1 of NCHW."""
    x, bias = c.x(0), c.x(1)
    if is_nchw(c) and x.type.rank > 2:
        ones = (1,) * (x.type.rank - 2)
        bias = c.emit(nn.Reshape(bias, shape=(*bias.shape, *ones)))
    return c.emit(nn.Add(x, bias))
