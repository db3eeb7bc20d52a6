# SPDX-License-Identifier: Apache-2.0
"""Operations: one small dataclass each, registered by a decorator.

A field annotated ``Value`` is an operand, ``Value | None`` an optional one, ``tuple[Value, ...]``
takes all remaining ones (it must come last among the operands). Every other field is an attribute.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, field
from typing import Any, ClassVar, TypeAlias, TypeVar, dataclass_transform

from .diagnostics import IRError, did_you_mean
from .location import UNKNOWN, Loc
from .types import TensorType, rounded_f32
from .value import Value

Step: TypeAlias = tuple[str | float, ...]
Steps: TypeAlias = tuple[Step, ...]
AttrValue: TypeAlias = "bool | int | float | str | tuple[AttrValue, ...]"


@dataclass(frozen=True)
class OperandSpec:
    """A declared operand."""

    name: str
    optional: bool = False
    variadic: bool = False


@dataclass(frozen=True)
class AttrSpec:
    """A declared attribute: its Python annotation and default (`MISSING` when required)."""

    name: str
    annotation: Any
    default: Any = MISSING

    @property
    def required(self) -> bool:
        """Whether text and constructor must give it."""
        return self.default is MISSING


@dataclass(eq=False, repr=False, kw_only=True)
class Op:
    """Base of all operations.

    ``kernel`` and ``at`` (arena byte offset of each result) belong to the lowered and planned
    stages; ``loc`` names the user's layers.
    """

    NAME: ClassVar[str] = ""
    OPERANDS: ClassVar[tuple[OperandSpec, ...]] = ()
    ATTRS: ClassVar[tuple[AttrSpec, ...]] = ()

    kernel: str | None = None
    at: tuple[int, ...] | None = None
    loc: Loc = field(default=UNKNOWN, kw_only=True)

    def __post_init__(self) -> None:
        # Numbers are float32 everywhere, so that a module that was never text computes what its
        # text does.
        for spec in self.ATTRS:
            value = getattr(self, spec.name)
            if spec.annotation is float and isinstance(value, float | int):
                setattr(self, spec.name, rounded_f32(value))
        self.linked = False
        self.results: tuple[Value, ...] = tuple(
            Value(t, owner=self, index=i) for i, t in enumerate(self.infer())
        )

    def __repr__(self) -> str:
        return f"<{self.NAME} {self.loc.name}>"

    def infer(self) -> list[TensorType]:
        """Return the result types; raises IRError when operands or attributes do not fit."""
        raise NotImplementedError

    @property
    def result(self) -> Value:
        """The only result."""
        if len(self.results) != 1:
            raise IRError(f"{self.NAME} has {len(self.results)} results")
        return self.results[0]

    def operand_slots(self) -> Iterator[tuple[str, Value | None]]:
        """Yield (declared name, value or None) in order, a variadic operand once per value."""
        for spec in self.OPERANDS:
            value: Value | tuple[Value, ...] | None = getattr(self, spec.name)
            if isinstance(value, tuple):
                for one in value:
                    yield spec.name, one
            else:
                yield spec.name, value

    @property
    def operands(self) -> list[Value]:
        """All operands that are there, in order."""
        found: list[Value] = []
        for spec in self.OPERANDS:
            value: Value | tuple[Value, ...] | None = getattr(self, spec.name)
            if isinstance(value, tuple):
                found += value
            elif value is not None:
                found.append(value)
        return found

    def attributes(self) -> dict[str, AttrValue]:
        """Declared attributes, then ``kernel`` and ``at``, without those that are None or False."""
        found = {a.name: getattr(self, a.name) for a in self.ATTRS}
        found |= {"kernel": self.kernel, "at": self.at}
        return {k: v for k, v in found.items() if v is not None and v is not False}

    def link(self) -> None:
        """Enter the operands' use lists (done when the operation joins a function)."""
        if not self.linked:
            self.linked = True
            for value in self.operands:
                value.uses[self] = value.uses.get(self, 0) + 1

    def unlink(self) -> None:
        """Leave the operands' use lists (done when the operation is erased)."""
        if self.linked:
            self.linked = False
            for value in self.operands:
                value.uses.pop(self, None)

    def replace_operand(self, old: Value, new: Value) -> None:
        """Put `new` wherever `old` is an operand."""
        was_linked = self.linked
        self.unlink()
        for spec in self.OPERANDS:
            value: Value | tuple[Value, ...] | None = getattr(self, spec.name)
            if isinstance(value, tuple):
                setattr(self, spec.name, tuple(new if v is old else v for v in value))
            elif value is old:
                setattr(self, spec.name, new)
        if was_linked:
            self.link()

    def rebuilt(self, mapping: Callable[[Value], Value], **changes: Any) -> Op:
        """Return an unlinked copy with mapped operands and changed fields."""
        fields: dict[str, Any] = {}
        for spec in self.OPERANDS:
            value: Value | tuple[Value, ...] | None = getattr(self, spec.name)
            if isinstance(value, tuple):
                fields[spec.name] = tuple(mapping(v) for v in value)
            else:
                fields[spec.name] = None if value is None else mapping(value)
        fields |= {a.name: getattr(self, a.name) for a in self.ATTRS}
        fields |= {"kernel": self.kernel, "at": self.at, "loc": self.loc}
        copy: Op = type(self)(**(fields | changes))
        for mine, theirs in zip(self.results, copy.results, strict=True):
            theirs.name = mine.name
            if mine.type.same_elements(theirs.type):
                theirs.type = mine.type
        return copy


OpT = TypeVar("OpT", bound=Op)
_REGISTRY: dict[str, type[Op]] = {}


@dataclass_transform(eq_default=False, kw_only_default=False, field_specifiers=(field,))
def operation(name: str) -> Callable[[type[OpT]], type[OpT]]:
    """Register a class as the operation `name` (``dialect.op``)."""

    def register(cls: type[OpT]) -> type[OpT]:
        if name in _REGISTRY:
            raise IRError(f"operation '{name}' is already registered")
        built = dataclass(eq=False, repr=False)(cls)
        built.NAME = name
        built.OPERANDS, built.ATTRS = _specs(built)
        _REGISTRY[name] = built
        return built

    return register


def _specs(cls: type[Op]) -> tuple[tuple[OperandSpec, ...], tuple[AttrSpec, ...]]:
    hints = typing.get_type_hints(cls)
    operands: list[OperandSpec] = []
    attrs: list[AttrSpec] = []
    for f in dataclasses.fields(cls):
        if f.name in ("kernel", "at", "loc"):
            continue
        hint = hints[f.name]
        args = typing.get_args(hint)
        if hint is Value:
            operands.append(OperandSpec(f.name))
        elif typing.get_origin(hint) is types.UnionType and Value in args:
            operands.append(OperandSpec(f.name, optional=True))
        elif typing.get_origin(hint) is tuple and args and args[0] is Value:
            operands.append(OperandSpec(f.name, variadic=True))
        else:
            attrs.append(AttrSpec(f.name, hint, f.default))
    return tuple(operands), tuple(attrs)


def registered_operations() -> dict[str, type[Op]]:
    """All registered operations by name, in order of registration."""
    return dict(_REGISTRY)


def find_operation(name: str) -> type[Op]:
    """Return the class of an operation name; unknown names are IR errors with a suggestion."""
    found = _REGISTRY.get(name)
    if found is None:
        raise IRError(f"unknown operation '{name}'", hint=did_you_mean(name, _REGISTRY))
    return found


@operation("func.return")
class Return(Op):
    """Ends the function; its operands are the function's results, in output order."""

    values: tuple[Value, ...] = ()

    def infer(self) -> list[TensorType]:
        """No results."""
        return []
