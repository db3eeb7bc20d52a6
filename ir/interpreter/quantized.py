# SPDX-License-Identifier: Apache-2.0
"""Operations on quantized bytes beside layers and softmax."""

from __future__ import annotations

import numpy as np

from .. import q
from ..operation import Op
from .fixed_point import divide_away, multiply_double, multiply_single, saturated, steps, wide
from .pools import max_over_windows
from .table import evaluates
from .windows import Window


def _saturated(op: Op, x: np.ndarray) -> np.ndarray:
    """Narrowed to the whole range of the result."""
    lo, hi = op.result.type.scalar.range() or (0, 0)
    return saturated(x, lo, hi, op.result.type.dtype)


@evaluates(q.Quantize)
def quantize(op: q.Quantize, x: np.ndarray) -> np.ndarray:
    """The quotient is a float32; its halves are told apart in float64, which rounds nothing."""
    quotient = (x / np.float32(op.scale)).astype(np.float64)
    if op.halves == "even":
        nearest = np.rint(quotient)
    else:
        nearest = np.copysign(np.floor(np.abs(quotient) + 0.5), quotient)
    return _saturated(op, steps(nearest) + op.zero)


@evaluates(q.Dequantize)
def dequantize(op: q.Dequantize, x: np.ndarray) -> np.ndarray:
    """One product for each byte."""
    return np.asarray((wide(x) - op.zero).astype(np.float32) * np.float32(op.scale))


@evaluates(q.Requantize)
def requantize(op: q.Requantize, x: np.ndarray) -> np.ndarray:
    """From one scale to another."""
    multiply = multiply_double if op.rounding == "double" else multiply_single
    return _saturated(op, multiply(wide(x) - op.x_zero, op.multiplier, op.shift) + op.y_zero)


@evaluates(q.Clamp)
def clamp(op: q.Clamp, x: np.ndarray) -> np.ndarray:
    """Both bounds."""
    return np.asarray(np.clip(x, op.lo, op.hi))


@evaluates(q.Lookup)
def lookup(op: q.Lookup, x: np.ndarray, table: np.ndarray) -> np.ndarray:
    """The entry of each byte, counted from the smallest."""
    lowest, _ = op.x.type.scalar.range() or (0, 0)
    return np.asarray(table[wide(x) - lowest])


@evaluates(q.Add, q.Sub)
def add(op: q.Sum, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Both operands in one scale, left_shift bits finer than the larger of theirs."""
    fine_a, fine_b = (
        multiply_double((wide(v) - zero) << op.left_shift, multiplier, shift)
        for v, zero, multiplier, shift in (
            (a, op.a_zero, op.a_multiplier, op.a_shift),
            (b, op.b_zero, op.b_multiplier, op.b_shift),
        )
    )
    total = fine_a - fine_b if isinstance(op, q.Sub) else fine_a + fine_b
    return _in_bounds(op, total)


@evaluates(q.Mul)
def mul(op: q.Mul, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The product of the integers, brought to the scale of the result."""
    return _in_bounds(op, (wide(a) - op.a_zero) * (wide(b) - op.b_zero))


@evaluates(q.FloatBinary)
def float_binary(op: q.FloatBinary, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """In float32, each operation rounded once."""
    left = (wide(a) - op.a_zero).astype(np.float32) * np.float32(op.a_scale)
    right = (wide(b) - op.b_zero).astype(np.float32) * np.float32(op.b_scale)
    made = {"add": np.add, "sub": np.subtract, "mul": np.multiply}[op.kind](left, right)
    y = steps(np.rint(made / np.float32(op.y_scale))) + op.y_zero
    return saturated(y, op.lo, op.hi, op.result.type.dtype)


def _in_bounds(op: q.Binary, x: np.ndarray) -> np.ndarray:
    y = multiply_double(x, op.y_multiplier, op.y_shift) + op.y_zero
    return saturated(y, op.lo, op.hi, op.result.type.dtype)


@evaluates(q.MaxPool)
def max_pool(op: q.MaxPool, x: np.ndarray) -> np.ndarray:
    """Maximum of each window."""
    return np.asarray(np.clip(max_over_windows(op, x), op.lo, op.hi))


@evaluates(q.AvgPool)
def avg_pool(op: q.AvgPool, x: np.ndarray) -> np.ndarray:
    """Sum of the bytes themselves, zero point included, over the count inside of the image."""
    window = Window(op.kernel_size, op.stride, pad=op.pad)
    total = window.over(wide(x), 0).sum(axis=(3, 4))
    count = window.inside((x.shape[1], x.shape[2])).sum(axis=(2, 3))
    return saturated(divide_away(total, count), op.lo, op.hi, x.dtype)


@evaluates(q.Mean)
def mean(op: q.Mean, x: np.ndarray) -> np.ndarray:
    """The sum of x - x_zero, times what the scales and the count have become."""
    total = (wide(x) - op.x_zero).sum(axis=op.axes, keepdims=op.keep_dims)
    return _saturated(op, multiply_double(total, op.multiplier, op.shift) + op.y_zero)
