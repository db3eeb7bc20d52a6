# SPDX-License-Identifier: Apache-2.0
"""What a network of floats between quantized bytes means: the integers that they stand for."""

from __future__ import annotations

from bnnc.ir import q
from bnnc.ir.module import Module
from bnnc.passes.pipelines import standard
from bnnc.passes.quantized import FuseQuantized

from .lowering import lower


def in_integers(given: Module, planned: Module) -> Module:
    """The given module with the integer layers that the passes made of its floats.

    Where they made none, it is the given module itself. Floats and integers may differ by one
    level where a sum lies half-way between two, so only this one compares with `planned`.
    """
    made = [op for op in planned.func.ops if isinstance(op, q.Layer)]
    if len(made) <= sum(isinstance(op, q.Layer) for op in given.func.ops):
        return given
    roundings: list[q.Rounding] = [op.rounding for op in made if op.multiplier is not None]
    rounding = roundings[0] if roundings else FuseQuantized.rounding
    head, fuse, _ = standard(given.stage).partition(FuseQuantized.name)
    if not fuse:
        return given
    return lower(given, passes=head + FuseQuantized(rounding=rounding).spec(), verify_each=False)
