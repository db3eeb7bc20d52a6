# SPDX-License-Identifier: Apache-2.0
"""From a module to text. Printing what was parsed gives the same text again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ..location import Loc
from ..module import Module
from ..operation import Op
from ..spelling import quoted, spelled_symbol
from ..value import Resource, Value
from .attributes import spell, spelled_attributes, spelled_pairs
from .constants import spelled_constant
from .keys import side_file_keys

VERSION = 1


class Names:
    """Unique names of the SSA values of a module, close to the values' own.

    A name that parsing gave is kept; values without one get numbers, in order.
    """

    def __init__(self, module: Module) -> None:
        self._names: dict[Value, str] = {}
        self._taken: set[str] = set()
        self._count = 0
        for value in [*module.func.args, *(r for op in module.func.ops for r in op.results)]:
            if value not in self._names:
                self._names[value] = self._fresh(value.name)

    def __getitem__(self, value: Value | None) -> str:
        """How an operand is spelled; values that the module does not define get a ``?``."""
        if value is None:
            return "none"
        if isinstance(value, Resource):
            return spelled_symbol(value.symbol)
        return f"%{self._names.get(value, f'{_sanitised(value.name)}?')}"

    def _fresh(self, wish: str) -> str:
        base = _sanitised(wish)
        if not base or base.isdigit():
            self._count += 1
            return str(self._count - 1)
        name, count = base, 1
        while name in self._taken:
            name, count = f"{base}_{count}", count + 1
        self._taken.add(name)
        return name


def _sanitised(wish: str) -> str:
    name = re.sub(r"[^A-Za-z0-9_.$]", "_", wish)
    return f"_{name}" if name[:1] in (".", "$") else name


@dataclass(frozen=True)
class PrintedModule:
    """The lines of a module, and in which of them (from 0) each operation and resource is."""

    lines: list[str]
    line_of: dict[Op | Resource, int]


def print_module(module: Module) -> str:
    """The text of a module.

    Constants that do not stand inline are named by digest; `write_module` writes their data too.
    """
    return "\n".join(print_lines(module).lines) + "\n"


def print_lines(module: Module, *, keep_files: bool = True) -> PrintedModule:
    """The text of a module line by line.

    Args:
        module: it need not verify.
        keep_files: name the file of a constant that was read from ``blob("file:...")``.
    """
    names = Names(module)
    keys = side_file_keys(module)
    line_of: dict[Op | Resource, int] = {}
    attrs = {"stage": quoted(module.stage.value)}
    attrs |= {k: "" if v is True else spell(v) for k, v in module.attrs.items()}
    lines = [
        f"bnnc.ir {VERSION}",
        f"module {spelled_symbol(module.name)} {spelled_pairs(attrs)} {{",
    ]
    for symbol, resource in module.resources.items():
        line_of[resource] = len(lines)
        constant = spelled_constant(resource, keys[symbol], keep_files=keep_files)
        lines.append(f"  resource {spelled_symbol(resource.symbol)} : {resource.type} = {constant}")
    lines.append(f"  {_signature(module, names)} {{")
    for op in module.func.walk():
        line_of[op] = len(lines)
        lines.append(f"    {print_operation(op, names)}")
    lines += ["  }", "}"]
    return PrintedModule(lines, line_of)


def print_operation(op: Op, names: Names) -> str:
    """One statement."""
    operands = [names[value] for value in _shown_operands(op)]
    parts = [f"{op.NAME}({', '.join(operands)})"]
    if op.results:
        parts[0] = f"{', '.join(names[r] for r in op.results)} = {parts[0]}"
    if pairs := spelled_pairs(spelled_attributes(op)):
        parts.append(pairs)
    if op.results:
        parts.append(f": {', '.join(str(r.type) for r in op.results)}")
    if op.loc.names or op.loc.op:
        parts.append(_location(op.loc))
    return " ".join(parts)


def _shown_operands(op: Op) -> list[Value | None]:
    """The operand slots without the missing ones at the end."""
    slots = [value for _, value in op.operand_slots()]
    while slots and slots[-1] is None:
        slots.pop()
    return slots


def _location(loc: Loc) -> str:
    text = ", ".join(map(quoted, loc.names))
    if loc.op:
        text += f"{' ' if text else ''}: {quoted(loc.op)}"
    return f"loc({text})"


def _signature(module: Module, names: Names) -> str:
    func = module.func
    params = ", ".join(f"{names[a]}: {a.type}" for a in func.args)
    types = ", ".join(str(v.type) for v in func.results)
    public = {"inputs": _strings(func.input_names), "outputs": _strings(func.output_names)}
    symbol = spelled_symbol(func.name)
    return f"func {symbol}({params}) -> ({types}) {spelled_pairs(public)}"


def _strings(names: Iterable[str]) -> str:
    return spell(tuple(names))
