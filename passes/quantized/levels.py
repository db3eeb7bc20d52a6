# SPDX-License-Identifier: Apache-2.0
"""What stands behind float values: bytes and their scale, quantized constants, constants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from bnnc.ir import nn, q
from bnnc.ir.interpreter import evaluate
from bnnc.ir.limits import require_affordable_results
from bnnc.ir.operation import Op
from bnnc.ir.q import Byte
from bnnc.ir.q.rounding import BYTES
from bnnc.ir.value import Resource, Value

OpT = TypeVar("OpT", bound=Op)


@dataclass(frozen=True)
class Bytes:
    """A float value that is scale * (x - zero) for a tensor x of bytes."""

    x: Value
    scale: float
    zero: int

    @classmethod
    def behind(cls, value: Value) -> Bytes | None:
        """The bytes that a value was dequantized from, or None."""
        owner = value.owner
        if not isinstance(owner, q.Dequantize) or owner.x.type.scalar not in BYTES:
            return None
        return cls(owner.x, owner.scale, owner.zero)

    @property
    def to(self) -> Byte:
        """The type of the bytes."""
        return "i8" if self.x.type.scalar.name == "i8" else "u8"

    @property
    def whole(self) -> tuple[int, int]:
        """The smallest and the largest byte."""
        return self.x.type.scalar.range() or (0, 0)

    def alike(self, other: Bytes) -> bool:
        """Whether equal bytes of both stand for equal numbers."""
        return (self.scale, self.zero, self.to) == (other.scale, other.zero, other.to)


@dataclass(frozen=True)
class QuantizedConstant:
    """A constant that is scales * integers, both of its shape; zero points are taken off."""

    integers: np.ndarray
    scales: np.ndarray

    def per_channel(self) -> np.ndarray | None:
        """One scale for each index of the first axis, or None where others matter."""
        rows = self.scales.reshape(len(self.scales), -1)
        if rows.shape[1] == 0 or not bool((rows == rows[:, :1]).all()):
            return None
        return np.ascontiguousarray(rows[:, 0])

    def moved(self, move: Callable[[np.ndarray], np.ndarray]) -> QuantizedConstant:
        """Both under what moves elements."""
        return QuantizedConstant(move(self.integers), move(self.scales))


def quantized_constant(value: Value) -> QuantizedConstant | None:
    """The integers behind a dequantized constant, through moves and scales of channels."""
    owner = value.owner
    match owner:
        case q.Dequantize(x=Resource() as x):
            integers = x.array.astype(np.int64) - owner.zero
            return QuantizedConstant(integers, np.full(value.shape, owner.scale, np.float32))
        case nn.Reshape() | nn.Transpose() | nn.Slice():
            inner = quantized_constant(owner.x)
            return None if inner is None else inner.moved(_mover(owner))
        case nn.Mul() | nn.Add() | nn.Sub():
            inner, other = quantized_constant(owner.a), constant_of(owner.b)
            if inner is None or other is None or inner.integers.shape != value.shape:
                return None
            return _changed(owner, inner, other)
        case _:
            return None


def _mover(op: nn.Reshape | nn.Transpose | nn.Slice) -> Callable[[np.ndarray], np.ndarray]:
    def move(array: np.ndarray) -> np.ndarray:
        if isinstance(op, nn.Reshape):
            return array.reshape(op.shape)
        if isinstance(op, nn.Transpose):
            return array.transpose(op.perm)
        places = zip(op.begin, op.size, op.step, strict=True)
        grid = np.ix_(*(b + s * np.arange(n) for b, n, s in places))
        return np.asarray(array[grid])

    return move


def _changed(
    op: nn.Mul | nn.Add | nn.Sub, inner: QuantizedConstant, other: np.ndarray
) -> QuantizedConstant | None:
    """Scales for plain integers, or zero points: integers that are added to them."""
    if not bool((inner.scales == 1).all()):
        return None
    if isinstance(op, nn.Mul):
        scales = np.broadcast_to(other.astype(np.float32), inner.integers.shape)
        return QuantizedConstant(inner.integers, scales)
    if not bool((other == np.rint(other)).all()) or np.abs(other).max(initial=0) > 2**15:
        return None
    zeros = np.broadcast_to(other.astype(np.int64), inner.integers.shape)
    shifted = inner.integers - zeros if isinstance(op, nn.Sub) else inner.integers + zeros
    return QuantizedConstant(shifted, inner.scales)


def constant_of(value: Value | None) -> np.ndarray | None:
    """What a value is that depends on no input, or None."""
    if value is None or isinstance(value, Resource):
        return value.array if isinstance(value, Resource) else None
    op = value.owner
    if op is None:
        return None
    operands: list[np.ndarray | None] = []
    for _, operand in op.operand_slots():
        found = constant_of(operand)
        if found is None and operand is not None:
            return None
        operands.append(found)
    require_affordable_results(op)
    return evaluate(op, operands)[value.index]
