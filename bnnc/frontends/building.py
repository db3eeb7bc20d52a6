# SPDX-License-Identifier: Apache-2.0
"""Builds a module of stage imported, operation by operation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bnnc.ir import Module, Op, Resource, Scalar, TensorType, Value, q
from bnnc.ir.interpreter import evaluate
from bnnc.ir.limits import require_affordable_results

from .failures import Unsupported


@dataclass(frozen=True)
class Batch:
    """The batch of the import, and the one that the model was made for (-1: any)."""

    size: int
    model: int

    @property
    def replaced(self) -> bool:
        """Whether constants of the model may still hold the old batch."""
        return self.model not in (-1, self.size)


class ModuleBuilder:
    """A module under construction, and which of its values depend on an input."""

    def __init__(self, name: str) -> None:
        self.module = Module(name)
        self.batch = Batch(1, -1)
        self._varying: set[Value] = set()
        self._entered: set[Value] = set()

    def add_input(
        self, name: str, shape: tuple[int, ...], *, hint: str, type_: TensorType | None = None
    ) -> Value:
        """Add an input, by default of f32, under its public name; `hint` names it in text."""
        value = Value(type_ or TensorType(shape), name=hint)
        self.module.func.args.append(value)
        self.module.func.input_names.append(name)
        self._varying.add(value)
        return value

    def set_outputs(self, results: Sequence[Value], names: Sequence[str]) -> None:
        """Set what the module computes, and the public names."""
        self.enter(results)
        self.module.func.set_results(results)
        self.module.func.output_names = list(names)

    def is_varying(self, value: Value) -> bool:
        """Whether a value depends on an input."""
        return value in self._varying

    def enter(self, values: Sequence[Value]) -> None:
        """Put the constants among the values into the module, each once."""
        for value in values:
            if isinstance(value, Resource) and value not in self._entered:
                self._entered.add(value)
                value.symbol = self.module.fresh_symbol(value.symbol)
                self.module.resources[value.symbol] = value

    def append(self, op: Op) -> tuple[Value, ...]:
        """Add an operation; integer arithmetic on constants is done at once instead.

        Constants stay quantized: integers are what a layer of bytes wants of its weights.
        """
        varying = any(map(self.is_varying, op.operands))
        stays = varying or isinstance(op, q.Dequantize)
        if not stays and any(_is_integer(v.type.scalar) for v in (*op.operands, *op.results)):
            require_affordable_results(op)
            arrays = evaluate(
                op, [None if v is None else self.fold(v) for _, v in op.operand_slots()]
            )
            return tuple(
                Resource.of(op.loc.name, array, value.type)
                for array, value in zip(arrays, op.results, strict=True)
            )
        self.enter(op.operands)
        self.module.func.append(op)
        if varying:
            self._varying.update(op.results)
        return op.results

    def fold(self, value: Value) -> np.ndarray:
        """Compute a value that depends on no input.

        Raises:
            Unsupported: It depends on one.
        """
        if isinstance(value, Resource):
            return value.array
        if value.owner is None or self.is_varying(value):
            raise Unsupported("needs a constant where the graph computes with an input")
        require_affordable_results(value.owner)
        slots = [None if v is None else self.fold(v) for _, v in value.owner.operand_slots()]
        return evaluate(value.owner, slots)[value.index]


def _is_integer(scalar: Scalar) -> bool:
    """Truth values (u1) of comparisons belong to float idioms; they are no shape arithmetic."""
    return not scalar.is_float and scalar.name != "u1"
