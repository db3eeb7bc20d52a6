# SPDX-License-Identifier: Apache-2.0
"""When the bytes of each tensor are needed."""

from __future__ import annotations

from collections.abc import Sequence

from bnnc.ir import Function, Op, Resource, Value

from ..storage import alias_root, caller_buffers


def arena_roots(func: Function) -> set[Value]:
    """The roots that need bytes in the arena: neither constants nor buffers of the caller."""
    owned = caller_buffers(func)
    results = (r for op in func.ops if op.kernel is not None for r in op.results)
    return {r for r in results if r not in owned}


def last_uses(func: Function, order: Sequence[Op]) -> dict[Value, int]:
    """Index of the last operation that reads each root; returned ones are read after the end.

    A result that nobody reads is needed while its operation runs.
    """
    last: dict[Value, int] = {}
    for index, op in enumerate(order):
        for value in (*op.operands, *op.results):
            if not isinstance(value, Resource):
                last[alias_root(value)] = index
    for value in func.results:
        last[alias_root(value)] = len(order)
    return last
