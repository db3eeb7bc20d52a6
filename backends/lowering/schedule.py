# SPDX-License-Identifier: Apache-2.0
"""Order the operations so that few tensors are alive at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from bnnc.ir import Function, Module, Op, Stage, Value
from bnnc.passes import Pass, Rewriter

from ..params import nbytes_of
from ..storage import alias_root
from .lifetimes import arena_roots, last_uses


class Schedule(Pass):
    """Greedy topological order; the order that was there stays unless the new one is better."""

    name: ClassVar[str] = "schedule"
    consumes: ClassVar[Stage | None] = Stage.LOWERED

    def run(self, module: Module, rw: Rewriter) -> None:
        """Reorder the function."""
        func = module.func
        order = greedy_order(func)
        if peak_bytes(func, order) < peak_bytes(func, func.ops):
            rw.reorder(order)


def peak_bytes(func: Function, order: Sequence[Op]) -> int:
    """Most bytes alive at once in this order, without any sharing in place."""
    roots, last = arena_roots(func), last_uses(func, order)
    change = [0] * (len(order) + 2)
    for index, op in enumerate(order):
        for result in op.results:
            if result in roots:
                change[index] += nbytes_of(result.type)
                change[last[result] + 1] -= nbytes_of(result.type)
    live = peak = 0
    for delta in change:
        live += delta
        peak = max(peak, live)
    return peak


def greedy_order(func: Function) -> list[Op]:
    """Always take the ready operation that leaves the fewest bytes alive; ties by position.

    Deterministic: it depends on the graph and the order of the operations alone.
    """
    roots = arena_roots(func)
    readers: dict[Value, set[int]] = {}
    for index, op in enumerate(func.ops):
        for value in op.operands:
            readers.setdefault(alias_root(value), set()).add(index)
    kept = {alias_root(v) for v in func.results}
    waiting = {i: {v.owner for v in op.operands if v.owner} for i, op in enumerate(func.ops)}

    def growth(index: int) -> int:
        op = func.ops[index]
        made = sum(nbytes_of(r.type) for r in op.results if r in roots)
        freed = {alias_root(v) for v in op.operands if readers[alias_root(v)] == {index}}
        return made - sum(nbytes_of(r.type) for r in freed if r in roots and r not in kept)

    order: list[Op] = []
    done: set[Op] = set()
    while waiting:
        ready = [i for i, owners in waiting.items() if owners <= done]
        best = min(ready, key=lambda i: (growth(i), i))
        op = func.ops[best]
        del waiting[best]
        done.add(op)
        order.append(op)
        for value in op.operands:
            readers[alias_root(value)].discard(best)
    return order
