# SPDX-License-Identifier: Apache-2.0
"""Print docs/ir_reference.md, made from the registry of operations.

Usage: python scripts/ir_reference.py > docs/ir_reference.md
"""

from __future__ import annotations

import inspect
import re
import sys
import types
import typing
from collections.abc import Iterable

from bnnc.ir.layouts import layouts
from bnnc.ir.operation import AttrSpec, Op, OperandSpec, Step, registered_operations
from bnnc.ir.types import format_f32

_HEAD = """\
# IR reference

<!-- Made by scripts/ir_reference.py from the docstrings in ir/. Change those, not this file. -->

Every operation of the IR. [ir.md](ir.md) explains how they are written, and
[semantics.md](semantics.md) what they compute to the last bit.

In the signatures, `%b?` may be `none`, and is left out at the end of the list; `%xs...` stands for
any number of operands. An operand may be a constant (`@name`) as well. An attribute without a
default must be given. All operations may also carry `kernel`, from stage lowered on, and `at`, from
stage planned on.

`fl(...)` is one rounding to float32.
"""


def _group(op: type[Op]) -> tuple[object, ...]:
    """Operations that agree in this are described together."""
    return op.__module__, op.OPERANDS, op.ATTRS, op.infer


def _groups(ops: Iterable[type[Op]]) -> list[list[type[Op]]]:
    found: dict[tuple[object, ...], list[type[Op]]] = {}
    for op in ops:
        found.setdefault(_group(op), []).append(op)
    return list(found.values())


def _operand(spec: OperandSpec) -> str:
    return f"%{spec.name}{'?' if spec.optional else '...' if spec.variadic else ''}"


def _type(hint: object) -> str:
    """An attribute's type as its values are written in text."""
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint == Step:
        return "[word or number, ...]"
    if origin is typing.Literal:
        return " \\| ".join(f"`{a}`" for a in args)
    if origin is tuple:
        items = [_type(a) for a in args if a is not Ellipsis]
        return f"[{', '.join([*items, '...'] if Ellipsis in args else items)}]"
    if origin is typing.Union or origin is types.UnionType:
        return " or ".join(_type(a) for a in args if a is not type(None))
    names = {bool: "flag", str: "string"}
    return names.get(hint, hint.__name__) if isinstance(hint, type) else str(hint)


def _default(spec: AttrSpec) -> str:
    if spec.required:
        return ""
    value = spec.default
    if value is None or value is False or value == ():
        return "absent"
    if isinstance(value, tuple):
        return f"`[{', '.join(map(str, typing.cast('tuple[object, ...]', value)))}]`"
    return f"`{format_f32(value) if isinstance(value, float) else value}`"


def _doc(what: object) -> str:
    """A docstring as Markdown: code in single quotes, no tag in what stands between < and >."""
    parts = (inspect.getdoc(what) or "").split("``")
    parts[::2] = [re.sub(r"<(?=\w)", r"\<", part) for part in parts[::2]]
    return "`".join(parts)


def _section(ops: list[type[Op]]) -> str:
    first = ops[0]
    lines = [f"### {', '.join(f'`{op.NAME}`' for op in ops)}", ""]
    name = first.NAME if len(ops) == 1 else "..."
    call = f"{name}({', '.join(map(_operand, first.OPERANDS))})"
    braces = f" {{{', '.join(a.name for a in first.ATTRS if a.required)}}}"
    lines += [f"`{call}{braces if braces != ' {}' else ''}`", ""]
    if len(ops) == 1:
        lines += [_doc(first), ""]
    else:
        lines += [f"* `{op.NAME}`: {' '.join(_doc(op).split())}" for op in ops]
        lines += [""]
    lines += [f"Result: {' '.join(_doc(first.infer).split())}", ""]
    if first.ATTRS:
        lines += ["| attribute | type | default |", "| --- | --- | --- |"]
        lines += [f"| `{a.name}` | {_type(a.annotation)} | {_default(a)} |" for a in first.ATTRS]
        lines += [""]
    return "\n".join(lines)


def ir_reference() -> str:
    """Return the text of the page."""
    by_module: dict[str, list[type[Op]]] = {}
    for op in registered_operations().values():
        by_module.setdefault(op.__module__, []).append(op)
    parts = [_HEAD]
    dialects = {module: ops[0].NAME.partition(".")[0] for module, ops in by_module.items()}
    for module in sorted(by_module, key=lambda m: ("nn", "q", "bin", "func").index(dialects[m])):
        ops, dialect = by_module[module], dialects[module]
        title, _, rest = _doc(sys.modules[module]).partition("\n")
        if dialect == "func":
            title, rest = "The end of a function.", ""
        parts += [f"## `{dialect}`: {title.rstrip('.')}\n"]
        parts += [f"{rest.strip()}\n"] if rest.strip() else []
        parts += [_section(group) for group in _groups(ops)]
    parts += ["## Layouts\n", "| layout | meaning |\n| --- | --- |"]
    for layout in layouts():
        name = f"`#{layout.name}`" if layout.name else "none"
        parts[-1] += f"\n| {name} | {' '.join(_doc(type(layout)).split())} |"
    return "\n".join(parts) + "\n"


if __name__ == "__main__":
    sys.stdout.write(ir_reference())
