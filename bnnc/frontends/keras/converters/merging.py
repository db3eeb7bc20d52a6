# SPDX-License-Identifier: Apache-2.0
"""Layers and functions of several tensors."""

from __future__ import annotations

from collections.abc import Callable

from bnnc.ir import Op, Value, nn

from ...failures import Unsupported
from ..context import Context
from ..convert import converts
from ..values import as_number

_MERGES: dict[str, Callable[[Value, Value], Op]] = {
    "Add": nn.Add,
    "Subtract": nn.Sub,
    "Multiply": nn.Mul,
    "Maximum": nn.Maximum,
    "Minimum": nn.Minimum,
    "Divide": nn.Div,
    "TrueDivide": nn.Div,
}
_FUNCTIONS: dict[str, Callable[[Value, Value], Op]] = {
    "__operators__.add": nn.Add,
    "math.add": nn.Add,
    "math.subtract": nn.Sub,
    "math.multiply": nn.Mul,
    "math.truediv": nn.Div,
    "math.divide": nn.Div,
    "math.maximum": nn.Maximum,
    "math.minimum": nn.Minimum,
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
    """From left to right; numbers may stand among the tensors of keras.ops."""
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


@converts("TFOpLambda")
def function(c: Context) -> Value:
    """Sums, differences, products, quotients, maxima and minima that Python operators wrote."""
    name = c.text("function")
    if name not in _FUNCTIONS:
        raise Unsupported(
            f"calls tf.{name}", "use a layer, or give a SavedModel or a frozen graph instead"
        )
    others: list[Value] = []
    for key, value in c.named.items():
        number = as_number(value)
        if isinstance(value, Value):
            others.append(value)
        elif number is not None:
            others.append(c.scalar(number, key))
        else:
            raise Unsupported(f"calls tf.{name} with {key}={str(value)[:60]}")
    return _folded(c, _FUNCTIONS[name], [*c.operands, *others])
