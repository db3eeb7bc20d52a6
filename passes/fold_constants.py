# SPDX-License-Identifier: Apache-2.0
"""Evaluate operations whose operands are all constants."""

from __future__ import annotations

from bnnc.ir import q
from bnnc.ir.diagnostics import IRError, PassError
from bnnc.ir.interpreter import evaluate
from bnnc.ir.limits import require_affordable_results
from bnnc.ir.module import Module
from bnnc.ir.operation import Op
from bnnc.ir.value import Resource

from .base import Pass
from .registry import register_pass
from .rewriter import Rewriter


@register_pass
class FoldConstants(Pass):
    """Replace operations on constants by what the interpreter computes for them.

    Quantized constants stay integers, which is what layers of bytes want; `fuse-quantized` folds
    those that no such layer reads.
    """

    name = "fold-constants"

    def run(self, module: Module, rw: Rewriter) -> None:
        """One forward walk reaches everything, since results become constants on the way."""
        for op in rw.walk():
            if not isinstance(op, q.Dequantize):
                fold(op, rw)


def fold(op: Op, rw: Rewriter) -> None:
    """Replace one operation, where its operands are all constants."""
    operands = op.operands
    if not operands or not all(isinstance(v, Resource) for v in operands):
        return
    try:
        require_affordable_results(op)
    except IRError as error:
        raise PassError(f"'{op.loc.name}': {error.message}", hint=error.hint) from None
    arrays = [v.array if isinstance(v, Resource) else None for _, v in op.operand_slots()]
    values = evaluate(op, arrays)
    wishes = [op.loc.name or operands[0].name] * len(values)
    rw.replace(
        op,
        [
            rw.resource(wish, array, result.type)
            for wish, array, result in zip(wishes, values, op.results, strict=True)
        ],
    )
