# SPDX-License-Identifier: Apache-2.0
"""Sums, products and functions of quantized bytes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bnnc.ir import Value, nn, q
from bnnc.ir.interpreter.fixed_point import multiply_double, shift_away

from ...failures import Unsupported
from ..context import Context
from ..convert import converts_bytes
from ..quantization import exponentials
from .tensorflow import require_same_quantization

F = np.float32


@converts_bytes("ADD", "SUB")
def add(c: Context) -> Value:
    """In the scale of twice the larger operand's, then the activation."""
    a, b, y = c.quant(0), c.quant(1), c.result_quant()
    lo, hi = y.bounds(c.text("activation", "NONE"))
    cls = q.Add if c.operator.kind == "ADD" else q.Sub
    return c.emit(
        cls(
            c.x(0),
            c.x(1),
            a_zero=a.zero,
            b_zero=b.zero,
            y_zero=y.zero,
            **q.sum_factors(a.scale, b.scale, y.scale),
            lo=lo,
            hi=hi,
            to=y.to,
        )
    )


@converts_bytes("MUL")
def mul(c: Context) -> Value:
    """The factor is computed in float32. Then the activation."""
    a, b, y = c.quant(0), c.quant(1), c.result_quant()
    lo, hi = y.bounds(c.text("activation", "NONE"))
    m, shift = q.fixed_point(float(F(a.scale) * F(b.scale) / F(y.scale)))
    return c.emit(
        q.Mul(
            c.x(0),
            c.x(1),
            a_zero=a.zero,
            b_zero=b.zero,
            y_zero=y.zero,
            y_multiplier=m,
            y_shift=shift,
            lo=lo,
            hi=hi,
            to=y.to,
        )
    )


@converts_bytes("RELU", "RELU6", "RELU_N1_TO_1")
def relu(c: Context) -> Value:
    """To the scale of the result, then its bounds."""
    x, y = c.quant(0), c.result_quant()
    m, shift = q.fixed_point(float(F(x.scale) / F(y.scale)))
    moved = c.emit(
        q.Requantize(
            c.x(0),
            x_zero=x.zero,
            y_zero=y.zero,
            multiplier=m,
            shift=shift,
            to=y.to,
            rounding="double",
        )
    )
    lo, hi = y.bounds(c.operator.kind)
    return c.emit(q.Clamp(moved, lo=lo, hi=hi))


@converts_bytes("MAXIMUM", "MINIMUM")
def extreme(c: Context) -> Value:
    """Of bytes of one scale the bytes themselves compare."""
    require_same_quantization(c)
    cls = nn.Maximum if c.operator.kind == "MAXIMUM" else nn.Minimum
    return c.emit(cls(c.x(0), c.x(1)))


_FUNCTIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "LOGISTIC": lambda x: 1.0 / (1.0 + np.exp(-x)),
    "TANH": np.tanh,
    "ELU": lambda x: np.where(x < 0, np.expm1(x), x),
}


@converts_bytes(*_FUNCTIONS)
def function(c: Context) -> Value:
    """A table: each byte as a float32, the function of it, times 1 / scale, halves away."""
    x, y = c.quant(0), c.result_quant()
    real = F(x.scale) * (_bytes(x.whole) - x.zero).astype(F)
    values = _FUNCTIONS[c.operator.kind](real.astype(np.float64)).astype(F)
    steps = (values * (F(1) / F(y.scale))).astype(np.float64)
    return _lookup(c, np.copysign(np.floor(np.abs(steps) + 0.5), steps) + y.zero)


@converts_bytes("LEAKY_RELU")
def leaky_relu(c: Context) -> Value:
    """A table: one factor above the zero point and one below it."""
    x, y, alpha = c.quant(0), c.result_quant(), F(c.number("alpha", 0.0))
    if alpha < 0:
        raise Unsupported("has a negative slope")
    centred = _bytes(x.whole) - x.zero
    above = multiply_double(centred, *q.fixed_point(float(F(x.scale) / F(y.scale))))
    below = multiply_double(centred, *q.fixed_point(float(F(x.scale) * alpha / F(y.scale))))
    return _lookup(c, np.where(centred >= 0, above, below) + y.zero)


def _bytes(whole: tuple[int, int]) -> np.ndarray:
    return np.arange(whole[0], whole[1] + 1, dtype=np.int64)


def _lookup(c: Context, results: np.ndarray) -> Value:
    y = c.result_quant()
    table = np.clip(results, *y.whole).astype(np.int8 if y.to == "i8" else np.uint8)
    return c.emit(q.Lookup(c.x(0), c.constant(table, "table")))


@converts_bytes("SOFTMAX")
def softmax(c: Context) -> Value:
    """Over the last axis, in fixed point; the result has the scale 1/256 and zero point -128."""
    x, y = c.quant(0), c.result_quant()
    if (x.to, y.to, y.scale, y.zero) != ("i8", "i8", 1 / 256, -128):
        raise Unsupported(f"gives {y.to} of scale {y.scale:g} and zero point {y.zero}")
    exps = exponentials(x.scale, c.number("beta", 1.0))
    return c.emit(q.Softmax(c.x(0), c.constant(exps, "exps")))


@converts_bytes("HARD_SWISH")
def hard_swish(c: Context) -> Value:
    """A table, in the 16-bit fixed point of TensorFlow Lite's kernel."""
    x, y = c.quant(0), c.result_quant()
    fine = float(F(1 / 128) * F(x.scale))
    scaled, down = _half_multiplier(fine / y.scale)
    gated, up = _half_multiplier(fine / float(F(3.0) / F(32768.0)))
    if down > 0:
        raise Unsupported(f"has scales that make a factor of {fine / y.scale:g}")
    wide = (_bytes(x.whole) - x.zero) * 128
    gate = wide if up <= 0 else _in_16_bits(wide << (up - 1))
    gate = _high_half(gate, gated)
    gate = _in_16_bits(gate << 1) if up > 0 else shift_away(gate, -up)
    # A rectifier from 0 to 1: -1 ... 1 moved up and halved.
    gate = (gate + (1 << 15)) >> 1
    product = _truncated(gate * _high_half(wide, scaled))
    return _lookup(c, shift_away(product, -down) + y.zero)


def _half_multiplier(real: float) -> tuple[int, int]:
    """A real number as m * 2^(s - 15), with m of 15 bits."""
    m, shift = q.fixed_point(real)
    return min((m + (1 << 15)) >> 16, 2**15 - 1), shift


def _in_16_bits(x: np.ndarray) -> np.ndarray:
    return np.asarray(np.clip(x, -(2**15), 2**15 - 1))


def _high_half(x: np.ndarray, factor: int) -> np.ndarray:
    """X * factor / 2^15 to the nearest integer, as gemmlowp rounds."""
    product = x * factor
    nudged = product + np.where(product >= 0, 1 << 14, 1 - (1 << 14))
    return _truncated(nudged)


def _truncated(x: np.ndarray) -> np.ndarray:
    """X / 2^15 toward zero."""
    return np.asarray(np.sign(x) * (np.abs(x) >> 15))
