# SPDX-License-Identifier: Apache-2.0
"""Where tensors live: aliases share bytes, and some bytes belong to the caller.

An operation without a kernel is an alias: its result is its operand under another shape. What
the function returns is computed straight into the caller's output buffer where that is possible.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bnnc.ir import Function, Resource, Value
from bnnc.ir.stage_rules import IN_CALLER

__all__ = ["IN_CALLER", "CallerBuffer", "alias_root", "caller_buffers", "output_copies"]


@dataclass(frozen=True)
class CallerBuffer:
    """The `index`-th input or output buffer that the caller hands to ``run``."""

    kind: Literal["in", "out"]
    index: int


def alias_root(value: Value) -> Value:
    """The value whose bytes a chain of aliases shares."""
    while value.owner is not None and value.owner.kernel is None:
        value = value.owner.operands[0]
    return value


def caller_buffers(func: Function) -> dict[Value, CallerBuffer]:
    """The roots that live in buffers of the caller.

    Arguments lie in input buffers. The root of a returned value lies in the output buffer of the
    first place where it is returned, unless it is an argument or a constant; all other places
    are copies (`output_copies`).
    """
    found = {arg: CallerBuffer("in", i) for i, arg in enumerate(func.args)}
    for i, value in enumerate(func.results):
        root = alias_root(value)
        if root not in found and not isinstance(root, Resource):
            found[root] = CallerBuffer("out", i)
    return found


def output_copies(func: Function) -> list[tuple[int, Value]]:
    """(output index, root) for every output that must be copied when all operations have run."""
    owned = caller_buffers(func)
    roots = [(i, alias_root(v)) for i, v in enumerate(func.results)]
    return [(i, r) for i, r in roots if owned.get(r) != CallerBuffer("out", i)]
