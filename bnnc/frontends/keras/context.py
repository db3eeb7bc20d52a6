# SPDX-License-Identifier: Apache-2.0
"""What a converter sees of a call of its layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bnnc.ir import Value, nn

from ..context import NodeContext
from ..failures import Unsupported
from .values import as_number, plain

if TYPE_CHECKING:
    from .importer import Importer
    from .network import Node


class Context(NodeContext):
    """Operands, options and weights of a layer, and a way to add operations.

    Whatever is missing or of another kind raises `Unsupported`.
    """

    def __init__(
        self,
        importer: Importer,
        node: Node,
        operands: Sequence[Value],
        named: Mapping[str, object],
    ) -> None:
        options = {k: plain(v) for k, v in node.layer.config.items() if v is not None}
        super().__init__(importer, node.name, node.layer.kind, options)
        self._importer = importer
        self.node = node
        self.operands = operands
        self.named = named
        """Arguments by name that are not None: values, or what the configuration says."""

    @property
    def keras(self) -> int:
        """Major version of Keras that the model was saved with."""
        return self._importer.keras

    @property
    def x(self) -> Value:
        """The only operand."""
        if len(self.operands) != 1:
            raise Unsupported(f"is called with {len(self.operands)} tensors instead of one")
        return self.operands[0]

    def option(self, name: str) -> object:
        """An option as it is; None where it is missing."""
        return self._attrs.get(name)

    def flag(self, name: str, default: bool) -> bool:
        """A bool option."""
        value = self._attrs.get(name, default)
        if not isinstance(value, bool):
            raise Unsupported(f"has {name}={value}")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """A number, written with a point or without."""
        value = as_number(self._attrs.get(name))
        return self._default(name, default) if value is None else value

    def pair(self, name: str, default: int | None = None) -> tuple[int, int]:
        """Two numbers, or one for both."""
        value = self._attrs.get(name, default)
        if type(value) is int:
            return value, value
        found = self._list(value, int)
        if len(found) != 2:
            raise Unsupported(f"has {name}={value}")
        return found[0], found[1]

    def variables(self, *shapes: tuple[str, tuple[int, ...]]) -> list[Value]:
        """Return the layer's weights as constants.

        Args:
            shapes: Name and shape of each in the order of creation; -1 fits any size.

        Raises:
            Unsupported: The file holds others.
        """
        arrays = self._importer.weights.of(self.node, len(shapes))
        for (name, shape), array in zip(shapes, arrays, strict=True):
            fits = len(shape) == array.ndim and all(
                want in (-1, have) for want, have in zip(shape, array.shape, strict=True)
            )
            if not fits or array.dtype.kind != "f":
                raise Unsupported(
                    f"has a {name} of shape {list(array.shape)} where {list(shape)} fits",
                    "the file is damaged; save the model again",
                )
        named = zip(shapes, arrays, strict=True)
        return [self._importer.shared_constant(self.node, name, a) for (name, _), a in named]

    def stored(self, count: int) -> list[np.ndarray]:
        """The layer's weights as arrays of any shape and type."""
        return self._importer.weights.of(self.node, count)

    def reshape(self, x: Value, shape: Sequence[int]) -> Value:
        """The same elements under another shape."""
        return x if x.shape == tuple(shape) else self.emit(nn.Reshape(x, shape=tuple(shape)))

    def transpose(self, x: Value, perm: Sequence[int]) -> Value:
        """Axis i of the result is axis perm[i] of x."""
        if list(perm) == list(range(x.type.rank)):
            return x
        return self.emit(nn.Transpose(x, perm=tuple(perm)))

    def along_last(self, x: Value, axis: int, apply: Callable[[Value], Value]) -> Value:
        """Apply what works on the last axis to another one."""
        perm = [*(i for i in range(x.type.rank) if i != axis), axis]
        y = apply(self.transpose(x, perm))
        return self.transpose(y, [perm.index(i) for i in range(x.type.rank)])

    def is_constant(self, value: Value) -> bool:
        """Whether a value depends on no input."""
        return not self._importer.is_varying(value)

    def fold(self, value: Value) -> np.ndarray:
        """The elements of a value that must not depend on an input."""
        return self._importer.fold(value)
