# SPDX-License-Identifier: Apache-2.0
"""Choose a kernel for every operation."""

from __future__ import annotations

from typing import ClassVar

from bnnc.ir import Module, Op, Stage, bin, nn
from bnnc.ir.diagnostics import TargetError
from bnnc.ir.stage_rules import keeps_rows
from bnnc.passes import Pass, Rewriter

from ..kernel_table import kernel_table
from ..params import calls_of
from ..target import find_target


class ChooseKernels(Pass):
    """Give every operation the cheapest kernel that fits it on the target.

    Reshapes that keep every byte in its place get none: they are aliases. Float layers sum from
    here on in the first of the target's orders that their kernel has.
    """

    name: ClassVar[str] = "choose-kernels"
    consumes: ClassVar[Stage | None] = Stage.BINARIZED
    exactness = "rounding"
    target: str = "c"

    def run(self, module: Module, rw: Rewriter) -> None:
        """Set `kernel` of every operation, `order` of float layers and the target's name."""
        target = find_target(self.target)
        table = kernel_table()
        module.attrs["target"] = target.name
        rw.log.append("target")
        for op in module.func.ops:
            _require_elements(op)
            if is_alias(op):
                rw.update(op, kernel=None)
                continue
            kernel = table.choose(op, target)
            calls_of(op, kernel)  # fails here, not in the emitter, if a size does not fit
            rw.update(op, kernel=kernel.symbol)
            if isinstance(op, bin.Layer) and not op.integer:
                rw.update(op, order=kernel.order_on(target) or target.order)


def _require_elements(op: Op) -> None:
    if any(value.type.size == 0 for value in (*op.operands, *op.results)):
        raise TargetError(
            f"{op.NAME} at '{op.loc.name}' has a tensor of no elements",
            hint="nothing is left to compute behind it; cut the graph there",
        )


def is_alias(op: Op) -> bool:
    """Whether the result is the operand, byte for byte, under another shape."""
    return isinstance(op, nn.Reshape) or (isinstance(op, bin.Reshape) and keeps_rows(op))
