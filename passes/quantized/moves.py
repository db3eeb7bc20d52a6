# SPDX-License-Identifier: Apache-2.0
"""Patterns that bring `q.dequantize` and `q.quantize` together.

What moves elements, or picks the largest, gives the same whether it meets bytes or the floats that
they stand for: bytes are dequantized behind it, and quantized in front of it. All of it is exact.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from bnnc.ir import nn, q
from bnnc.ir.interpreter import evaluate
from bnnc.ir.operation import Op
from bnnc.ir.value import Resource, Value

from ..base import Pass, pattern
from ..rewriter import Rewriter
from .levels import Bytes

Move: TypeAlias = nn.Reshape | nn.Transpose | nn.Slice | nn.Split | nn.Concat | nn.Pad | nn.Gather


class MoveBytes(Pass):
    """Patterns for a pass to inherit; no pass by itself."""

    @pattern
    def move_behind_dequantize(self, op: Move, rw: Rewriter) -> None:
        """Move bytes, and dequantize what comes of it; pads of 0.0 are pads of the zero point."""
        moving = [op.x] if isinstance(op, nn.Gather) else list(op.operands)
        found = [Bytes.behind(v) for v in moving]
        first = found[0]
        if first is None or any(b is None or not b.alike(first) for b in found):
            return
        if isinstance(op, nn.Pad) and op.value != 0.0:
            return
        sources = {v: b.x for v, b in zip(moving, found, strict=True) if b is not None}
        changes = {"value": float(first.zero)} if isinstance(op, nn.Pad) else {}
        moved = _constant(op.rebuilt(lambda v: sources.get(v, v), **changes), rw)
        rw.replace(
            op,
            [
                rw.insert(q.Dequantize(v, scale=first.scale, zero=first.zero, loc=op.loc)).result
                for v in moved
            ],
        )

    @pattern
    def max_pool_of_bytes(self, op: nn.MaxPool, rw: Rewriter) -> None:
        """The largest number is that of the largest byte."""
        found = Bytes.behind(op.x)
        if found is not None:
            pooled = rw.insert(_max_pool(op, found.x)).result
            rw.replace(op, q.Dequantize(pooled, scale=found.scale, zero=found.zero))

    @pattern
    def quantize_before_move(self, op: q.Quantize, rw: Rewriter) -> None:
        """Quantize first, where nobody else wants what is moved or pooled."""
        move = op.x.owner
        if op.x.use_count != 1 or isinstance(move, nn.Slice | nn.Split):
            return
        match move:
            case nn.Reshape() | nn.Transpose() | nn.Concat() | nn.Pad():
                changes: dict[str, object] = {}
                if isinstance(move, nn.Pad):
                    changes["value"] = float(_quantized(op, move.value))
                earlier = {v: _quantize(op, v, rw) for v in dict.fromkeys(move.operands)}
                rw.replace(op, rw.insert(move.rebuilt(lambda v: earlier[v], **changes)).result)
            case nn.MaxPool():
                rw.replace(op, rw.insert(_max_pool(move, _quantize(op, move.x, rw))).result)
            case _:
                pass


def _constant(op: Op, rw: Rewriter) -> list[Value]:
    """The results of an operation; of constants at once."""
    if not all(isinstance(v, Resource) for v in op.operands):
        return list(rw.insert(op).results)
    arrays = [v.array if isinstance(v, Resource) else None for v in op.operands]
    wish = op.operands[0].name
    return [rw.resource(wish, a) for a in evaluate(op, arrays)]


def _max_pool(op: nn.MaxPool, x: Value) -> q.MaxPool:
    lo, hi = x.type.scalar.range() or (0, 0)
    return q.MaxPool(
        x, kernel_size=op.kernel_size, stride=op.stride, pad=op.pad, lo=lo, hi=hi, loc=op.loc
    )


def _quantize(op: q.Quantize, x: Value, rw: Rewriter) -> Value:
    copy = q.Quantize(x, scale=op.scale, zero=op.zero, to=op.to, halves=op.halves, loc=op.loc)
    return _constant(copy, rw)[0]


def _quantized(op: q.Quantize, number: float) -> int:
    """The byte that a number becomes."""
    x = Resource.of("number", np.array(number, np.float32))
    return int(evaluate(op.rebuilt(lambda _: x), [x.array])[0])
