# SPDX-License-Identifier: Apache-2.0
"""Constants, wires, and shape arithmetic that has no operation of its own in the IR."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from bnnc.ir import Value, nn

from ... import expressions
from ...failures import Unsupported
from ..context import Context
from ..control import WIRES
from ..convert import converts
from ..tensors import DType


@converts("Const")
def const(c: Context) -> Value:
    """A constant tensor; scalars may be infinite (bounds), parameters may not."""
    array = c.tensor("value").array()
    if array.dtype == np.float32 and array.ndim > 0 and not np.isfinite(array).all():
        bad = int(array.size - np.isfinite(array).sum())
        raise Unsupported(
            f"holds NaN or infinity ({bad} of {array.size} elements)",
            "the model did not train well, or the file is damaged",
        )
    return c.constant(array)


@converts(*WIRES, "PlaceholderWithDefault", "CheckNumerics", "EnsureShape")
def identity(c: Context) -> Value:
    """The operand itself."""
    return c.x(0)


@converts("IdentityN")
def identity_n(c: Context) -> Sequence[Value]:
    """The operands themselves."""
    return c.operands


@converts("Shape")
def shape(c: Context) -> Value:
    """Shapes are static, so they are constants."""
    return c.constant(np.array(c.x(0).shape, dtype=_index_type(c)))


@converts("ShapeN")
def shape_n(c: Context) -> Sequence[Value]:
    """The shape of each operand."""
    return [
        c.constant(np.array(x.shape, dtype=_index_type(c)), str(i))
        for i, x in enumerate(c.operands)
    ]


@converts("Rank")
def rank(c: Context) -> Value:
    """The number of axes."""
    return c.constant(np.array(c.x(0).type.rank, dtype=np.int32))


@converts("Size")
def size(c: Context) -> Value:
    """The number of elements."""
    return c.constant(np.array(c.x(0).type.size, dtype=_index_type(c)))


def _index_type(c: Context) -> type[np.generic]:
    wide = c.has("out_type") and c.dtype("out_type") is DType.INT64
    return np.int64 if wide else np.int32


@converts("Fill")
def fill(c: Context) -> Value:
    """A constant of one value."""
    return c.filled(c.integers(0), c.array(1))


@converts("ZerosLike", "OnesLike")
def like(c: Context) -> Value:
    """A constant of the operand's shape and type."""
    value = 1 if c.node.op == "OnesLike" else 0
    return c.filled(c.x(0).shape, value, c.x(0).type.dtype)


@converts("BroadcastTo")
def broadcast_to(c: Context) -> Value:
    """Adding zeros of the target shape would change -0.0; multiplying by ones does not."""
    x, target = c.x(0), c.integers(1)
    if tuple(target) == x.shape:
        return x
    if c.is_constant(x):
        return c.spread(c.array(0), target)
    return c.emit(nn.Mul(x, c.filled(target, 1, np.float32)))


def _nonzero(divisor: np.ndarray) -> np.ndarray:
    if not divisor.all():
        raise Unsupported("divides by zero")
    return divisor


def _floor_div(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(np.floor_divide(a, _nonzero(b)))


def _floor_mod(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(np.mod(a, _nonzero(b)))


def _truncated_div(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray(np.sign(a) * np.sign(b) * _floor_div(np.abs(a), np.abs(b)))


_ON_CONSTANTS: dict[str, Callable[..., np.ndarray]] = {
    "FloorDiv": _floor_div,
    "FloorMod": _floor_mod,
    "LogicalAnd": np.logical_and,
    "LogicalNot": np.logical_not,
    "LogicalOr": np.logical_or,
    "Range": expressions.counted,
    "TruncateDiv": _truncated_div,
}


@converts(*_ON_CONSTANTS)
def on_constants(c: Context) -> Value:
    """What occurs in the computation of shapes; operands must not depend on an input."""
    arrays = [c.array(i) for i in range(len(c.operands))]
    return c.constant(np.asarray(_ON_CONSTANTS[c.node.op](*arrays)))


@converts("Div")
def div(c: Context) -> Value:
    """The old division: truncating for integers."""
    if c.x(0).type.scalar.is_float:
        return c.emit(nn.Div(c.x(0), c.x(1)))
    return c.constant(_truncated_div(c.array(0), c.array(1)))
