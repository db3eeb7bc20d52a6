# SPDX-License-Identifier: Apache-2.0
"""What a converter sees of its node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from bnnc.ir import Value

from ..building import ModuleBuilder
from ..context import NodeContext
from ..failures import Unsupported
from .graphdef import Attr, Node, ShapeAttr
from .tensors import DType, TensorAttr

T = TypeVar("T")


class Context(NodeContext):
    """Operands and typed attributes of a node, and a way to add operations.

    Whatever is missing or of another kind raises `Unsupported`.
    """

    def __init__(self, importer: ModuleBuilder, node: Node, operands: Sequence[Value]) -> None:
        super().__init__(importer, node.name, node.op, node.attrs)
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

    def flag(self, name: str, default: bool | None = None) -> bool:
        """A bool attribute."""
        value = self._attr(name)
        if isinstance(value, bool):
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
