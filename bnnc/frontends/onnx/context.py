# SPDX-License-Identifier: Apache-2.0
"""What a converter sees of its node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from bnnc.ir import Value, nn

from ..context import NodeContext
from ..failures import Unsupported
from .arrangement import Aligned, Arranged, Shape, align, channels_last
from .graph import Attr, Node
from .tensors import Tensor

if TYPE_CHECKING:
    from .importer import Importer

T = TypeVar("T")


class Context(NodeContext):
    """Operands and typed attributes of a node, and a way to add operations.

    Whatever is missing or of another kind raises `Unsupported`.
    """

    def __init__(self, importer: Importer, node: Node, operands: Sequence[Arranged | None]) -> None:
        super().__init__(importer, node.name, node.op, node.attrs)
        self._importer = importer
        self.node = node
        self.operands = operands

    def within(self, op: str, operands: Sequence[Arranged | None], **attrs: Attr) -> Context:
        """The same node as if it were another operation, of these operands and attributes."""
        node = replace(self.node, op=op, domain="", attrs=attrs)
        inner = Context(self._importer, node, operands)
        inner.source_op = self.source_op
        return inner

    @property
    def opset(self) -> int:
        """Version of ONNX's operations that the model uses."""
        return self._importer.model.opset

    def has_input(self, index: int) -> bool:
        """Whether an optional operand is there."""
        return index < len(self.operands) and self.operands[index] is not None

    def tensor(self, index: int) -> Arranged:
        """The operand in this place, in whatever order it is stored."""
        found = self.operands[index] if index < len(self.operands) else None
        if found is None:
            raise Unsupported(f"has {len(self.operands)} inputs; number {index} is missing")
        return found

    def tensors(self) -> list[Arranged]:
        """All operands."""
        return [self.tensor(i) for i in range(len(self.operands))]

    def x(self, index: int) -> Value:
        """The operand in ONNX's order of axes."""
        return self.whole(self.tensor(index))

    def whole(self, tensor: Arranged) -> Value:
        """A tensor in ONNX's order of axes."""
        return tensor.whole(self.emit)

    def shape(self, index: int) -> Shape:
        """The operand's shape as ONNX sees it."""
        return self.tensor(index).shape

    def in_order(self, index: int, perm: Shape) -> Value:
        """The operand with its axis perm[i] as axis i."""
        return self.tensor(index).in_order(perm, self.emit)

    def channels_last(self, index: int) -> Value:
        """The operand with its axis 1 behind all others."""
        return self.in_order(index, channels_last(self.tensor(index).rank))

    def aligned(self, *tensors: Arranged) -> Aligned:
        """Operands of an elementwise operation in one order."""
        fitted = [self._rebatched(t) for t in tensors]
        return align(fitted, [self._importer.is_varying(t.value) for t in fitted], self.emit)

    def _rebatched(self, t: Arranged) -> Arranged:
        """One row of a constant that repeats it for the batch that the model was made for."""
        batch = self._importer.batch
        if not batch.replaced or self._importer.is_varying(t.value):
            return t
        if t.rank < 2 or t.shape[0] != batch.model or batch.model == 1:
            return t
        array = self._importer.fold(self.whole(t))
        if not (array == array[:1]).all():
            return t
        size = (1, *t.shape[1:])
        row = nn.Slice(self.whole(t), begin=(0,) * t.rank, size=size, step=(1,) * t.rank)
        return Arranged.plain(self.emit(row))

    def reshape(self, x: Value, shape: Shape) -> Value:
        """The same elements under another shape."""
        return x if x.shape == shape else self.emit(nn.Reshape(x, shape=shape))

    def is_constant(self, index: int) -> bool:
        """Whether an operand depends on no input."""
        return not self.varies(self.tensor(index))

    def varies(self, tensor: Arranged) -> bool:
        """Whether a tensor depends on an input."""
        return self._importer.is_varying(tensor.value)

    def holds_integers(self, index: int) -> bool:
        """Whether an operand holds integers of an input as f32."""
        return self._importer.is_integral(self.node.inputs[index])

    def mark_integral(self, *outputs: int) -> None:
        """Say that these results (by default the first) hold integers as f32."""
        for index in outputs or (0,):
            if index < len(self.node.outputs):
                self._importer.mark_integral(self.node.outputs[index])

    def array(self, index: int) -> np.ndarray:
        """The value of an operand that must not depend on an input."""
        return self._importer.fold(self.x(index))

    def arrays(self) -> list[np.ndarray]:
        """The values of all operands, none of which may depend on an input."""
        return [self.array(i) for i in range(len(self.operands))]

    def number_at(self, index: int) -> float:
        """The one element of a constant operand."""
        array = self.array(index)
        if array.size != 1:
            raise Unsupported(f"needs one number as input {index}, not {list(array.shape)}")
        return float(array.reshape(-1)[0])

    def integers(self, index: int) -> tuple[int, ...]:
        """The elements of a constant integer operand in row-major order."""
        array = self.array(index)
        if array.dtype.kind not in "iu":
            raise Unsupported(f"needs integers as input {index}")
        return tuple(int(v) for v in array.reshape(-1))

    def follows_batch(self, size: int, index: int) -> int:
        """The batch in place of a constant that repeats the batch the model was made for."""
        batch = self._importer.batch
        x = self.tensor(index)
        follows = batch.replaced and not self.is_constant(index) and x.shape[:1] == (batch.size,)
        return batch.size if follows and size == batch.model else size

    def attached(self, name: str) -> np.ndarray:
        """A constant attribute."""
        value = self.node.attrs.get(name)
        if isinstance(value, Tensor):
            return value.array()
        return self._default(name, None)
