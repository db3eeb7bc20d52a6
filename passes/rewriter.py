# SPDX-License-Identifier: Apache-2.0
"""The only way a pass changes a module, so that "changed" is what the log says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from bnnc.ir.diagnostics import PassError, Remark
from bnnc.ir.location import UNKNOWN
from bnnc.ir.module import Module
from bnnc.ir.operation import Op
from bnnc.ir.types import TensorType
from bnnc.ir.value import Resource, Value

OpT = TypeVar("OpT", bound=Op)


class Rewriter:
    """Edits one module and keeps a log and the remarks."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.log: list[str] = []
        self.remarks: list[Remark] = []
        self._out: list[Op] | None = None
        self._cursor: Op | None = None

    @property
    def change_count(self) -> int:
        """Number of changes so far."""
        return len(self.log)

    def walk(self) -> Iterator[Op]:
        """Yield the operations in order; `insert` puts new ones before the one just yielded."""
        if self._out is not None:
            raise PassError("walk() is already under way")
        func = self.module.func
        self._out = []
        try:
            rest = iter(list(func.ops))
            for op in rest:
                if not op.linked:
                    continue
                self._cursor = op
                yield op
                if op.linked:
                    self._out.append(op)
            func.ops = self._out
        finally:
            self._out = None
            self._cursor = None

    def insert(self, op: OpT) -> OpT:
        """Add an operation before the one being visited, or at the end outside of a walk."""
        if op.loc == UNKNOWN and self._cursor is not None:
            op.loc = self._cursor.loc
        op.link()
        (self.module.func.ops if self._out is None else self._out).append(op)
        self.log.append(f"insert {op.NAME}")
        return op

    def replace(self, op: Op, new: Op | Value | Sequence[Value]) -> None:
        """Let `new` (an operation, inserted here, or values) take the place of `op`'s results."""
        if isinstance(new, Op):
            if not new.linked:
                if new.loc == UNKNOWN:
                    new.loc = op.loc
                self.insert(new)
            values: Sequence[Value] = new.results
        else:
            values = [new] if isinstance(new, Value) else new
        if len(values) != len(op.results):
            raise PassError(f"{op.NAME} has {len(op.results)} results, not {len(values)}")
        for old, value in zip(op.results, values, strict=True):
            self.replace_uses(old, value)
        self.erase(op)

    def replace_uses(self, old: Value, new: Value) -> None:
        """Let every user of `old` use `new` instead."""
        if not new.name and not isinstance(new, Resource):
            new.name = old.name
        quant = old.type.quant
        if quant is not None and new.type.quant is None and not isinstance(new, Resource):
            self.retype(new, replace(new.type, quant=quant))  # the numbers mean the same
        for user in old.users:
            user.replace_operand(old, new)
        self.log.append("replace uses")

    def erase(self, op: Op) -> None:
        """Remove an operation whose results nobody uses."""
        for value in op.results:
            if value.uses:
                raise PassError(f"cannot erase {op}: its result is still used")
        op.unlink()
        if self._out is None:
            self.module.func.ops.remove(op)
        self.log.append(f"erase {op.NAME}")

    def resource(self, wish: str, array: np.ndarray, type_: TensorType | None = None) -> Resource:
        """Add a constant (see `Module.add_resource`)."""
        return self.module.add_resource(wish, array, type_)

    def update(self, op: Op, **fields: Any) -> None:
        """Change attributes or operands of an operation where they differ."""
        changed = {k: v for k, v in fields.items() if getattr(op, k) is not v}
        changed = {k: v for k, v in changed.items() if isinstance(v, Value) or getattr(op, k) != v}
        if not changed:
            return
        op.unlink()
        for name, value in changed.items():
            setattr(op, name, value)
        op.link()
        self.log.append(f"update {op.NAME}")

    def retype(self, value: Value, type_: TensorType) -> None:
        """Change the type of a value, for instance its layout."""
        if value.type != type_:
            value.type = type_
            self.log.append("retype")

    def reorder(self, ops: Sequence[Op]) -> None:
        """Set the order of the function's operations (the same ones)."""
        func = self.module.func
        if set(map(id, ops)) != set(map(id, func.ops)):
            raise PassError("reorder() must keep the set of operations")
        if any(a is not b for a, b in zip(ops, func.ops, strict=True)):
            func.ops = list(ops)
            self.log.append("reorder")

    def remark(self, where: Op | str, message: str) -> None:
        """Tell the user something; `where` names the layer."""
        self.remarks.append(Remark(where if isinstance(where, str) else where.loc.name, message))

    def prune(self) -> None:
        """Remove operations without used results, and unused constants."""
        func = self.module.func
        kept: list[Op] = []
        for op in reversed(func.ops):
            if any(v.uses for v in op.results):
                kept.append(op)
            else:
                op.unlink()
                self.log.append(f"erase dead {op.NAME}")
        func.ops = kept[::-1]
        self.module.drop_unused_resources()
