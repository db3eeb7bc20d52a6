# SPDX-License-Identifier: Apache-2.0
"""What a converter sees of its node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from bnnc.ir import Loc, Op, Resource, Value

from .failures import Unsupported
from .graphdef import Attr, Node, ShapeAttr
from .tensors import DType, TensorAttr

if TYPE_CHECKING:
    from .importer import Importer

T = TypeVar("T")


class Context:
    """Operands and typed attributes of a node, and a way to add operations.

    Whatever is missing or of another kind raises `Unsupported`.
    """

    def __init__(self, importer: Importer, node: Node, operands: Sequence[Value]) -> None:
        self._importer = importer
        self.node = node
        self.operands = operands

    def of(self, node: Node, operands: Sequence[Value]) -> Context:
        """The same for another node."""
        return Context(self._importer, node, operands)

    def x(self, index: int) -> Value:
        """The operand in this place."""
        if not -len(self.operands) <= index < len(self.operands):
            raise Unsupported(f"has {len(self.operands)} inputs; number {index} is missing")
        return self.operands[index]

    def emit(self, op: Op) -> Value:
        """Add an operation under the node's location; return its first result."""
        return self.emit_all(op)[0]

    def emit_all(self, op: Op) -> tuple[Value, ...]:
        """Add an operation under the node's location; return its results."""
        op.loc = Loc((self.node.name,), self.node.op)
        return self._importer.append(op)

    def constant(self, array: np.ndarray, part: str = "") -> Resource:
        """Make a constant; `part` tells several constants of one node apart."""
        return Resource.of(self.node.name + (f"/{part}" if part else ""), array)

    def scalar(self, value: float, part: str = "") -> Resource:
        """Make an f32 constant without axes."""
        return self.constant(np.array(value, dtype=np.float32), part)

    def is_constant(self, value: Value) -> bool:
        """Whether a value depends on no input."""
        return not self._importer.is_varying(value)

    def array(self, index: int) -> np.ndarray:
        """The value of an operand that must not depend on an input."""
        return self._importer.fold(self.x(index))

    def integers(self, index: int) -> tuple[int, ...]:
        """The elements of a constant integer operand in row-major order."""
        array = self.array(index)
        if array.dtype.kind not in "iu":
            raise Unsupported(f"needs integers as input {index}")
        return tuple(int(v) for v in array.reshape(-1))

    def rebatched(self, size: int, x: Value) -> int:
        """The batch in place of a constant that repeats the batch the graph was made for."""
        batch = self._importer.batch
        follows = batch.replaced and not self.is_constant(x) and x.shape[:1] == (batch.size,)
        return batch.size if follows and size == batch.model else size

    def _attr(self, name: str) -> Attr | None:
        return self.node.attrs.get(name)

    def has(self, name: str) -> bool:
        """Whether the attribute is there."""
        return name in self.node.attrs

    def integer(self, name: str, default: int | None = None) -> int:
        """An int attribute."""
        value = self._attr(name)
        if isinstance(value, int) and not isinstance(value, (bool, DType)):
            return value
        return self._default(name, default)

    def number(self, name: str, default: float | None = None) -> float:
        """A float attribute."""
        value = self._attr(name)
        if isinstance(value, float):
            return value
        return self._default(name, default)

    def flag(self, name: str, default: bool | None = None) -> bool:
        """A bool attribute."""
        value = self._attr(name)
        if isinstance(value, bool):
            return value
        return self._default(name, default)

    def text(self, name: str, default: str | None = None) -> str:
        """A string attribute."""
        value = self._attr(name)
        if isinstance(value, str) and value:
            return value
        return self._default(name, default)

    def dtype(self, name: str) -> DType:
        """A type attribute."""
        value = self._attr(name)
        if isinstance(value, DType):
            return value
        return self._default(name, None)

    def tensor(self, name: str) -> TensorAttr:
        """A constant attribute."""
        value = self._attr(name)
        if isinstance(value, TensorAttr):
            return value
        return self._default(name, None)

    def shape(self, name: str) -> tuple[int, ...] | None:
        """A shape attribute; None for an unknown rank."""
        value = self._attr(name)
        if isinstance(value, ShapeAttr):
            return value.dims
        return self._default(name, None)

    def ints(self, name: str, default: tuple[int, ...] | None = None) -> tuple[int, ...]:
        """An attribute that is a list of ints."""
        value = self._attr(name)
        if isinstance(value, tuple) and value:
            return tuple(v for v in value if isinstance(v, int))
        return self._default(name, default)

    def texts(self, name: str) -> tuple[str, ...]:
        """An attribute that is a list of strings, possibly empty."""
        value = self._attr(name)
        return tuple(v for v in value if isinstance(v, str)) if isinstance(value, tuple) else ()

    def _default(self, name: str, default: T | None) -> T:
        if default is None:
            raise Unsupported(f"has no usable attribute '{name}'")
        return default
