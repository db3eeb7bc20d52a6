# SPDX-License-Identifier: Apache-2.0
"""Store weights as their kernels read them."""

from __future__ import annotations

from typing import ClassVar

from bnnc.ir import Module, Op, Resource, Stage
from bnnc.passes import Pass, Rewriter

from ..kernel_table import kernel_slots, kernel_table


class PackWeights(Pass):
    """Repack constants to the layouts of the kernels; two layouts make two copies."""

    name: ClassVar[str] = "pack-weights"
    consumes: ClassVar[Stage | None] = Stage.BINARIZED
    produces: ClassVar[Stage | None] = Stage.LOWERED

    def run(self, module: Module, rw: Rewriter) -> None:
        """Replace every constant operand of a kernel by one in the kernel's layout."""
        table = kernel_table()
        packed: dict[tuple[Resource, str], Resource] = {}
        for op in module.func.ops:
            kernel = table.of(op)
            if kernel is None:
                continue
            for slot, value in kernel_slots(op):
                layout = kernel.layout(slot)
                if isinstance(value, Resource) and layout and value.type.layout != layout:
                    key = (value, layout)
                    if key not in packed:
                        packed[key] = _packed(value, layout, module, rw)
                    _set_operand(op, slot, packed[key], rw)


def _packed(resource: Resource, layout: str, module: Module, rw: Rewriter) -> Resource:
    """Add the packed twin; it takes over the symbol if that was not done by another one."""
    kept = module.resources.get(resource.symbol)
    if kept is resource:
        del module.resources[resource.symbol]
    twin = rw.resource(resource.symbol, resource.array, resource.type.with_layout(layout))
    if kept is resource and resource.use_count > 1:
        resource.symbol = module.fresh_symbol(resource.symbol)
        module.resources[resource.symbol] = resource
    return twin


def _set_operand(op: Op, slot: str, value: Resource, rw: Rewriter) -> None:
    rw.update(op, **{slot: value})
