# SPDX-License-Identifier: Apache-2.0
"""What a converter sees of its operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bnnc.ir import Value, nn
from bnnc.ir.q import require_accumulators
from bnnc.ir.q.layer import Layer

from ..failures import Unsupported
from ..tensorflow.context import Context as TensorFlowContext
from ..tensorflow.graphdef import Attr, Node
from .model import Operator, Tensor
from .quantization import PerTensor

if TYPE_CHECKING:
    from .importer import Importer


class Context(TensorFlowContext):
    """A TensorFlow node's context, and what only TensorFlow Lite has.

    Whatever is missing or of another kind raises `Unsupported`.
    """

    def __init__(
        self,
        importer: Importer,
        operator: Operator,
        name: str,
        tensors: Sequence[Tensor | None],
        operands: Sequence[Value | None],
    ) -> None:
        # An operand that is left out is only ever the last one that TensorFlow would not have.
        present = [v for v in operands if v is not None]
        self._whole = importer
        super().__init__(importer, Node(name, operator.kind, attrs=operator.attrs), present)
        self.operator = operator
        self._slots = operands
        self._tensors = tensors
        self._results = [importer.model.tensors[i] for i in operator.outputs]

    def as_tensorflow(self, op: str) -> TensorFlowContext:
        """The same node as one of TensorFlow's; what is emitted keeps its own name and operator."""
        node = Node(self.node.name, op, attrs=self.node.attrs)
        context = TensorFlowContext(self._builder, node, self.operands)
        context.source_op = self.operator.kind
        return context

    def with_operands(self, operands: Sequence[Value]) -> Context:
        """The same operator on other values."""
        return Context(self._whole, self.operator, self.node.name, self._tensors, operands)

    def with_attributes(self, attrs: Mapping[str, Attr]) -> Context:
        """The same operator with more attributes."""
        operator = replace(self.operator, attrs={**self.operator.attrs, **attrs})
        return Context(self._whole, operator, self.node.name, self._tensors, self._slots)

    def x(self, index: int) -> Value:
        """The operand in this place, also where one before it is left out."""
        found = self._slots[index] if index < len(self._slots) else None
        if found is None:
            raise Unsupported(f"has {len(self._slots)} inputs; number {index} is missing")
        return found

    def maybe(self, index: int) -> Value | None:
        """An operand that may be left out."""
        return self._slots[index] if index < len(self._slots) else None

    def source(self, index: int) -> Tensor:
        """What the file says of an operand."""
        found = self._tensors[index] if index < len(self._tensors) else None
        if found is None:
            raise Unsupported(f"has {len(self._tensors)} inputs; number {index} is missing")
        return found

    def result(self, index: int = 0) -> Tensor:
        """What the file says of a result."""
        return self._results[index]

    def quant(self, index: int) -> PerTensor:
        """Scale and zero point of an operand of bytes."""
        return PerTensor.of(self.source(index))

    def result_quant(self, index: int = 0) -> PerTensor:
        """Scale and zero point of a result of bytes."""
        return PerTensor.of(self.result(index))

    def numbers(self, index: int) -> np.ndarray:
        """A constant operand."""
        x = self.x(index)
        if not self.is_constant(x):
            raise Unsupported(f"needs a constant as input {index}")
        return self._builder.fold(x)

    def mark_hybrid(self) -> None:
        """Say that the model has layers of byte weights and float activations."""
        self._whole.module.attrs["hybrid"] = True

    def layer(self, op: Layer) -> Value:
        """Add a layer of bytes whose accumulators are proved to fit."""
        require_accumulators(op)
        return self.emit(op)

    def reshape(self, x: Value, shape: tuple[int, ...]) -> Value:
        """The same elements under another shape."""
        return x if x.shape == shape else self.emit(nn.Reshape(x, shape=shape))
