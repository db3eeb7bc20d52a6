# SPDX-License-Identifier: Apache-2.0
"""Functions that the IR has no operation for, spelled in those that it has."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bnnc.ir import Value, nn
from bnnc.ir.limits import require_affordable

from .context import NodeContext
from .failures import Unsupported


def elu(c: NodeContext, x: Value, alpha: float = 1.0) -> Value:
    """Relu(x) + alpha (exp(min(x, 0)) - 1): one summand is zero on each side, since exp(0) is 1."""
    power = c.emit(nn.Exp(c.emit(nn.Minimum(x, c.scalar(0.0, "zero")))))
    below = c.emit(nn.Sub(power, c.scalar(1.0, "one")))
    if alpha != 1.0:
        below = c.emit(nn.Mul(below, c.scalar(alpha, "alpha")))
    return c.emit(nn.Add(c.emit(nn.Relu(x)), below))


def selu(c: NodeContext, x: Value) -> Value:
    """1.0507 elu(x, 1.6733), Klambauer et al., arXiv:1706.02515."""
    y = elu(c, x, 1.6732632423543772)
    return c.emit(nn.Mul(y, c.scalar(1.0507009873554805, "scale")))


def silu(c: NodeContext, x: Value) -> Value:
    """X * sigmoid(x)."""
    return c.emit(nn.Mul(x, c.emit(nn.Sigmoid(x))))


def softplus(c: NodeContext, x: Value) -> Value:
    """log(1 + exp(x)) as relu(x) + log(1 + exp(-|x|)), where nothing overflows."""
    small = c.emit(nn.Exp(c.emit(nn.Neg(c.emit(nn.Abs(x))))))
    rest = c.emit(nn.Log(c.emit(nn.Add(small, c.scalar(1.0, "one")))))
    return c.emit(nn.Add(c.emit(nn.Relu(x)), rest))


def softsign(c: NodeContext, x: Value) -> Value:
    """X / (1 + |x|)."""
    return c.emit(nn.Div(x, c.emit(nn.Add(c.emit(nn.Abs(x)), c.scalar(1.0, "one")))))


def gelu(c: NodeContext, x: Value) -> Value:
    """0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))), Hendrycks and Gimpel, arXiv:1606.08415."""
    cube = c.emit(nn.Mul(c.emit(nn.Mul(x, x)), x))
    inner = c.emit(nn.Add(x, c.emit(nn.Mul(cube, c.scalar(0.044715, "cubic")))))
    scaled = c.emit(nn.Mul(inner, c.scalar(math.sqrt(2 / math.pi), "factor")))
    gate = c.emit(nn.Add(c.emit(nn.Tanh(scaled)), c.scalar(1.0, "one")))
    return c.emit(nn.Mul(c.emit(nn.Mul(x, c.scalar(0.5, "half"))), gate))


def unit_norm(c: NodeContext, x: Value, axes: Sequence[int], epsilon: float) -> Value:
    """X / sqrt(max(sum of x^2 over the axes, epsilon))."""
    square = c.emit(nn.Mul(x, x))
    total = c.emit(nn.Reduce(square, kind="sum", axes=tuple(axes), keep_dims=True))
    root = c.emit(nn.Rsqrt(c.emit(nn.Maximum(total, c.scalar(epsilon, "epsilon")))))
    return c.emit(nn.Mul(x, root))


def standardized(c: NodeContext, x: Value, axes: Sequence[int], epsilon: float) -> Value:
    """(x - mean) / sqrt(variance + epsilon), both of each sample over the axes."""
    mean = c.emit(nn.Reduce(x, kind="mean", axes=tuple(axes), keep_dims=True))
    return root_mean_square_norm(c, c.emit(nn.Sub(x, mean)), axes, epsilon)


def root_mean_square_norm(c: NodeContext, x: Value, axes: Sequence[int], epsilon: float) -> Value:
    """X / sqrt(mean of x^2 over the axes + epsilon)."""
    square = c.emit(nn.Mul(x, x))
    mean = c.emit(nn.Reduce(square, kind="mean", axes=tuple(axes), keep_dims=True))
    root = c.emit(nn.Rsqrt(c.emit(nn.Add(mean, c.scalar(epsilon, "epsilon")))))
    return c.emit(nn.Mul(x, root))


def repeated(c: NodeContext, x: Value, axis: int, times: int) -> Value:
    """Each element of an axis so many times, one behind the other."""
    if not 1 <= times <= 64:
        raise Unsupported(f"repeats {times} times")
    if times == 1:
        return x
    front, back = x.shape[: axis + 1], x.shape[axis + 1 :]
    cut = c.emit(nn.Reshape(x, shape=(*front, 1, *back)))
    joined = c.emit(nn.Concat((cut,) * times, axis=axis + 1))
    return c.emit(nn.Reshape(joined, shape=(*front[:-1], front[-1] * times, *back)))


def log_softmax(c: NodeContext, x: Value) -> Value:
    """X - max - log(sum(exp(x - max))) over the last axis."""
    last = (x.type.rank - 1,)
    shifted = c.emit(nn.Sub(x, c.emit(nn.Reduce(x, kind="max", axes=last, keep_dims=True))))
    total = c.emit(nn.Reduce(c.emit(nn.Exp(shifted)), kind="sum", axes=last, keep_dims=True))
    return c.emit(nn.Sub(shifted, c.emit(nn.Log(total))))


def tile(x: np.ndarray, times: np.ndarray) -> np.ndarray:
    """A constant repeated along its axes."""
    counts = times.reshape(-1).tolist()
    if len(counts) != x.ndim or min(counts, default=0) < 0:
        raise Unsupported(f"repeats a tensor of rank {x.ndim} {counts} times")
    require_affordable([d * n for d, n in zip(x.shape, counts, strict=True)], x.size)
    return np.tile(x, counts)


def counted(start: np.ndarray, limit: np.ndarray, delta: np.ndarray) -> np.ndarray:
    """Start, start + delta, ... up to the limit."""
    if not delta.all():
        raise Unsupported("counts in steps of zero")
    with np.errstate(all="ignore"):
        steps = float(np.ceil((limit - start) / delta))
    count = max(int(steps), 0) if np.isfinite(steps) else 0
    require_affordable((count,))
    return np.asarray(start + delta * np.arange(count), dtype=start.dtype)


def constant_power(base: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """Base to the exponent, in float64 and rounded once.

    numpy's own float32 power differs between machines.
    """
    wide = base.astype(np.float64) if base.dtype.kind == "f" else base
    with np.errstate(all="ignore"):
        return np.asarray(np.power(wide, exponent), dtype=base.dtype)


def power(c: NodeContext, x: Value, exponents: np.ndarray) -> Value:
    """X to a constant exponent.

    Args:
        c: The node.
        x: f32.
        exponents: The constant; all its elements must be equal.

    Raises:
        Unsupported: The IR has no operation for the exponent.
    """
    match np.unique(exponents).tolist():
        case [1.0]:
            return x
        case [2.0]:
            return c.emit(nn.Mul(x, x))
        case [3.0]:
            return c.emit(nn.Mul(c.emit(nn.Mul(x, x)), x))
        case [0.5]:
            return c.emit(nn.Sqrt(x))
        case [-0.5]:
            return c.emit(nn.Rsqrt(x))
        case [-1.0]:
            return c.emit(nn.Div(c.scalar(1.0), x))
        case _:
            raise Unsupported(
                "has an exponent other than 1, 2, 3, 0.5, -0.5, -1", "write it as products"
            )
