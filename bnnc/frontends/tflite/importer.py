# SPDX-License-Identifier: Apache-2.0
"""Walks the operators that the outputs need and lets the converters translate each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from bnnc.ir import Quant, Resource, Value
from bnnc.ir.diagnostics import BnncError

from ..building import Batch, ModuleBuilder
from ..failures import Failures, Unsupported
from ..tensorflow.tensors import DType
from .advice import advice
from .context import Context
from .convert import ON_BYTES, ON_FLOATS
from .dilation import MERGE, SPLIT, Phases, merge, split, work_on
from .model import Model, Operator, Tensor
from .signature import Input, short_names

# What unsigned bytes may go through; kernels of older models compute with them otherwise.
UNSIGNED = frozenset(("QUANTIZE", "DEQUANTIZE", "RESHAPE", "TRANSPOSE", "SQUEEZE", "EXPAND_DIMS"))


class Importer(ModuleBuilder):
    """Builds a module of stage imported from the live part of a model."""

    def __init__(
        self, model: Model, names: list[str], name: str, constants: Mapping[int, np.ndarray]
    ) -> None:
        super().__init__(name)
        self.model = model
        self.names = names
        self._short = short_names(model, names)
        self.failures = Failures()
        self._constants = constants
        self._values: dict[int, Value] = {}
        self._phases: dict[int, Phases] = {}
        self._failed: set[int] = set()
        self._as_stored = True

    def run(
        self, operators: Sequence[Operator], inputs: Sequence[Input], outputs: Sequence[int]
    ) -> None:
        """Translate the operators; what fails is in `failures` afterwards."""
        for one in inputs:
            self._values[one.tensor.index] = self.add_input(
                one.name, one.type.shape, hint=one.name, type_=one.type
            )
        self._as_stored = all(_agree(one.tensor.shape, one.type.shape) for one in inputs)
        if inputs:
            self.batch = Batch(inputs[0].type.shape[0], inputs[0].model_batch)
        for operator in operators:
            self._visit(operator)
        if self.failures:
            return
        try:
            results = [self._value(index) for index in outputs]
        except Unsupported as why:
            self.failures.add("output", self.names[outputs[0]], why.message, why.advice)
            return
        self.set_outputs(results, [self.names[index] for index in outputs])

    def operand(self, index: int) -> Value | None:
        """The value of an operator's input, None where it is left out."""
        return None if index < 0 else self._value(index)

    def context(self, operator: Operator, operands: Sequence[Value | None]) -> Context:
        """What a converter sees of an operator."""
        tensors = [None if i < 0 else self.model.tensors[i] for i in operator.inputs]
        return Context(self, operator, self.name_of(operator), tensors, operands)

    def name_of(self, operator: Operator) -> str:
        """Operators have no names of their own; they go by that of their first result."""
        return self._short[operator.outputs[0]] if operator.outputs else operator.kind

    def _value(self, index: int) -> Value:
        if index not in self._values:
            tensor = self.model.tensors[index]
            array = self._constants.get(index, tensor.data)
            if array is None:
                raise Unsupported(
                    f"reads the {tensor.dtype.name.lower()} tensor '{tensor.name}', "
                    "which no operator computes"
                )
            self._values[index] = _constant(self._short[index], tensor, array)
        return self._values[index]

    def _visit(self, operator: Operator) -> None:
        name = self.name_of(operator)
        if self._failed.intersection(operator.inputs):
            self._failed.update(operator.outputs)
            return
        try:
            made = self._convert(operator)
        except Unsupported as why:
            self._fail(operator, name, why.message, why.advice)
        except BnncError as why:
            self._fail(operator, name, f"does not fit: {why.message}", why.hint)
        except (ArithmeticError, LookupError, TypeError, ValueError) as why:
            # Converters rely on the number and ranks of operands that TensorFlow Lite guarantees.
            self._fail(operator, name, f"is damaged ({why})", "convert the model again")
        else:
            if isinstance(made, Phases):
                self._phases[operator.outputs[0]] = made
            else:
                self._keep(operator, [made] if isinstance(made, Value) else made)

    def _fail(self, operator: Operator, name: str, message: str, hint: str) -> None:
        self._failed.update(operator.outputs)
        self.failures.add(operator.kind, name, message, hint)

    def _convert(self, operator: Operator) -> Value | Sequence[Value] | Phases:
        """Translate an operator, or put it off until its phases are merged."""
        phases = next((self._phases[i] for i in operator.inputs if i in self._phases), None)
        if phases is not None and operator.kind != MERGE:
            known = [None if i in self._phases else self.operand(i) for i in operator.inputs]
            return work_on(phases, operator, known)
        operands = [
            phases.x if phases and i in self._phases else self.operand(i) for i in operator.inputs
        ]
        c = self.context(operator, operands)
        if operator.kind == SPLIT:
            return split(c)
        if operator.kind == MERGE:
            return merge(self, c, phases)
        return self.apply(operator, c)

    def apply(self, operator: Operator, c: Context) -> Value | Sequence[Value]:
        """Translate an operator by the table of floats or that of bytes.

        Raises:
            Unsupported: Neither has it.
        """
        on_bytes = self._on_bytes(operator)
        if on_bytes and operator.kind not in UNSIGNED and self._unsigned(operator):
            raise Unsupported("of unsigned bytes is not supported", "convert the model to int8")
        convert = (ON_BYTES if on_bytes else ON_FLOATS).find(operator.kind)
        if convert is None and on_bytes and ON_FLOATS.find(operator.kind) is not None:
            raise Unsupported("of quantized bytes is not supported", "leave it in float")
        if convert is None:
            raise Unsupported("is not supported", advice(operator.kind))
        made = convert(c)
        results = [made] if isinstance(made, Value) else made
        if any(v.type.size == 0 and self.is_varying(v) for v in results):
            raise Unsupported("computes a tensor without elements")
        if self._as_stored and not operator.kind.startswith("Lce"):  # whose bits stand in words
            self._compare_shapes(operator, results)
        return made

    def _compare_shapes(self, operator: Operator, results: Sequence[Value]) -> None:
        """What the operands give must be what the file says, where it says it."""
        for index, value in zip(operator.outputs, results, strict=False):
            stored = self.model.tensors[index].shape
            if stored and not _agree(stored, value.shape):
                raise Unsupported(
                    f"gives {list(value.shape)}, where the file says {list(stored)}",
                    "the file is damaged; convert the model again",
                )

    def _on_bytes(self, operator: Operator) -> bool:
        """Whether bytes flow through the operator; bytes as weights of floats are no such case."""
        tensors = [self.model.tensors[i] for i in (*operator.inputs, *operator.outputs) if i >= 0]
        return any(
            t.is_byte and (t.index in operator.outputs or self._varies(t.index)) for t in tensors
        )

    def _unsigned(self, operator: Operator) -> bool:
        places = [i for i in (*operator.inputs, *operator.outputs) if i >= 0]
        tensors = [self.model.tensors[i] for i in places]
        return any(t.is_byte and t.dtype is DType.UINT8 for t in tensors)

    def _varies(self, index: int) -> bool:
        return index in self._values and self.is_varying(self._values[index])

    def _keep(self, operator: Operator, results: Sequence[Value]) -> None:
        for index, value in zip(operator.outputs, results, strict=False):
            tensor = self.model.tensors[index]
            self._values[index] = value
            if value.owner is not None and not value.name:
                value.name = self._short[index]
            given = tensor.quantization
            if tensor.is_byte and given is not None and given.scales.size == 1:
                quant = Quant(float(given.scales[0]), int(given.zeros[0]))
                value.type = replace(value.type, quant=quant)


def _agree(stored: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    """Whether a shape is the stored one, where an axis that is left open counts as 1."""
    return len(stored) == len(shape) and all(
        s == d or (s == -1 and d == 1) for s, d in zip(stored, shape, strict=True)
    )


def _constant(name: str, tensor: Tensor, array: np.ndarray) -> Value:
    dtype = tensor.dtype.logical()
    if dtype is None:
        raise Unsupported(f"reads a constant of {tensor.dtype.name.lower()}")
    if tensor.dtype.name == "BFLOAT16":
        array = (array.astype(np.uint32) << 16).view(np.float32)
    return Resource.of(name, np.asarray(array, dtype))
