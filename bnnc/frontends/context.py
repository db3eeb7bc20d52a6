# SPDX-License-Identifier: Apache-2.0
"""What the converters of every frontend see of a node: typed attributes, ways to add operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar, cast

import numpy as np
from numpy.typing import DTypeLike

from bnnc.ir import Loc, Op, Resource, Value
from bnnc.ir.limits import require_affordable

from .building import ModuleBuilder
from .failures import Unsupported

T = TypeVar("T")


class NodeContext:
    """A node by its name, operation type and attributes.

    ``source_op`` is the type as the user's own model calls it; locations show it.
    Whatever is missing or of another kind raises `Unsupported`.
    """

    def __init__(
        self, builder: ModuleBuilder, name: str, op: str, attrs: Mapping[str, object]
    ) -> None:
        self._builder = builder
        self._name = name
        self.source_op = op
        self._attrs = attrs

    def emit(self, op: Op) -> Value:
        """Add an operation under the node's location; return its first result."""
        return self.emit_all(op)[0]

    def emit_all(self, op: Op) -> tuple[Value, ...]:
        """Add an operation under the node's location; return its results."""
        op.loc = Loc((self._name,), self.source_op)
        return self._builder.append(op)

    def constant(self, array: np.ndarray, part: str = "") -> Resource:
        """Make a constant; `part` tells several constants of one node apart."""
        return Resource.of(self._name + (f"/{part}" if part else ""), array)

    def filled(
        self, shape: Sequence[int], value: object, dtype: DTypeLike | None = None
    ) -> Resource:
        """Make a constant of one value, of some millions of elements at most."""
        require_affordable(shape, 1)
        return self.constant(np.full(shape, value, dtype))

    def spread(self, array: np.ndarray, shape: Sequence[int]) -> Resource:
        """Make a constant broadcast to a shape, of some millions of elements at most."""
        require_affordable(shape, array.size)
        return self.constant(np.broadcast_to(array, shape))

    def scalar(self, value: float, part: str = "") -> Resource:
        """Make an f32 constant without axes."""
        return self.constant(np.array(value, dtype=np.float32), part)

    def axis(self, axis: int, rank: int) -> int:
        """An axis counted from the front."""
        if not -rank <= axis < rank:
            raise Unsupported(f"has axis {axis} for rank {rank}")
        return axis % rank

    def has(self, name: str) -> bool:
        """Whether the attribute is there."""
        return name in self._attrs

    def integer(self, name: str, default: int | None = None) -> int:
        """An int attribute."""
        value = self._attrs.get(name)
        return value if type(value) is int else self._default(name, default)

    def number(self, name: str, default: float | None = None) -> float:
        """A float attribute."""
        value = self._attrs.get(name)
        return value if type(value) is float else self._default(name, default)

    def text(self, name: str, default: str | None = None) -> str:
        """A string attribute that is not empty."""
        value = self._attrs.get(name)
        return value if isinstance(value, str) and value else self._default(name, default)

    def ints(self, name: str, default: tuple[int, ...] | None = None) -> tuple[int, ...]:
        """An attribute that is a list of ints, not empty."""
        value = self._attrs.get(name)
        found = self._list(value, int)
        return found or self._default(name, default)

    def float_list(self, name: str) -> tuple[float, ...]:
        """An attribute that is a list of floats, possibly empty."""
        return self._list(self._attrs.get(name), float)

    def texts(self, name: str) -> tuple[str, ...]:
        """An attribute that is a list of strings, possibly empty."""
        return self._list(self._attrs.get(name), str)

    def _list(self, value: object, kind: type[T]) -> tuple[T, ...]:
        if not isinstance(value, tuple):
            return ()
        entries = cast("tuple[object, ...]", value)
        return tuple(v for v in entries if isinstance(v, kind))

    def _default(self, name: str, default: T | None) -> T:
        if default is None:
            raise Unsupported(f"has no usable attribute '{name}'")
        return default
