# SPDX-License-Identifier: Apache-2.0
"""The kernel table (``runtime/kernels.toml``) and the choice of a kernel for an operation."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from bnnc.ir import bin
from bnnc.ir.diagnostics import BnncError, TargetError
from bnnc.ir.layouts import layout_of
from bnnc.ir.operation import Op
from bnnc.ir.types import TensorType
from bnnc.ir.value import Resource, Value
from bnnc.runtime import runtime_dir

from .constraints import holds
from .target import Target

RESULT = "y"


@dataclass(frozen=True, eq=False)
class Kernel:
    """One row of the table; see the head of ``runtime/kernels.toml`` for the meaning."""

    symbol: str
    ops: tuple[str, ...]
    isa: str
    source: str
    params: str
    operands: tuple[str, ...]
    types: Mapping[str, str]
    layouts: Mapping[str, str]
    when: tuple[str, ...] = ()
    orders: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    inplace: tuple[str, ...] = ()
    cost: int = 10
    stack: int = 1024
    also: tuple[str, ...] = ()

    def runs_on(self, target: Target) -> bool:
        """Whether a target lists the kernel's instruction set, or another that has it all."""
        return any(isa in target.isas for isa in (self.isa, *self.also))

    def order_on(self, target: Target) -> bin.Order | None:
        """The first of the target's orders in which the kernel sums; None where it has none."""
        return next((order for order in target.orders if order in self._orders_on(target)), None)

    def _orders_on(self, target: Target) -> tuple[str, ...]:
        isas = [isa for isa in self.orders if isa in target.isas]
        return self.orders[isas[0]] if isas else ()

    def layout(self, slot: str) -> str | None:
        """The layout in which an operand (or ``y``) is wanted, None for plain."""
        return self.layouts.get(slot)

    def misfit(self, op: Op, target: Target, texts: Mapping[str, str]) -> str | None:
        """Why the kernel cannot run this operation on this target; None when it can."""
        if not self.runs_on(target):
            return f"needs {self.isa}, the target has {', '.join(target.isas)}"
        if self.orders and self.order_on(target) is None:
            orders = " or ".join(self._orders_on(target)), " or ".join(target.orders)
            return f"sums in the order {orders[0]}, the target in {orders[1]}"
        slots = kernel_slots(op)
        for slot, value in slots:
            if slot not in self.operands:
                return f"takes no {slot}"
            if reason := self._unfit(slot, value):
                return reason
        optional = {s.name for s in op.OPERANDS if s.optional}
        missing = [n for n in self.operands if n not in optional and n not in dict(slots)]
        missing += [n for n in self.operands if n == "thr" and n not in dict(slots)]
        if missing:
            return f"needs {missing[0]}"
        for result in op.results:
            if not _is_a(result.type, self.types.get(RESULT, "any")):
                return f"gives {self.types[RESULT]}, not {result.type.scalar}"
        unmet = [name for name in self.when if not holds(name, op)]
        return f"needs {texts.get(unmet[0], unmet[0])}" if unmet else None

    def _unfit(self, slot: str, value: Value) -> str | None:
        want = self.types.get(slot, "any")
        if not _is_a(value.type, want):
            return f"takes {want} as {slot}, not {value.type.scalar}"
        layout = self.layout(slot)
        try:
            layout_of(value.type.with_layout(layout))
        except BnncError as error:
            return f"{slot}: {error.message}"
        if not isinstance(value, Resource) and layout not in (None, packed_layout(value.type)):
            return f"takes {slot} as #{layout}"
        return None


@dataclass(frozen=True)
class KernelTable:
    """All kernels, and what the named constraints mean in words."""

    kernels: tuple[Kernel, ...]
    constraints: Mapping[str, str]
    by_op: Mapping[str, Sequence[Kernel]] = field(init=False)

    def __post_init__(self) -> None:
        by_op: dict[str, list[Kernel]] = {}
        for kernel in self.kernels:
            for name in kernel.ops:
                by_op.setdefault(name, []).append(kernel)
        object.__setattr__(self, "by_op", by_op)

    def choose(self, op: Op, target: Target) -> Kernel:
        """The cheapest kernel that fits; a target error says why each candidate does not.

        Candidates are the kernels of the target's families or, where it has none, of all.
        """
        reasons: list[str] = []
        best: Kernel | None = None
        every = self.by_op.get(op.NAME, ())
        for kernel in [k for k in every if k.runs_on(target)] or every:
            reason = kernel.misfit(op, target, self.constraints)
            if reason is not None:
                reasons.append(f"{kernel.symbol} ({kernel.isa}): {reason}")
            elif best is None or kernel.cost < best.cost:
                best = kernel
        if best is None:
            what = ", ".join(str(v.type) for v in op.operands)
            lines = [f"target '{target.name}' has no kernel for {op.NAME}({what}){_at(op)}"]
            raise TargetError("\n  ".join([*lines, *reasons]), hint=_advice(op, reasons))
        return best

    def of(self, op: Op) -> Kernel | None:
        """The kernel that ``op.kernel`` names; None for an alias, which has no code."""
        if op.kernel is None:
            return None
        for kernel in self.by_op.get(op.NAME, ()):
            if kernel.symbol == op.kernel:
                return kernel
        raise TargetError(
            f"{op.NAME}{_at(op)} names the kernel '{op.kernel}', which the table does not have",
            hint="kernels for it: "
            + (", ".join(k.symbol for k in self.by_op.get(op.NAME, ())) or "none"),
        )


def packed_layout(type_: TensorType) -> str | None:
    """The layout beside the plain one that activations may have: planes of bits, or none."""
    if type_.scalar.name == "bit":
        return "bp8"
    return "lp8" if type_.scalar.level_bits is not None else None


def _is_a(type_: TensorType, want: str) -> bool:
    """Whether a type is what the table calls `want`; see the head of ``runtime/kernels.toml``."""
    if want == "level":
        return type_.scalar.level_bits is not None
    if want == "byte":
        return packed_layout(type_) is not None
    if want == "q8":
        return type_.scalar.name in ("i8", "u8")
    return want in ("any", type_.scalar.name)


def kernel_slots(op: Op) -> list[tuple[str, Value]]:
    """The operands that a kernel reads; ``params`` only keep a threshold's expression."""
    return [(s, v) for s, v in op.operand_slots() if v is not None and s != "params"]


def _at(op: Op) -> str:
    return f" at '{op.loc.name}'" if op.loc.name else ""


def _advice(op: Op, reasons: Sequence[str]) -> str:
    if reasons:
        return ""
    return "only constants may go through this operation; it was not folded because its operand \
is computed at run time"


@cache
def kernel_table() -> KernelTable:
    """The table that ships with the runtime."""
    text = (runtime_dir() / "kernels.toml").read_text(encoding="utf-8")
    data: dict[str, Any] = tomllib.loads(text)
    return KernelTable(
        tuple(_kernel(row) for row in data["kernel"]), dict(data.get("constraints", {}))
    )


def _kernel(row: Mapping[str, Any]) -> Kernel:
    ops: str | list[str] = row["op"]
    return Kernel(
        symbol=row["symbol"],
        ops=(ops,) if isinstance(ops, str) else tuple(ops),
        isa=row["isa"],
        source=row["source"],
        params=row["params"],
        operands=tuple(row["operands"]),
        types=dict(row["types"]),
        layouts=dict(row.get("layouts", {})),
        when=tuple(row.get("when", ())),
        orders=_orders(row),
        inplace=tuple(row.get("inplace", ())),
        cost=int(row.get("cost", 10)),
        stack=int(row.get("stack", 1024)),
        also=tuple(row.get("also", ())),
    )


def _orders(row: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The orders of each instruction set that a row names; none where it gives no order."""
    given: str | list[str] | dict[str, str | list[str]] = row.get("order", {})
    if not isinstance(given, dict):
        given = dict.fromkeys((row["isa"], *row.get("also", ())), given)
    return {isa: (o,) if isinstance(o, str) else tuple(o) for isa, o in given.items()}
