# SPDX-License-Identifier: Apache-2.0
"""Structural equality of modules.

Names of SSA values and symbols of constants do not matter, everything else does: operations in
order, how they are connected, attributes (as they are spelled, so that NaN equals NaN and -0.0
differs from 0.0), types, data of constants, locations, stage, module attributes, public names.
"""

from __future__ import annotations

from collections import Counter

from .module import Module
from .operation import Op
from .text.attributes import spell, spelled_attributes
from .text.constants import DIGEST_DIGITS
from .types import Quant, TensorType
from .value import Resource, Value


def same_module(a: Module, b: Module) -> bool:
    """Whether two modules are equal."""
    return a is b or difference(a, b) is None


def difference(a: Module, b: Module) -> str | None:
    """The first difference of two modules in words, or None when they are equal."""
    for what, left, right in (
        ("name", a.name, b.name),
        ("stage", a.stage.value, b.stage.value),
        ("attributes", _attrs(a), _attrs(b)),
        ("function", a.func.name, b.func.name),
        ("inputs", a.func.input_names, b.func.input_names),
        ("outputs", a.func.output_names, b.func.output_names),
        ("number of arguments", len(a.func.args), len(b.func.args)),
        ("operations", [o.NAME for o in a.func.ops], [o.NAME for o in b.func.ops]),
    ):
        if left != right:
            return f"{what}: {left} != {right}"
    return _Comparison(a, b).difference()


def _attrs(module: Module) -> dict[str, str]:
    return {name: spell(value) for name, value in module.attrs.items()}


class _Comparison:
    """Two modules and which values of one stand for which of the other."""

    def __init__(self, a: Module, b: Module) -> None:
        self.a = a
        self.b = b
        self.forward: dict[Value, Value] = {}
        self.backward: dict[Value, Value] = {}

    def difference(self) -> str | None:
        for x, y in zip(self.a.func.args, self.b.func.args, strict=True):
            if not self._pair(x, y):
                return f"argument {x.name}: {x.type} != {y.type}"
        for i, (p, q) in enumerate(zip(self.a.func.walk(), self.b.func.walk(), strict=True)):
            if found := self._operation(p, q):
                return f"operation {i}, {p.NAME} {p.loc.name}: {found}"
        unused = [self._unused(m) for m in (self.a, self.b)]
        if unused[0] != unused[1]:
            return "constants that nobody uses"
        return None

    def _operation(self, p: Op, q: Op) -> str | None:
        if p.loc != q.loc:
            return f"location {p.loc.names} {p.loc.op} != {q.loc.names} {q.loc.op}"
        left, right = spelled_attributes(p), spelled_attributes(q)
        if left != right:
            return f"attributes {left} != {right}"
        slots = list(p.operand_slots()), list(q.operand_slots())
        if [n for n, _ in slots[0]] != [n for n, _ in slots[1]]:
            return f"{len(slots[0])} operands != {len(slots[1])}"
        for (name, x), (_, y) in zip(*slots, strict=True):
            if (x is None) != (y is None) or (x and y and not self._pair(x, y)):
                return f"operand {name}: {x!r} != {y!r}"
        if len(p.results) != len(q.results):
            return f"{len(p.results)} results != {len(q.results)}"
        for x, y in zip(p.results, q.results, strict=True):
            if not self._pair(x, y):
                return f"result type {x.type} != {y.type}"
        return None

    def _pair(self, x: Value, y: Value) -> bool:
        """Whether x stands for y; at their first meeting they are compared."""
        if x in self.forward or y in self.backward:
            return self.forward.get(x) is y and self.backward.get(y) is x
        if not self._same_type(x.type, y.type) or isinstance(x, Resource) != isinstance(
            y, Resource
        ):
            return False
        if isinstance(x, Resource) and isinstance(y, Resource) and _data(x) != _data(y):
            return False
        self.forward[x] = y
        self.backward[y] = x
        return True

    def _same_type(self, x: TensorType, y: TensorType) -> bool:
        same = x.same_elements(y) and x.layout == y.layout
        if x.quant is None or y.quant is None:
            return same and x.quant is y.quant
        return same and self._quant(self.a, x.quant) == self._quant(self.b, y.quant)

    def _quant(self, module: Module, quant: Quant) -> list[str]:
        """Scale and zero as they are spelled, with the data in the place of symbols."""
        return [
            _data(module.resources[p])
            if isinstance(p, str) and p in module.resources
            else str(Quant(p))
            for p in (quant.scale, quant.zero)
        ]

    def _unused(self, module: Module) -> Counter[tuple[str, str]]:
        seen = self.forward if module is self.a else self.backward
        rest = [r for r in module.resources.values() if r not in seen]
        return Counter((str(r.type), _data(r)) for r in rest)


def _data(resource: Resource) -> str:
    """The digest of the data, or the name of the file when the data is not at hand."""
    if resource.file is not None and not resource.at_hand:
        return f"file:{resource.file}"
    return resource.digest[:DIGEST_DIGITS]
