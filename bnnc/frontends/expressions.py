# SPDX-License-Identifier: Apache-2.0
"""Functions that the IR has no operation for, spelled in those that it has."""

from __future__ import annotations

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
