# SPDX-License-Identifier: Apache-2.0
"""Matrix products; with a constant factor they are dense layers."""

from __future__ import annotations

import math

import numpy as np

from bnnc.ir import Value, nn

from ...failures import Unsupported
from ..arrangement import Arranged
from ..context import Context
from ..convert import converts


def dense_operands(c: Context, x: Arranged, w: Arranged) -> tuple[Value, Value]:
    """X [n, i] and the weights [o, i] of x . w; features in another order permute the weights."""
    oi = w.in_order((1, 0), c.emit)
    if not x.is_features:
        return c.whole(x), oi
    return x.value, x.permute_features(oi, 1, c.emit)


def _dense(c: Context, x: Arranged, w: Arranged, bias: Value | None = None) -> Value:
    """Emit y [n, o] = x [n, i] . w [i, o]."""
    return c.emit(nn.Dense(*dense_operands(c, x, w), bias))


@converts("Gemm")
def gemm(c: Context) -> Arranged:
    """Alpha A B + beta C; A or B may be transposed, C broadcasts."""
    a, b = c.tensor(0), c.tensor(1)
    if a.rank != 2 or b.rank != 2:
        raise Unsupported(f"multiplies shapes {list(a.shape)} and {list(b.shape)}")
    if c.integer("transA", 0):
        a = Arranged.plain(c.whole(a)).transposed((1, 0)) if a.is_features else a.transposed((1, 0))
    b = b.transposed((1, 0)) if c.integer("transB", 0) else b
    alpha, beta = c.number("alpha", 1.0), c.number("beta", 1.0)
    bias = c.tensor(2) if c.has_input(2) and beta != 0.0 else None
    outputs = b.shape[1]
    if c.is_constant(1) and bias is not None and alpha == beta == 1.0 and c.is_constant(2):
        per_output = bias.shape in ((outputs,), (1, outputs))
        if per_output:
            row = c.reshape(c.whole(bias), (outputs,))
            return Arranged.plain(_dense(c, a, b, row))
    y = _product(c, a, b)
    if alpha != 1.0:
        y = y.like(c.emit(nn.Mul(y.value, c.scalar(alpha, "alpha"))))
    if bias is None:
        return y
    if beta != 1.0:
        bias = Arranged.plain(c.emit(nn.Mul(c.whole(bias), c.scalar(beta, "beta"))))
    both = c.aligned(y, bias)
    return both.result(c.emit(nn.Add(*both.values)))


@converts("MatMul")
def matmul(c: Context) -> Arranged:
    """A [..., i] times a matrix [i, o], a matrix times columns, or stacks of matrices."""
    return multiplied(c, c.tensor(0), c.tensor(1))


def multiplied(c: Context, a: Arranged, b: Arranged) -> Arranged:
    """The product that MatMul takes of two tensors."""
    if 0 in (a.rank, b.rank):
        raise Unsupported("multiplies a number")
    rows = a if a.rank > 1 else a.reshaped((1, *a.shape), c.emit)
    columns = b if b.rank > 1 else b.reshaped((*b.shape, 1), c.emit)
    if (c.varies(a) and c.varies(b)) or math.prod(columns.shape[:-2]) != 1:
        y = _stacked(c, rows, columns)
        shape = y.shape
        shape = (*shape[:-2], shape[-1]) if a.rank == 1 else shape
        return y.reshaped(shape[:-1] if b.rank == 1 else shape, c.emit)
    stack = max(rows.shape[:-2], columns.shape[:-2], key=len)
    shape = (*stack, rows.shape[-2], columns.shape[-1])
    if rows.rank >= columns.rank:
        shape = (*rows.shape[:-1], columns.shape[-1])
    columns = columns.reshaped(columns.shape[-2:], c.emit)
    if rows.rank > 2:
        count = math.prod(rows.shape[:-1])
        rows = rows.reshaped((count, rows.shape[-1]), c.emit)
    y = _product(c, rows, columns)
    if a.rank == 1:
        shape = shape[:-2] + shape[-1:]
    if b.rank == 1:
        shape = shape[:-1]
    return y.reshaped(shape, c.emit)


def _product(c: Context, a: Arranged, b: Arranged) -> Arranged:
    """A [n, i] . b [i, o]; with the constant in front the transposed product is taken."""
    if not c.varies(b):
        return Arranged.plain(_dense(c, a, b))
    if not c.varies(a):
        columns = Arranged.plain(c.whole(b)) if b.is_features else b
        y = _dense(c, columns.transposed((1, 0)), a.transposed((1, 0)))
        return Arranged.stored(y, (1, 0))
    return _stacked(c, a, b)


def _stacked(c: Context, a: Arranged, b: Arranged) -> Arranged:
    """A [..., m, k] . b [..., k, n], the axes in front equal or ones."""
    stacks = a.shape[:-2], b.shape[:-2]
    sizes = [math.prod(s) for s in stacks]
    outer = np.broadcast_shapes(*stacks)
    if any(size not in (1, math.prod(outer)) for size in sizes):
        raise Unsupported(f"multiplies stacks of matrices {list(a.shape)} and {list(b.shape)}")
    left, right = (
        c.reshape(c.whole(t), (size, *t.shape[-2:])) for t, size in zip((a, b), sizes, strict=True)
    )
    y = c.emit(nn.MatMul(left, right))
    return Arranged.plain(c.reshape(y, (*outer, a.shape[-2], b.shape[-1])))
