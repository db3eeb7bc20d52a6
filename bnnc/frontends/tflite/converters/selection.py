# SPDX-License-Identifier: Apache-2.0
"""Operators that find or take elements."""

from __future__ import annotations

from collections.abc import Sequence

from bnnc.ir import Value, nn, q

from ...tensorflow.converters.selection import gathered
from ..context import Context
from ..convert import converts, converts_bytes
from .tensorflow import SELECTIONS, require_same_quantization, same


@converts("GATHER")
def gather(c: Context) -> Value:
    """Elements at constant places of an axis."""
    return gathered(c, c.x(0), c.numbers(1), c.integer("axis"))


@converts_bytes("GATHER")
def gather_bytes(c: Context) -> Value | Sequence[Value]:
    """The same of bytes."""
    require_same_quantization(c)
    return gather(c)


def _floats(c: Context) -> Value:
    """What the bytes stand for; their order is the same."""
    x = c.quant(0)
    return c.emit(q.Dequantize(c.x(0), scale=x.scale, zero=x.zero))


def _of_floats(c: Context) -> Value | Sequence[Value]:
    """The same operator on floats."""
    operands = [_floats(c), *c.operands[1:]]
    return same(c.with_operands(operands), SELECTIONS[c.operator.kind])


def _as_bytes(c: Context, y: Value) -> Value:
    """Bytes again, of floats that bytes of the same scale stood for."""
    scale = c.result_quant()
    return c.emit(q.Quantize(y, scale=scale.scale, zero=scale.zero, to=scale.to, halves="away"))


@converts_bytes("ARG_MAX", "ARG_MIN")
def place_bytes(c: Context) -> Value | Sequence[Value]:
    """The place of the largest or smallest byte, of equals the first."""
    return _of_floats(c)


@converts_bytes("TOPK_V2")
def top_k_bytes(c: Context) -> Sequence[Value]:
    """The k largest bytes and their places."""
    require_same_quantization(c)
    made = _of_floats(c)
    values, places = [made] * 2 if isinstance(made, Value) else made
    return [_as_bytes(c, values), places]


@converts_bytes("REDUCE_MAX", "REDUCE_MIN")
def extreme_bytes(c: Context) -> Value:
    """The largest or smallest byte over constant axes."""
    require_same_quantization(c)
    floats = _floats(c)
    axes = tuple(sorted({c.axis(a, floats.type.rank) for a in c.integers(1)}))
    y = c.emit(
        nn.Reduce(
            floats,
            kind="max" if c.operator.kind == "REDUCE_MAX" else "min",
            axes=axes,
            keep_dims=c.flag("keep_dims", False),
        )
    )
    return _as_bytes(c, y)
