# SPDX-License-Identifier: Apache-2.0
"""What stands between a layer and the quantization of its result: bounds, and a bias."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bnnc.ir import nn, q
from bnnc.ir.interpreter import evaluate
from bnnc.ir.location import Loc
from bnnc.ir.operation import Op
from bnnc.ir.types import TensorType
from bnnc.ir.value import Resource, Value

from ..constants import channel_constant


@dataclass(frozen=True)
class Tail:
    """The operations in front of a `q.quantize` that its bounds stand for.

    Attributes:
        op: the operation in front of them.
        lo: the smallest byte that they leave.
        hi: the largest one.
        loc: the names of all, that of `op` first.
    """

    op: Op
    lo: int
    hi: int
    loc: Loc


def tail_of(op: q.Quantize) -> Tail | None:
    """Follow relu and clip, which nobody else reads, backwards from a quantization.

    Clips are monotone and so is rounding: quantize(clip(v, a, b)) is clamp(quantize(v), A, B),
    where A and B are the bytes of the numbers that -inf and +inf become.
    """
    steps: list[nn.Relu | nn.Clip] = []
    value = op.x
    while value.use_count == 1 and isinstance(value.owner, nn.Relu | nn.Clip):
        steps.append(value.owner)
        value = value.owner.x
    if value.owner is None or value.use_count != 1:
        return None
    ends = np.array([-np.inf, np.inf], np.float32)
    for step in [*reversed(steps), op]:
        x = Value(TensorType(ends.shape))
        ends = evaluate(step.rebuilt(lambda _, x=x: x), [ends])[0]  # type: ignore[misc]
    loc = value.owner.loc.fuse([*(s.loc for s in reversed(steps)), op.loc])
    return Tail(value.owner, int(ends[0]), int(ends[1]), loc)


def without_bias(op: Op) -> tuple[Op, np.ndarray | None]:
    """A layer that a constant for each channel is added to, and that constant."""
    if isinstance(op, nn.Add) and isinstance(op.b, Resource) and op.a.use_count == 1:
        layer = op.a.owner
        row = channel_constant(op.b, op.a)
        if isinstance(layer, nn.Conv2D | nn.Dense) and layer.b is None and row is not None:
            return layer, row
    return op, None
