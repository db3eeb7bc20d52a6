# SPDX-License-Identifier: Apache-2.0
"""Elementwise operations.

The functions without an operation are the arithmetic itself: float32 arrays in, float32 arrays
out, every operation rounded once. Threshold expressions (`steps`) use the same ones.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .. import nn
from ..diagnostics import IRError
from ..operation import Op
from . import elementary
from .table import evaluates


def relu(x: np.ndarray) -> np.ndarray:
    """X < 0 ? 0 : x."""
    return np.where(x < 0, x.dtype.type(0), x)


def leaky_relu(x: np.ndarray, slope: np.ndarray | float) -> np.ndarray:
    """X < 0 ? fl(x * slope) : x."""
    return np.where(x < 0, x * np.asarray(slope, x.dtype), x)


def clip(x: np.ndarray, lo: float, hi: float) -> np.ndarray:
    """First x > hi ? hi : x, then x < lo ? lo : x."""
    low, high = x.dtype.type(lo), x.dtype.type(hi)
    below = np.where(x > high, high, x)
    return np.where(below < low, low, below)


def maximum(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """B > a ? b : a."""
    return np.where(b > a, b, a)


def minimum(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """B < a ? b : a."""
    return np.where(b < a, b, a)


def affine(x: np.ndarray, scale: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """fl(fl(x * scale) + offset)."""
    y: np.ndarray = x * scale + offset
    return y


def batch_norm(
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    mean: np.ndarray,
    var: np.ndarray,
    epsilon: float,
) -> np.ndarray:
    """fl(fl(x * sc) + of) with sc = gamma * (1 / sqrt(var + epsilon)), of = beta - mean * sc."""
    one = np.float32(1)
    scale = gamma * (one / np.sqrt(var + np.float32(epsilon)))
    return affine(x, scale, beta - mean * scale)


def rsqrt(x: np.ndarray) -> np.ndarray:
    """fl(1 / fl(sqrt(x)))."""
    y: np.ndarray = np.float32(1) / np.sqrt(x)
    return y


UNARY: dict[type[Op], Callable[[np.ndarray], np.ndarray]] = {
    nn.Neg: np.negative,
    nn.Abs: np.abs,
    nn.Sqrt: np.sqrt,
    nn.Rsqrt: rsqrt,
    nn.Exp: elementary.exp,
    nn.Log: elementary.log,
    nn.Tanh: elementary.tanh,
    nn.Sigmoid: elementary.sigmoid,
    nn.Round: elementary.round_half_even,
    nn.Relu: relu,
}

BINARY: dict[type[Op], Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    nn.Add: np.add,
    nn.Sub: np.subtract,
    nn.Mul: np.multiply,
    nn.Maximum: maximum,
    nn.Minimum: minimum,
    nn.PRelu: leaky_relu,
}

_COMPARISONS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "ge": np.greater_equal,
    "gt": np.greater,
    "le": np.less_equal,
    "lt": np.less,
    "eq": np.equal,
    "ne": np.not_equal,
}


@evaluates(*UNARY)
def unary(op: Op, x: np.ndarray) -> np.ndarray:
    """Operations that need the operand alone."""
    return np.asarray(UNARY[type(op)](x))


@evaluates(*BINARY)
def binary(op: Op, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Operations that need two operands alone."""
    return np.asarray(BINARY[type(op)](a, b))


@evaluates(nn.Div)
def div(op: nn.Div, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Quotient; integers truncate toward zero and do not divide by zero."""
    if op.results[0].type.scalar.is_float:
        quotient = np.asarray(a / b)
    else:
        if not op.no_nan and not b.all():
            raise IRError(f"integer division by zero ({op.loc.name})")
        divisor = np.where(b == 0, b.dtype.type(1), b)
        rest = np.fmod(a, divisor)
        quotient = (a - rest) // divisor
    return np.where(b == 0, quotient.dtype.type(0), quotient) if op.no_nan else quotient


@evaluates(nn.LeakyRelu)
def leaky(op: nn.LeakyRelu, x: np.ndarray) -> np.ndarray:
    """X < 0 ? fl(x * alpha) : x."""
    return leaky_relu(x, op.alpha)


@evaluates(nn.Clip)
def clipped(op: nn.Clip, x: np.ndarray) -> np.ndarray:
    """Both bounds."""
    return clip(x, op.lo, op.hi)


@evaluates(nn.Sign)
def sign(op: nn.Sign, x: np.ndarray) -> np.ndarray:
    """-1, +1, and what the attributes say for zero and NaN."""
    minus, keep, plus = (np.array(v, x.dtype) for v in (-1, 0, 1))
    at_zero = {"plus": plus, "minus": minus, "keep": keep}[op.zero]
    y = np.where(x < 0, minus, np.where(x > 0, plus, at_zero))
    at_nan = {"plus": plus, "minus": minus, "propagate": x}[op.nan]
    return np.where(x != x, at_nan, y)


@evaluates(nn.BatchNorm)
def normalized(
    op: nn.BatchNorm,
    x: np.ndarray,
    gamma: np.ndarray,
    beta: np.ndarray,
    mean: np.ndarray,
    var: np.ndarray,
) -> np.ndarray:
    """Inference batch normalization."""
    return batch_norm(x, gamma, beta, mean, var, op.epsilon)


@evaluates(nn.Compare)
def compare(op: nn.Compare, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """0 or 1."""
    return np.asarray(_COMPARISONS[op.predicate](a, b)).astype(np.uint8)


@evaluates(nn.Select)
def select(op: nn.Select, condition: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Condition ? a : b."""
    return np.where(condition != 0, a, b)


@evaluates(nn.Cast)
def cast(op: nn.Cast, x: np.ndarray) -> np.ndarray:
    """Convert values; floats truncate toward zero."""
    return x.astype(op.results[0].type.dtype)
