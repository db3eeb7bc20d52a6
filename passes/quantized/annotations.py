# SPDX-License-Identifier: Apache-2.0
"""The 8-bit levels that float values are to have, as their types say: ``f32, q(0.02, -128)``."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bnnc.ir import nn
from bnnc.ir.module import Module
from bnnc.ir.operation import Op
from bnnc.ir.types import F32, Quant, TensorType
from bnnc.ir.value import Value

from ..calibration import AffineLevels, levels_of
from ..calibration.affine import HIGHEST, LOWEST
from ..rewriter import Rewriter

# Operations whose results are elements of their operands: all of them share one scale.
SAME_LEVELS = (
    *(nn.Concat, nn.Gather, nn.MaxPool, nn.Pad, nn.Reshape, nn.Slice, nn.Split, nn.Transpose),
)  # fmt: skip


def annotate(rw: Rewriter, value: Value, levels: AffineLevels) -> None:
    """Let the type of a float value say its levels."""
    quant = Quant(levels.scale, levels.zero)
    rw.retype(value, TensorType(value.shape, F32, value.type.layout, quant))


def annotated_levels(value: Value) -> AffineLevels | None:
    """The levels that the type of a float value names, or None."""
    quant = value.type.quant
    if value.type.scalar != F32 or quant is None:
        return None
    if isinstance(quant.scale, str) or isinstance(quant.zero, str):
        return None
    return AffineLevels(quant.scale, quant.zero)


def clear(module: Module, rw: Rewriter, but: Collection[Value] = ()) -> None:
    """Float types without levels again, but for some values."""
    for value in [*module.func.args, *(v for op in module.func.ops for v in op.results)]:
        if value.type.scalar == F32 and value.type.quant is not None and value not in but:
            rw.retype(value, TensorType(value.shape, F32, value.type.layout))


def shared_levels(module: Module, integer: Mapping[Op, bool]) -> dict[Value, AffineLevels]:
    """Levels of every annotated value; values of which one is made of the other have the same.

    The range of such a group is the union of its members'. Without this the parts of a
    concatenation would be requantized, each with an error of its own.

    Args:
        module: the module.
        integer: the operations that are to work on bytes.
    """
    leaders: dict[Value, Value] = {}

    def leader(value: Value) -> Value:
        while (up := leaders.get(value, value)) is not value:
            value = up
        return value

    for op in module.func.ops:
        if isinstance(op, SAME_LEVELS) and integer.get(op):
            first, *others = [v for v in (*op.results, *op.operands) if annotated_levels(v)]
            for other in others:
                leaders[leader(other)] = leader(first)
    ranges: dict[Value, tuple[float, float]] = {}
    members = [*module.func.args, *(v for op in module.func.ops for v in op.results)]
    own = {v: levels for v in members if (levels := annotated_levels(v)) is not None}
    alone: dict[Value, AffineLevels | None] = {}
    for value, levels in own.items():
        at = leader(value)
        low, high = ((b - levels.zero) * levels.scale for b in (LOWEST, HIGHEST))
        old = ranges.get(at, (low, high))
        ranges[at] = min(old[0], low), max(old[1], high)
        alone[at] = levels if alone.get(at, levels) == levels else None
    return {v: alone[leader(v)] or levels_of(*ranges[leader(v)]) for v in own}
