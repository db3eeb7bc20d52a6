# SPDX-License-Identifier: Apache-2.0
"""An independent check of memory plans: it replays them and knows nothing of lifetimes."""

from __future__ import annotations

from bnnc.ir import Module, Op, Value
from bnnc.ir.diagnostics import IRError

from ..kernel_table import kernel_table
from ..params import nbytes_of
from ..storage import IN_CALLER, alias_root, caller_buffers


def check_plan(module: Module) -> None:
    """Replay the operations, noting which tensors are still whole.

    A tensor has a tag, which it shares with its aliases; what is written spoils every other tensor
    that it overlaps. Nothing is kept byte by byte: the arena may be as large as a plan says.

    Raises:
        IRError: a tensor is out of bounds or misaligned, is overwritten before it was last read,
            or a kernel writes over an operand although it does not allow that.
    """
    size, align = int(str(module.attrs["arena_bytes"])), int(str(module.attrs["arena_align"]))
    owned = caller_buffers(module.func)
    spans: dict[Value, range] = {}
    tags: dict[Value, int] = {}
    whole: dict[int, range] = {}
    for op in module.func.ops:
        kernel = kernel_table().of(op)
        for slot, value in op.operand_slots():
            if value in spans and tags[value] not in whole:
                raise _fault(op, f"reads {slot} after its bytes were overwritten")
        for at, result in zip(op.at or (), op.results, strict=True):
            if (at == IN_CALLER) != (alias_root(result) in owned):
                raise _fault(op, f"at = {at}: {IN_CALLER} is for buffers of the caller, only")
            if at == IN_CALLER:
                continue
            span = range(at, at + nbytes_of(result.type))
            if at < 0 or span.stop > size or at % align:
                raise _fault(op, f"at = {at} is outside of the arena or misaligned")
            for slot, value in op.operand_slots():
                other = spans.get(value) if value is not None else None
                if other is None or not _overlap(other, span):
                    continue
                if other != span or (kernel is not None and slot not in kernel.inplace):
                    raise _fault(op, f"at = {at} overwrites {slot}, which its kernel still reads")
            same = kernel is None and op.operands[0] in spans
            if same and spans[op.operands[0]] != span:
                raise _fault(op, "is an alias, but not where its operand is")
            tags[result] = tags[op.operands[0]] if same else len(tags)
            spans[result] = span
            tag = tags[result]
            whole = {t: s for t, s in whole.items() if t == tag or not _overlap(s, span)}
            if not same:
                whole[tag] = span


def _overlap(a: range, b: range) -> bool:
    return max(a.start, b.start) < min(a.stop, b.stop)


def _fault(op: Op, what: str) -> IRError:
    return IRError(f"memory plan: {op.NAME} at '{op.loc.name}' {what}")
