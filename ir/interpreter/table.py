# SPDX-License-Identifier: Apache-2.0
"""The table from operation classes to the functions that evaluate them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias, TypeVar

import numpy as np

from ..diagnostics import IRError
from ..operation import Op

Evaluator: TypeAlias = Callable[..., np.ndarray | tuple[np.ndarray, ...]]
EvaluatorT = TypeVar("EvaluatorT", bound=Evaluator)
_TABLE: dict[type[Op], Evaluator] = {}


def evaluates(*classes: type[Op]) -> Callable[[EvaluatorT], EvaluatorT]:
    """Register a function as the meaning of operation classes and their subclasses.

    The function takes the operation and one logical array per operand slot (None for an absent
    operand) and returns the result, or a tuple with one array per result.

    Raises:
        IRError: a class already has a meaning of its own.
    """

    def register(function: EvaluatorT) -> EvaluatorT:
        for cls in classes:
            if cls in _TABLE:
                raise IRError(f"operation '{cls.NAME or cls.__name__}' already has an evaluator")
            _TABLE[cls] = function
        return function

    return register


def evaluate(op: Op, operands: Sequence[np.ndarray | None]) -> tuple[np.ndarray, ...]:
    """Compute the results of one operation.

    Args:
        op: the operation; only its attributes and types are read.
        operands: logical arrays in the order of ``op.operand_slots()``.

    Returns:
        One logical array per result, of the result's shape and dtype.

    Raises:
        IRError: nobody registered the operation, or its evaluator returned something else than
            the operation declares.
    """
    function = _find(type(op))
    if function is None:
        raise IRError(
            f"the interpreter does not know {op.NAME} ({op.loc.name or 'no location'})",
            hint="register a function with bnnc.ir.interpreter.evaluates",
        )
    # Infinities and NaN are values here, and integer shape arithmetic wraps like the hardware's.
    with np.errstate(all="ignore"):
        computed = function(op, *operands)
    results = computed if isinstance(computed, tuple) else (computed,)
    found = [(r.shape, r.dtype) for r in results]
    declared = [(v.shape, v.type.dtype) for v in op.results]
    if found != declared:
        raise IRError(
            f"{op.NAME} ({op.loc.name or 'no location'}) declares "
            f"{', '.join(str(v.type) for v in op.results)} but its evaluator returned "
            f"{', '.join(f'{dtype}{list(shape)}' for shape, dtype in found)}"
        )
    return results


def has_evaluator(cls: type[Op]) -> bool:
    """Whether `evaluate` knows an operation class, by itself or by a base class."""
    return _find(cls) is not None


def _find(cls: type[Op]) -> Evaluator | None:
    return next((_TABLE[base] for base in cls.__mro__ if base in _TABLE), None)
