# SPDX-License-Identifier: Apache-2.0
"""What a function of a functional model is called with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from bnnc.ir import Value

from ...failures import Unsupported
from ..context import Context
from ..values import as_tuple

_OPERANDS = ("x", "y", "x1", "x2", "bias")


@dataclass(frozen=True)
class Arguments:
    """Tensors and constants in order, all else by name, and an index where there is one."""

    values: tuple[Value, ...]
    options: Mapping[str, object]
    index: tuple[object, ...] = ()

    @classmethod
    def of_operation(cls, c: Context) -> Arguments:
        """Of a function of keras.ops: its configuration has all but the tensors."""
        return cls(_values(c), dict(c.node.layer.config) | dict(c.named), c.node.args[1:])

    @classmethod
    def of_lambda(cls, c: Context) -> Arguments:
        """Of a function of TensorFlow: they are arguments by name."""
        index = as_tuple(c.named.get("slice_spec"))
        return cls(_values(c), c.named, (c.named.get("slice_spec"),) if index is None else index)

    @property
    def x(self) -> Value:
        """The only operand."""
        if len(self.values) != 1:
            raise Unsupported(f"is called with {len(self.values)} tensors instead of one")
        return self.values[0]

    @property
    def pair(self) -> tuple[Value, Value]:
        """The two operands."""
        if len(self.values) != 2:
            raise Unsupported(f"is called with {len(self.values)} tensors instead of two")
        return self.values[0], self.values[1]

    def option(self, *names: str) -> object:
        """The first of these that is there and not None."""
        return next((v for n in names if (v := self.options.get(n)) is not None), None)

    def ints(self, *names: str) -> tuple[int, ...]:
        """A list of whole numbers, or one."""
        value = self.option(*names)
        entries = as_tuple(value) if as_tuple(value) is not None else (value,)
        found = tuple(v for v in entries or () if type(v) is int)
        if len(found) != len(entries or ()):
            raise Unsupported(f"has {names[0]}={str(value)[:60]}")
        return found

    def axes(self, name: str, default: int | None = None) -> tuple[int, ...]:
        """Axes of the operand, counted from the front; without any all of them, or a default."""
        rank = self.values[0].type.rank
        if self.option(name) is not None:
            found = self.ints(name)
        else:
            found = tuple(range(rank)) if default is None else (default,)
        if any(not -rank <= axis < rank for axis in found):
            raise Unsupported(f"has {name}={list(found)} for rank {rank}")
        return tuple(sorted(axis % rank for axis in found))


def _values(c: Context) -> tuple[Value, ...]:
    named = [c.named[name] for name in _OPERANDS if name in c.named]
    return (*c.operands, *(_value(c, one, i) for i, one in enumerate(named)))


def _value(c: Context, given: object, number: int) -> Value:
    if isinstance(given, Value):
        return given
    try:
        array = np.array(given, np.float32)
    except (TypeError, ValueError):
        raise Unsupported(f"is called with {str(given)[:60]}") from None
    return c.constant(array, f"constant{number}")
