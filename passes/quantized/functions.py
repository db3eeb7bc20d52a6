# SPDX-License-Identifier: Apache-2.0
"""Functions of one byte: whatever floats do between dequantize and quantize, as 256 results."""

from __future__ import annotations

import numpy as np

from bnnc.ir import nn, q
from bnnc.ir.interpreter import evaluate
from bnnc.ir.location import Loc
from bnnc.ir.operation import Op
from bnnc.ir.q.rounding import BYTES
from bnnc.ir.value import Resource, Value

from ..base import Pass, pattern
from ..rewriter import Rewriter

_ELEMENTWISE = (
    *(nn.Abs, nn.Clip, nn.Exp, nn.LeakyRelu, nn.Log, nn.Neg, nn.PRelu, nn.Relu, nn.Round),
    *(nn.Rsqrt, nn.Sigmoid, nn.Sign, nn.Sqrt, nn.Tanh, nn.Add, nn.Sub, nn.Mul, nn.Div),
    *(nn.Maximum, nn.Minimum, nn.Compare, nn.Select, q.Quantize, q.Dequantize),
)
_LONGEST = 64


class TableFunctions(Pass):
    """A pattern for a pass to inherit; no pass by itself."""

    @pattern
    def function_of_one_byte(self, op: q.Quantize, rw: Rewriter) -> None:
        """Look the result up; exact, since the table is what the operations give."""
        source = _source(op)
        if source is None or source.shape != op.result.shape:
            return
        table = _results(op, source)
        low, _ = source.type.scalar.range() or (0, 0)
        same = source.type.scalar == op.result.type.scalar
        bytes_ = np.arange(low, low + 256)
        if same and bool((table == bytes_).all()):
            rw.replace(op, source)
        elif same and bool((table == np.clip(bytes_, table.min(), table.max())).all()):
            lo, hi = int(table.min()), int(table.max())
            rw.replace(op, q.Clamp(source, lo=lo, hi=hi, loc=_loc(op)))
        else:
            wish = f"{_loc(op).name}.table"
            rw.replace(op, q.Lookup(source, rw.resource(wish, table), loc=_loc(op)))


def _loc(op: q.Quantize) -> Loc:
    owner = op.x.owner
    return op.loc if owner is None else owner.loc.fuse([op.loc])


def _source(op: q.Quantize) -> Value | None:
    """The one tensor of bytes that a result depends on element by element, or None."""
    source: Value | None = None
    seen: set[Value] = set()
    todo = list(op.operands)
    while todo:
        value = todo.pop()
        if value in seen or (isinstance(value, Resource) and value.type.size == 1):
            continue
        seen.add(value)
        if value.type.scalar in BYTES:
            if source not in (None, value):
                return None
            source = value
        elif not isinstance(value.owner, _ELEMENTWISE) or len(seen) > _LONGEST:
            return None
        else:
            todo += value.owner.operands
    return source


def _results(op: Op, source: Value) -> np.ndarray:
    """What an operation gives for all 256 bytes."""
    low, high = source.type.scalar.range() or (0, 0)
    every = np.arange(low, high + 1, dtype=source.type.dtype)
    known: dict[Value, Resource] = {source: Resource.of("bytes", every)}

    def result(value: Value) -> Resource:
        if value not in known:
            if isinstance(value, Resource):
                known[value] = Resource.of("number", value.array.reshape(()))
            elif value.owner is not None:
                one = value.owner.rebuilt(result)
                arrays = [result(v).array for v in value.owner.operands]
                known[value] = Resource.of("step", evaluate(one, arrays)[0])
        return known[value]

    return result(op.results[0]).array
