# SPDX-License-Identifier: Apache-2.0
"""Give every tensor its place in the arena."""

from __future__ import annotations

from typing import ClassVar

from bnnc.ir import Function, Module, Op, Stage, Value
from bnnc.passes import Pass, Rewriter

from ..kernel_table import kernel_slots, kernel_table
from ..params import nbytes_of
from ..storage import IN_CALLER, alias_root
from ..target import find_target
from .check_plan import check_plan
from .lifetimes import arena_roots, last_uses
from .placement import SEED, STEPS, Interval, place


class PlanMemory(Pass):
    """Place tensors in the arena: in place where a kernel allows it, else largest first."""

    name: ClassVar[str] = "plan-memory"
    consumes: ClassVar[Stage | None] = Stage.LOWERED
    produces: ClassVar[Stage | None] = Stage.PLANNED
    steps: int = STEPS
    seed: int = SEED

    def run(self, module: Module, rw: Rewriter) -> None:
        """Set `at` of every operation, and the arena's size, its lower bound and alignment."""
        func = module.func
        align = find_target(str(module.attrs["target"])).arena_align
        buffer_of, intervals = _buffers(func, align)
        placement = place(intervals, self.steps, self.seed)
        for op in func.ops:
            roots = (alias_root(r) for r in op.results)
            at = (placement.offsets[buffer_of[r]] if r in buffer_of else IN_CALLER for r in roots)
            rw.update(op, at=tuple(at))
        module.attrs["arena_bytes"] = placement.peak
        module.attrs["arena_bound"] = placement.bound
        module.attrs["arena_align"] = align
        rw.log.append("arena")
        if gap := placement.peak - placement.bound:
            rw.remark("", f"the arena takes {gap} bytes more than the largest sum of live tensors")
        check_plan(module)


def _buffers(func: Function, align: int) -> tuple[dict[Value, int], list[Interval]]:
    """Group the roots that share a buffer: (index of each root's buffer, the buffers)."""
    roots, last = arena_roots(func), last_uses(func, func.ops)
    buffer_of: dict[Value, int] = {}
    intervals: list[Interval] = []
    for index, op in enumerate(func.ops):
        for result in op.results:
            if result not in roots:
                continue
            shared = _operand_to_overwrite(op, result, last, index)
            if shared is not None and shared in buffer_of:
                number = buffer_of[result] = buffer_of[shared]
                old = intervals[number]
                intervals[number] = Interval(old.size, old.start, last[result])
            else:
                buffer_of[result] = len(intervals)
                size = -(-nbytes_of(result.type) // align) * align
                intervals.append(Interval(size, index, last[result]))
    return buffer_of, intervals


def _operand_to_overwrite(
    op: Op, result: Value, last: dict[Value, int], index: int
) -> Value | None:
    """The root that the result may replace, or None.

    It has the result's shape and size, is read here for the last time, and only by operands whose
    elements the kernel reads before it writes the same place.
    """
    kernel = kernel_table().of(op)
    if kernel is None:
        return None
    slots = [(slot, alias_root(value), value) for slot, value in kernel_slots(op)]
    for slot, root, value in slots:
        others = [s for s, r, _ in slots if r is root and s not in kernel.inplace]
        if (
            slot in kernel.inplace
            and not others
            and last.get(root) == index
            and (value.shape, nbytes_of(value.type)) == (result.shape, nbytes_of(result.type))
        ):
            return root
    return None
