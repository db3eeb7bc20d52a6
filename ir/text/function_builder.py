# SPDX-License-Identifier: Apache-2.0
"""From the syntax tree of a function to its operations."""

from __future__ import annotations

from typing import Any

from lark import Token

from ..diagnostics import IRError, did_you_mean
from ..location import UNKNOWN, Loc
from ..module import Function, Module
from ..operation import Op, OperandSpec, Return, find_operation
from ..types import TensorType
from ..value import Value
from .attribute_reader import BadValue, read_attribute
from .attributes import declared, describe, members
from .builder import Builder
from .syntax import AttrNode, FuncNode, ListNode, OpNode, ValueNode

_PUBLIC_NAMES = tuple[str, ...]


class _Skip(Exception):
    """A statement that cannot be built; its errors are noted already."""


class FunctionBuilder:
    """Builds one function; a missing value is followed up in `names`, after an error in None."""

    def __init__(self, builder: Builder, module: Module, node: FuncNode) -> None:
        self.builder = builder
        self.module = module
        self.node = node
        self.func = Function()
        # None stands for a value whose statement has an error.
        self.values: dict[str, Value | None] = {}
        self.defined_by: dict[str, Token] = {}

    def build(self) -> Function:
        """Arguments, statements, return, public names."""
        node, func = self.node, self.func
        func.name = self.builder.symbol(node.name)
        for param in node.params:
            type_ = self.builder.type(param.type)
            value = None if type_ is None else Value(type_)
            self._define(param.name, value)
            if value is not None:
                func.args.append(value)
        for statement in node.ops:
            self._statement(statement)
        last = node.ops[-1].name if node.ops else node.name
        if last != Return.NAME:
            self.builder.error(last, f"a function ends with {Return.NAME}")
        declared_types = [self.builder.type(t) for t in node.types]
        if not self.builder.diagnostics:
            self._check_results(declared_types)
            self._public_names()
        return func

    def _define(self, token: Token, value: Value | None) -> None:
        name = str(token)
        if name in self.defined_by:
            first = self.builder.source.line(self.defined_by[name].start_pos or 0)
            self.builder.error(token, f"{name} is defined twice", f"first defined in line {first}")
            return
        self.defined_by[name] = token
        self.values[name] = value
        if value is not None and not name[1:].isdigit():
            value.name = name[1:]

    def _statement(self, node: OpNode) -> None:
        types = [self.builder.type(t) for t in node.types]
        try:
            op = self._operation(node, types)
        except _Skip:
            for token, type_ in zip(node.results, [*types, *[None] * len(node.results)]):  # noqa: B905
                self._define(token, None if type_ is None else Value(type_))
            return
        for token, value in zip(node.results, op.results, strict=True):
            self._define(token, value)
        if isinstance(op, Return):
            if self.func.ret.linked or node is not self.node.ops[-1]:
                self.builder.error(node.name, f"{Return.NAME} must be the last statement")
            op.link()
            self.func.ret = op
        else:
            self.func.append(op)

    def _operation(self, node: OpNode, types: list[TensorType | None]) -> Op:
        try:
            cls = find_operation(node.name)
        except IRError as error:
            self.builder.error_of(node.name, error)
            raise _Skip from None
        fields = self._operands(node, cls)
        attributes = self._attributes(node, cls)
        if fields is None or attributes is None or None in types:
            raise _Skip
        try:
            op = cls(**fields, **attributes, loc=self._location(node))
        except IRError as error:
            self.builder.error_of(node.name, error)
            raise _Skip from None
        self._set_types(node, op, types)
        return op

    def _operands(self, node: OpNode, cls: type[Op]) -> dict[str, Any] | None:
        """Operand fields by name; None after an error."""
        required = sum(not (s.optional or s.variadic) for s in cls.OPERANDS)
        variadic = any(s.variadic for s in cls.OPERANDS)
        count = len(node.operands)
        if count < required or (count > len(cls.OPERANDS) and not variadic):
            self.builder.error(
                node.name,
                f"{node.name} takes {_count_in_words(cls.OPERANDS)}, found {count}",
                f"operands are {', '.join(map(_spelled, cls.OPERANDS))}",
            )
            return None
        fields: dict[str, Any] = {}
        found = [self._operand(t) for t in node.operands]
        broken = _BROKEN in found
        for i, spec in enumerate(cls.OPERANDS):
            values = found[i:] if spec.variadic else found[i : i + 1]
            for value, token in zip(values, node.operands[i:], strict=False):
                if value is None and not spec.optional:
                    self.builder.error(token, f"operand {spec.name} of {node.name} is not optional")
                    broken = True
            if spec.variadic:
                fields[spec.name] = tuple(values)
            elif values:
                fields[spec.name] = values[0]
        return None if broken else fields

    def _operand(self, token: Token) -> Value | None:
        """A value, None for ``none``, `_BROKEN` after an error."""
        if token.type == "NONE":
            return None
        if token.type == "SYMBOL":
            symbol = self.builder.symbol(token)
            resource = self.module.resources.get(symbol)
            if resource is None and symbol not in self.builder.poison:
                hint = did_you_mean(symbol, self.module.resources)
                self.builder.error(token, f"unknown symbol {token}", hint)
            return _BROKEN if resource is None else resource
        name = str(token)
        if name in self.values:
            return self.values[name] or _BROKEN
        self._unknown_value(token)
        self.values[name] = None  # one message for each unknown name is enough
        return _BROKEN

    def _unknown_value(self, token: Token) -> None:
        later = next((n for n in self.node.ops if token in n.results), None)
        if later is None:
            hint = did_you_mean(token, self.defined_by)
            self.builder.error(token, f"unknown value {token}", hint)
            return
        line = self.builder.source.line(later.name.start_pos or 0)
        hint = f"it is defined in line {line}"
        if cycle := self._cycle_through(later):
            hint += f", and depends on itself: {' -> '.join(cycle)}"
        self.builder.error(token, f"{token} is used before it is defined", hint)

    def _cycle_through(self, node: OpNode) -> list[str]:
        from ..graph import find_cycle

        uses = {
            str(result): [str(t) for t in n.operands if t.type == "VALUE"]
            for n in self.node.ops
            for result in n.results
        }
        return find_cycle(uses, str(node.results[0]))

    def _attributes(self, node: OpNode, cls: type[Op]) -> dict[str, Any] | None:
        """Attribute fields by name; None after an error."""
        specs = declared(cls)
        fields: dict[str, Any] = {}
        before = len(self.builder.diagnostics)
        for name, attr in self.builder.distinct(node.attrs):
            spec = specs.get(name)
            if spec is None:
                hint = did_you_mean(name, specs) or (
                    f"it has {', '.join(specs)}" if specs else "it has no attributes"
                )
                self.builder.error(attr.name, f"{node.name} has no attribute '{name}'", hint)
                continue
            try:
                fields[name] = self._value(attr, spec.annotation)
            except BadValue as error:
                self.builder.error(error.token, f"{name}: {error.message}", error.hint)
        missing = [n for n, s in specs.items() if s.required and n not in fields]
        if missing and len(self.builder.diagnostics) == before:
            names = " and ".join(f"'{n}'" for n in missing)
            kinds = ", ".join(f"{n} = {describe(specs[n].annotation)}" for n in missing)
            self.builder.error(node.name, f"{node.name} needs {names}", kinds)
        return fields if len(self.builder.diagnostics) == before else None

    def _value(self, attr: AttrNode, annotation: Any) -> Any:
        node: ValueNode | None = attr.value
        if node is None:
            if bool in members(annotation):
                return True
            raise BadValue(attr.name, f"expected {describe(annotation)} behind '='")
        if attr.name == "at" and not isinstance(node, ListNode):
            node = ListNode([node], node)
        return read_attribute(node, annotation)

    def _location(self, node: OpNode) -> Loc:
        start = node.name.start_pos or 0
        span = self.builder.source.span(start, len(node.name))
        if node.loc is None or not (node.loc.names or node.loc.op):
            return Loc(span=span)
        names = tuple(map(self.builder.string, node.loc.names))
        op = UNKNOWN.op if node.loc.op is None else self.builder.string(node.loc.op)
        return Loc(names, op, span)

    def _set_types(self, node: OpNode, op: Op, types: list[TensorType | None]) -> None:
        results = op.results
        for what, found in (("results", node.results), ("types", types or results)):
            if len(found) != len(results):
                count = _counted(len(results), "result")
                message = f"{node.name} has {count}, found {len(found)} {what}"
                self.builder.error(node.name, message)
                raise _Skip
        for token, declared_type, result in zip(node.types, types, results, strict=False):
            if declared_type is None:
                continue
            if not declared_type.same_elements(result.type):
                self.builder.error(
                    token.shape,
                    f"declared {declared_type.logical()}, but {node.name} gives {result.type}",
                )
            else:
                result.type = declared_type

    def _check_results(self, types: list[TensorType | None]) -> None:
        actual = [v.type for v in self.func.results]
        if actual != types:
            wanted = ", ".join(map(str, types))
            found = ", ".join(map(str, actual))
            token = self.node.ops[-1].name
            message = f"the function declares results ({wanted}), returned are ({found})"
            self.builder.error(token, message)

    def _public_names(self) -> None:
        func, node = self.func, self.node
        func.input_names = [str(p.name)[1:] for p in node.params]
        func.output_names = [
            str(t)[1:] if node.ops[-1].operands.count(t) == 1 else f"{t[1:]}_{i}"
            for i, t in enumerate(node.ops[-1].operands)
        ]
        for name, attr in self.builder.distinct(node.attrs):
            if name not in ("inputs", "outputs"):
                hint = did_you_mean(name, ("inputs", "outputs"))
                self.builder.error(attr.name, f"a function has no attribute '{name}'", hint)
                continue
            count = len(func.args if name == "inputs" else func.results)
            try:
                names = self._value(attr, _PUBLIC_NAMES)
            except BadValue as error:
                self.builder.error(error.token, f"{name}: {error.message}", error.hint)
                continue
            if len(names) != count:
                message = f"{name}: expected {_counted(count, 'name')}, found {len(names)}"
                self.builder.error(attr.name, message)
            elif name == "inputs":
                func.input_names = list(names)
            else:
                func.output_names = list(names)


_BROKEN = Value(TensorType(()), name="<error>")


def _spelled(spec: OperandSpec) -> str:
    return f"{spec.name}..." if spec.variadic else f"[{spec.name}]" if spec.optional else spec.name


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _count_in_words(specs: tuple[OperandSpec, ...]) -> str:
    required = sum(not (s.optional or s.variadic) for s in specs)
    if any(s.variadic for s in specs):
        return f"at least {_counted(required, 'operand')}"
    if required < len(specs):
        return f"{required} to {_counted(len(specs), 'operand')}"
    return _counted(required, "operand")
