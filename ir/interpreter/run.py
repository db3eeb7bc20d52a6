# SPDX-License-Identifier: Apache-2.0
"""Running a module on arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from ..diagnostics import UsageError, did_you_mean
from ..module import Module
from ..operation import Op
from ..value import Resource, Value
from .table import evaluate


def interpret(module: Module, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Run a module of any stage.

    Args:
        module: the network.
        inputs: one logical array per public input name, of exactly its shape and dtype (bits are
            int8 with the values -1 and +1).

    Returns:
        One logical array per public output name, in order.

    Raises:
        UsageError: the inputs are not those of the module.
        IRError: an operation that nobody registered, or constants whose data is not at hand.
    """
    values = _arguments(module, inputs)
    for _ in _steps(module, values):
        pass
    names = module.func.output_names
    return {n: _read(values, v) for n, v in zip(names, module.func.results, strict=True)}


def trace(
    module: Module, inputs: Mapping[str, np.ndarray]
) -> Iterator[tuple[Op, tuple[np.ndarray, ...]]]:
    """Run a module and yield each operation with its results, in execution order.

    Arrays are dropped after their last use, so only what the caller keeps stays in memory. The
    arguments and errors are those of `interpret`; inputs are checked before the first step.
    """
    return _steps(module, _arguments(module, inputs))


def _steps(
    module: Module, values: dict[Value, np.ndarray]
) -> Iterator[tuple[Op, tuple[np.ndarray, ...]]]:
    last_user = {value: op for op in module.func.walk() for value in op.operands}
    for op in module.func.ops:
        operands = [None if v is None else _read(values, v) for _, v in op.operand_slots()]
        results = evaluate(op, operands)
        values.update(zip(op.results, results, strict=True))
        for value in (*op.operands, *op.results):
            if last_user.get(value, op) is op:
                values.pop(value, None)
        yield op, results


def _read(values: dict[Value, np.ndarray], value: Value) -> np.ndarray:
    """The array of a value; constants are unpacked once and kept until their last use."""
    if value not in values and isinstance(value, Resource):
        values[value] = value.array
    return values[value]


def _arguments(module: Module, inputs: Mapping[str, np.ndarray]) -> dict[Value, np.ndarray]:
    expected = module.inputs
    for name in inputs:
        if name not in expected:
            raise UsageError(
                f"the network has no input '{name}'; {_both_sides(module, inputs)}",
                hint=did_you_mean(name, expected),
            )
    values: dict[Value, np.ndarray] = {}
    for (name, type_), value in zip(expected.items(), module.func.args, strict=True):
        if name not in inputs:
            raise UsageError(f"input '{name}' is missing; {_both_sides(module, inputs)}")
        array = np.asarray(inputs[name])
        if array.shape != type_.shape or array.dtype != type_.dtype:
            raise UsageError(
                f"input '{name}' does not have the declared shape and dtype; "
                f"{_both_sides(module, inputs)}"
            )
        if not type_.scalar.admits(array):
            raise UsageError(f"input '{name}' holds values that {type_.scalar} does not have")
        values[value] = array
    return values


def _both_sides(module: Module, inputs: Mapping[str, np.ndarray]) -> str:
    wanted = [f"{n}: {t.dtype}{list(t.shape)}" for n, t in module.inputs.items()]
    arrays = {n: np.asarray(a) for n, a in inputs.items()}
    given = [f"{n}: {a.dtype}{list(a.shape)}" for n, a in arrays.items()]
    return f"expected {', '.join(wanted) or 'none'}; given {', '.join(given) or 'none'}"
