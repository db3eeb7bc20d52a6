# SPDX-License-Identifier: Apache-2.0
"""Elementwise operations; the order of operands is kept, since maximum and minimum see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np

from bnnc.ir import Op, Value, nn

from ... import expressions
from ...failures import Unsupported
from ..context import Context
from ..convert import converts

_UNARY: dict[str, Callable[[Value], Op]] = {
    "Abs": nn.Abs,
    "Exp": nn.Exp,
    "Log": nn.Log,
    "Neg": nn.Neg,
    "Relu": nn.Relu,
    "Rsqrt": nn.Rsqrt,
    "Round": nn.Round,
    "Rint": nn.Round,
    "Sigmoid": nn.Sigmoid,
    "Sqrt": nn.Sqrt,
    "Tanh": nn.Tanh,
}
_BINARY: dict[str, Callable[[Value, Value], Op]] = {
    "Add": nn.Add,
    "AddV2": nn.Add,
    "Sub": nn.Sub,
    "Mul": nn.Mul,
    "RealDiv": nn.Div,
    "Maximum": nn.Maximum,
    "Minimum": nn.Minimum,
}
_PREDICATES: dict[str, Literal["ge", "gt", "le", "lt", "eq", "ne"]] = {
    "GreaterEqual": "ge",
    "Greater": "gt",
    "LessEqual": "le",
    "Less": "lt",
    "Equal": "eq",
    "NotEqual": "ne",
}


@converts(*_UNARY)
def unary(c: Context) -> Value:
    """One operation of one operand."""
    return c.emit(_UNARY[c.node.op](c.x(0)))


@converts(*_BINARY)
def binary(c: Context) -> Value:
    """One operation of two operands."""
    return c.emit(_BINARY[c.node.op](c.x(0), c.x(1)))


@converts("DivNoNan")
def div_no_nan(c: Context) -> Value:
    """A zero divisor gives zero."""
    return c.emit(nn.Div(c.x(0), c.x(1), no_nan=True))


@converts("AddN", "AccumulateNV2")
def add_n(c: Context) -> Value:
    """The sum from left to right."""
    total = c.x(0)
    for value in c.operands[1:]:
        total = c.emit(nn.Add(total, value))
    return total


@converts("Square")
def square(c: Context) -> Value:
    """X * x."""
    return c.emit(nn.Mul(c.x(0), c.x(0)))


@converts("SquaredDifference")
def squared_difference(c: Context) -> Value:
    """(a - b) * (a - b)."""
    difference = c.emit(nn.Sub(c.x(0), c.x(1)))
    return c.emit(nn.Mul(difference, difference))


@converts("Reciprocal", "Inv")
def reciprocal(c: Context) -> Value:
    """1 / x."""
    return c.emit(nn.Div(c.scalar(1.0), c.x(0)))


@converts("Pow")
def power(c: Context) -> Value:
    """Of a constant, or with one of the exponents that the IR has an operation for."""
    x, y = c.x(0), c.x(1)
    if c.is_constant(x) and c.is_constant(y):
        return c.constant(expressions.constant_power(c.array(0), c.array(1)))
    return expressions.power(c, x, c.array(1) if c.is_constant(y) else np.zeros(0))


@converts("Sign")
def sign(c: Context) -> Value:
    """TensorFlow's sign of zero is zero, of NaN is NaN."""
    return c.emit(nn.Sign(c.x(0), zero="keep", nan="propagate"))


@converts("ClipByValue")
def clip_by_value(c: Context) -> Value:
    """Bounds are scalars; bounds for each element become a minimum and a maximum."""
    x, lo, hi = c.x(0), c.x(1), c.x(2)
    if lo.type.size == hi.type.size == 1 and c.is_constant(lo) and c.is_constant(hi):
        low, high = (float(c.array(i).reshape(-1)[0]) for i in (1, 2))
        if low <= high:
            return c.emit(nn.Clip(x, lo=low, hi=high))
    return c.emit(nn.Maximum(c.emit(nn.Minimum(x, hi)), lo))


@converts(*_PREDICATES)
def compare(c: Context) -> Value:
    """A truth value for each element."""
    return c.emit(nn.Compare(c.x(0), c.x(1), predicate=_PREDICATES[c.node.op]))


@converts("Select", "SelectV2")
def select(c: Context) -> Value:
    """Condition ? a : b; the old Select takes a vector condition along the first axis."""
    condition, a, b = c.x(0), c.x(1), c.x(2)
    if c.node.op == "Select" and condition.type.rank == 1 and a.type.rank > 1:
        shape = (*condition.shape, *(1,) * (a.type.rank - 1))
        condition = c.emit(nn.Reshape(condition, shape=shape))
    return c.emit(nn.Select(condition, a, b))


@converts("Cast")
def cast(c: Context) -> Value:
    """Between float types nothing happens: the IR has one. Integers are constants here."""
    x, target = c.x(0), c.dtype("DstT")
    source_is_float, dtype = x.type.scalar.is_float, target.logical()
    if dtype is None:
        raise Unsupported(f"casts to {target.name.lower()}")
    if source_is_float and target.is_float:
        return x
    if not c.is_constant(x):
        if target.is_integer:
            # An integer input is already held as f32; its values do not change.
            if source_is_float and c.dtype("SrcT").is_integer:
                return x
            raise Unsupported("cuts an input to integers", "round in float instead")
        if not target.is_float:
            zero = c.constant(np.zeros((), x.type.dtype), "zero")
            return c.emit(nn.Compare(x, zero, predicate="ne"))
    if dtype == np.bool_:
        return c.emit(nn.Compare(x, c.constant(np.zeros((), x.type.dtype)), predicate="ne"))
    to = "f32" if target.is_float else f"{dtype.kind}{dtype.itemsize * 8}"
    return c.emit(nn.Cast(x, to=to))
