# SPDX-License-Identifier: Apache-2.0
"""How much stack ``NAME_run`` needs."""

from __future__ import annotations

from itertools import accumulate

from ..params import Call
from .program import Pointers, Program

# Saved registers, return address, pointers to weights and arena, arguments that do not fit into
# registers, and what aligns all of it.
FRAME_BYTES = 128
POINTER_BYTES = 8
# memcpy, where outputs are copied; the kernel table counts it alike.
LIBRARY_BYTES = 64


def stack_bytes(program: Program, pointers: Pointers) -> int:
    """An upper bound of the stack below the caller of ``run``.

    The frame of ``run`` and the kernel that needs most. ``run`` is straight-line code: a compiler
    may keep in its frame its arguments and the addresses that it will use once more, nothing else.
    """
    calls = [call for step in program.steps for call in step.calls]
    kernels = max((call.kernel.stack for call in calls), default=0)
    func = program.module.func
    kept = len(func.args) + len(func.results) + _addresses(calls, pointers)
    frame = FRAME_BYTES + POINTER_BYTES * kept
    return frame + max(kernels, LIBRARY_BYTES if program.copies else 0)


def _addresses(calls: list[Call], pointers: Pointers) -> int:
    """Most addresses that are needed both before (or in) a call and in (or after) it."""
    uses: dict[str, list[int]] = {}
    for index, call in enumerate(calls):
        for value in (*call.operands, call.result):
            uses.setdefault(pointers.of(value), []).append(index)
    change = [0] * (len(calls) + 1)
    for used in uses.values():
        change[used[0]] += 1
        change[used[-1] + 1] -= 1
    return max(accumulate(change))
