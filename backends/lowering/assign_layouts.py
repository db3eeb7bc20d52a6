# SPDX-License-Identifier: Apache-2.0
"""Give every tensor between kernels its layout."""

from __future__ import annotations

from typing import ClassVar

from bnnc.ir import Module, Op, Resource, Stage, Value, bin
from bnnc.ir.stage_rules import keeps_rows
from bnnc.passes import Pass, Rewriter

from ..kernel_table import RESULT, kernel_slots, kernel_table
from ..target import find_target


class AssignLayouts(Pass):
    """Give results the layouts of their kernels, and readers of another one a copy in that.

    Function inputs and outputs are plain. A value is copied to a layout once, before its first
    reader.
    """

    name: ClassVar[str] = "assign-layouts"
    consumes: ClassVar[Stage | None] = Stage.BINARIZED

    def run(self, module: Module, rw: Rewriter) -> None:
        """Set the layout of every result and insert `bin.relayout` operations."""
        table, copies = kernel_table(), _Copies(module, rw)
        for op in rw.walk():
            kernel = table.of(op)
            if kernel is None:
                # An alias; without a layout of its own where rows change within bytes.
                if not keeps_rows(op):
                    copies.read(op, op.operands[0], None)
                layout = op.operands[0].type.layout
            else:
                for slot, value in kernel_slots(op):
                    if not isinstance(value, Resource):
                        copies.read(op, value, kernel.layout(slot))
                layout = kernel.layout(RESULT)
            for result in op.results:
                rw.retype(result, result.type.with_layout(layout))
        for value in module.func.results:
            copies.read(module.func.ret, value, None)


class _Copies:
    """Copies of values in other layouts, made when they are first asked for."""

    def __init__(self, module: Module, rw: Rewriter) -> None:
        self._target = find_target(str(module.attrs["target"]))
        self._made: dict[tuple[Value, str | None], Value] = {}
        self._rw = rw

    def read(self, reader: Op, value: Value, layout: str | None) -> None:
        """Let an operation read the value in a layout."""
        if value.type.layout == layout:
            return
        key = (value, layout)
        if key not in self._made:
            source = reader if value.owner is None else value.owner
            op = self._rw.insert(bin.Relayout(value, loc=source.loc))
            self._rw.retype(op.result, value.type.with_layout(layout))
            op.kernel = kernel_table().choose(op, self._target).symbol
            self._made[key] = op.result
        reader.replace_operand(value, self._made[key])
