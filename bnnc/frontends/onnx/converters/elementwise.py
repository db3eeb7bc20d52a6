# SPDX-License-Identifier: Apache-2.0
"""Elementwise operations; the order of operands is kept, since maximum and minimum see it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bnnc.ir import Op, Value, nn

from ... import expressions
from ...failures import Unsupported
from ..arrangement import Arranged
from ..context import Context
from ..convert import converts
from ..tensors import is_float, logical_dtype, type_name

_UNARY: dict[str, Callable[[Value], Op]] = {
    "Abs": nn.Abs,
    "Exp": nn.Exp,
    "Log": nn.Log,
    "Neg": nn.Neg,
    "Relu": nn.Relu,
    "Round": nn.Round,
    "Sigmoid": nn.Sigmoid,
    "Sqrt": nn.Sqrt,
    "Tanh": nn.Tanh,
}
_BINARY: dict[str, Callable[[Value, Value], Op]] = {
    "Add": nn.Add,
    "Sub": nn.Sub,
    "Mul": nn.Mul,
    "Div": nn.Div,
}
_VARIADIC: dict[str, Callable[[Value, Value], Op]] = {
    "Max": nn.Maximum,
    "Min": nn.Minimum,
    "Sum": nn.Add,
    "Mean": nn.Add,
}
_PREDICATES: dict[str, nn.Predicate] = {
    "GreaterOrEqual": "ge",
    "Greater": "gt",
    "LessOrEqual": "le",
    "Less": "lt",
    "Equal": "eq",
}


@converts(*_UNARY)
def unary(c: Context) -> Arranged:
    """One operation of one operand."""
    x = c.tensor(0)
    return x.like(c.emit(_UNARY[c.node.op](x.value)))


@converts(*_BINARY)
def binary(c: Context) -> Arranged:
    """One operation of two operands; integers, which only shapes have, divide towards zero."""
    both = c.aligned(c.tensor(0), c.tensor(1))
    return both.result(c.emit(_BINARY[c.node.op](*both.values)))


@converts(*_VARIADIC)
def variadic(c: Context) -> Arranged:
    """Any number of operands, from left to right."""
    total = c.tensor(0)
    for other in c.tensors()[1:]:
        both = c.aligned(total, other)
        total = both.result(c.emit(_VARIADIC[c.node.op](*both.values)))
    if c.node.op == "Mean":
        count = c.scalar(float(len(c.operands)), "count")
        return total.like(c.emit(nn.Div(total.value, count)))
    return total


@converts("Sign")
def sign(c: Context) -> Arranged:
    """The sign of zero is zero, of NaN is NaN."""
    x = c.tensor(0)
    return x.like(c.emit(nn.Sign(x.value, zero="keep", nan="propagate")))


@converts("Reciprocal")
def reciprocal(c: Context) -> Arranged:
    """1 / x."""
    x = c.tensor(0)
    return x.like(c.emit(nn.Div(c.scalar(1.0), x.value)))


@converts("Floor")
def floor(c: Context) -> Arranged:
    """The largest integer that is not above x."""
    x = c.tensor(0)
    return x.like(rounded(c, x.value, "FLOOR"))


@converts("Ceil")
def ceil(c: Context) -> Arranged:
    """The smallest integer that is not below x."""
    x = c.tensor(0)
    return x.like(rounded(c, x.value, "CEIL"))


def rounded(c: Context, x: Value, mode: str) -> Value:
    """Emit rounding to an integer.

    ``FLOOR`` is r - [r > x] with r = round(x): r - x is exact and at most 1/2, so its sign behind
    a relu is the step. Beyond 2^24 every float is an integer; clipping there keeps infinity from
    giving infinity minus itself. ``DOWN`` is towards zero, ``UP`` away from it, ``HALF_UP`` and
    ``HALF_DOWN`` to the nearest with halves away from zero and towards it.

    Args:
        c: The node.
        x: f32.
        mode: The mode in capitals, as QONNX spells it.

    Raises:
        Unsupported: The mode is another one.
    """
    r = c.emit(nn.Round(x))
    match mode:
        case "ROUND" | "HALF_EVEN":
            return r
        case "FLOOR" | "CEIL":
            bounded = c.emit(nn.Clip(x, lo=-(2.0**24), hi=2.0**24))
            near = c.emit(nn.Round(bounded))
            pair = (near, bounded) if mode == "FLOOR" else (bounded, near)
            step = _step(c, c.emit(nn.Sub(*pair)))
            return c.emit(nn.Sub(r, step) if mode == "FLOOR" else nn.Add(r, step))
        case "DOWN" | "ROUND_TO_ZERO" | "UP":
            size = rounded(c, c.emit(nn.Abs(x)), "CEIL" if mode == "UP" else "FLOOR")
        case "HALF_UP":
            # floor(|x| + 1/2), but the sum may round up: step where |x| - round(|x|) is a half.
            size = _half(c, c.emit(nn.Abs(x)), up=True)
        case "HALF_DOWN":
            size = _half(c, c.emit(nn.Abs(x)), up=False)
        case _:
            raise Unsupported(f"has rounding mode {mode}")
    return c.emit(nn.Mul(size, c.emit(nn.Sign(x, zero="plus", nan="propagate"))))


def _step(c: Context, x: Value) -> Value:
    """1 where x > 0, else 0."""
    return c.emit(nn.Sign(c.emit(nn.Relu(x)), zero="keep", nan="propagate"))


def _half(c: Context, x: Value, *, up: bool) -> Value:
    """Round x >= 0 with halves up or down: x = low + rest exactly, low the floor."""
    low = rounded(c, x, "FLOOR")
    bounded = c.emit(nn.Clip(x, lo=0.0, hi=2.0**24))
    rest = c.emit(nn.Sub(bounded, rounded(c, bounded, "FLOOR")))
    over = c.emit(nn.Sub(rest, c.scalar(0.5, "half")))
    if not up:
        return c.emit(nn.Add(low, _step(c, over)))
    # [rest >= 1/2] = 1 - [1/2 > rest]
    below = _step(c, c.emit(nn.Neg(over)))
    return c.emit(nn.Add(low, c.emit(nn.Sub(c.scalar(1.0, "one"), below))))


@converts("Pow")
def power(c: Context) -> Arranged:
    """Of a constant, or with one of the exponents that the IR has an operation for."""
    x = c.tensor(0)
    if c.is_constant(0) and c.is_constant(1):
        return Arranged.plain(c.constant(expressions.constant_power(c.array(0), c.array(1))))
    return x.like(expressions.power(c, x.value, c.array(1) if c.is_constant(1) else np.zeros(0)))


@converts(*_PREDICATES)
def compare(c: Context) -> Arranged:
    """A truth value for each element."""
    both = c.aligned(c.tensor(0), c.tensor(1))
    return both.result(c.emit(nn.Compare(*both.values, predicate=_PREDICATES[c.node.op])))


@converts("Not")
def negation(c: Context) -> Arranged:
    """Whether the truth value is false."""
    x = c.tensor(0)
    zero = c.constant(np.zeros((), np.bool_))
    return x.like(c.emit(nn.Compare(x.value, zero, predicate="eq")))


@converts("Where")
def where(c: Context) -> Arranged:
    """Condition ? a : b."""
    three = c.aligned(*c.tensors())
    return three.result(c.emit(nn.Select(*three.values)))


@converts("Cast", "CastLike")
def cast(c: Context) -> Arranged:
    """Between float types nothing happens: the IR has one. Integers are constants here."""
    x = c.tensor(0)
    value, source = x.value, x.value.type.scalar
    if c.node.op == "CastLike":
        other = c.tensor(1).value.type
        floats, dtype = (
            other.scalar.is_float,
            np.dtype(np.bool_ if other.scalar.name == "u1" else other.dtype),
        )
    else:
        kind = c.integer("to")
        found = logical_dtype(kind)
        if found is None:
            raise Unsupported(f"casts to {type_name(kind)}")
        floats, dtype = is_float(kind), found
    if source.is_float and floats:
        return x
    if source.name == "i32" and dtype.kind in "iu" and not c.is_constant(0):
        return x  # places, whose width is the IR's
    if dtype == np.bool_:
        zero = c.constant(np.zeros((), value.type.dtype), "zero")
        return x.like(c.emit(nn.Compare(value, zero, predicate="ne")))
    if source.is_float and not c.is_constant(0):
        if c.holds_integers(0):
            return x
        raise Unsupported("cuts an input to integers", "round in float instead")
    return x.like(
        c.emit(nn.Cast(value, to="f32" if floats else f"{dtype.kind}{dtype.itemsize * 8}"))
    )
