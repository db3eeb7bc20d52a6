# SPDX-License-Identifier: Apache-2.0
"""Layers that join several tensors."""

from __future__ import annotations

from collections.abc import Callable

from bnnc.ir import Op, Value, nn

from ... import expressions
from ...failures import Unsupported
from ..context import Context
from ..convert import converts

_MERGES: dict[str, Callable[[Value, Value], Op]] = {
    "Add": nn.Add,
    "Subtract": nn.Sub,
    "Multiply": nn.Mul,
    "Maximum": nn.Maximum,
    "Minimum": nn.Minimum,
}


def _folded(c: Context, op: Callable[[Value, Value], Op], values: list[Value]) -> Value:
    if len(values) < 2:
        raise Unsupported(f"merges {len(values)} tensors")
    total = values[0]
    for value in values[1:]:
        total = c.emit(op(total, value))
    return total


@converts(*_MERGES)
def merge(c: Context) -> Value:
    """From left to right."""
    return _folded(c, _MERGES[c.node.layer.kind], list(c.operands))


@converts("Average")
def average(c: Context) -> Value:
    """The sum from left to right, divided by the count."""
    total = _folded(c, nn.Add, list(c.operands))
    return c.emit(nn.Div(total, c.scalar(float(len(c.operands)), "count")))


@converts("Concatenate")
def concatenate(c: Context) -> Value:
    """Along any axis but the batch."""
    axis = c.axis(c.integer("axis", -1), c.operands[0].type.rank)
    if axis == 0:
        raise Unsupported("joins along the batch")
    return c.emit(nn.Concat(tuple(c.operands), axis=axis))


@converts("Dot")
def dot(c: Context) -> Value:
    """Sums of products along one axis of each of two tensors, sample by sample."""
    a, b = c.operands
    axes = c.ints("axes", (c.integer("axes", -1),) * 2)
    if len(axes) != 2 or min(a.type.rank, b.type.rank) < 2 or max(a.type.rank, b.type.rank) > 3:
        raise Unsupported(f"joins the axes {list(axes)} of {list(a.shape)} and {list(b.shape)}")
    along = [c.axis(axis, x.type.rank) for axis, x in zip(axes, (a, b), strict=True)]
    if 0 in along:
        raise Unsupported("joins along the batch")
    if c.flag("normalize", False):
        a, b = (
            expressions.unit_norm(c, x, (i,), 1e-12) for x, i in zip((a, b), along, strict=True)
        )
    n = a.shape[0]
    left = a if along[0] == a.type.rank - 1 else c.transpose(a, (0, 2, 1))
    right = b if along[1] == 1 else c.transpose(b, (0, 2, 1))
    y = c.emit(
        nn.MatMul(
            c.reshape(left, (n, left.type.size // (n * left.shape[-1]), left.shape[-1])),
            c.reshape(right, (n, right.shape[1], right.type.size // (n * right.shape[1]))),
        )
    )
    outer = [d for x, i in zip((a, b), along, strict=True) for d in x.shape[1:i] + x.shape[i + 1 :]]
    return c.reshape(y, (n, *(outer or [1])))
