# SPDX-License-Identifier: Apache-2.0
"""Evaluate operations whose operands are all constants."""

from __future__ import annotations

from bnnc.ir.diagnostics import IRError, PassError
from bnnc.ir.interpreter import evaluate
from bnnc.ir.limits import require_affordable_results
from bnnc.ir.module import Module
from bnnc.ir.value import Resource

from .base import Pass
from .registry import register_pass
from .rewriter import Rewriter


@register_pass
class FoldConstants(Pass):
    """Replace operations on constants by what the interpreter computes for them."""

    name = "fold-constants"

    def run(self, module: Module, rw: Rewriter) -> None:
        """One forward walk reaches everything, since results become constants on the way."""
        for op in rw.walk():
            operands = op.operands
            if not operands or not all(isinstance(v, Resource) for v in operands):
                continue
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
